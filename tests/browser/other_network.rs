//! A page whose host comes into another network.

use hst_tests::{
    browser::{Browser, Network},
    path::Path,
};
use serde_json::json;

use crate::{bare_page, call::sees, lead, server_with_one_way_in};

/// It takes some fifteen seconds: until the browser notices, and five in which the interruption could end by itself.
#[tokio::test(flavor = "multi_thread")]
async fn media_go_on_from_another_address_over_the_same_peer_connection() {
    let server = server_with_one_way_in().await;
    let path = Path::to(server.addresses().media[0]).await;
    let browser = Browser::start(Network::Loopback).await;
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    for (page, user) in [(&ann, "ann"), (&ben, "ben")] {
        lead(page, &path.detour).await;
        page.run(include_str!("call.js"), vec![json!(user), json!("moving")])
            .await;
        let watch = "setInterval(async () => (window.now = await figures()), 100);
             window.states = [];
             peers[0].addEventListener('connectionstatechange', () => states.push(peers[0].connectionState));";
        page.run(watch, Vec::new()).await;
    }
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));

    for page in [&ann, &ben] {
        page.run("states.length = 0", Vec::new()).await;
    }
    path.cut();
    for page in [&ann, &ben] {
        page.wait_until("states.at(-1) === 'connected'").await;
    }
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    for page in [&ann, &ben] {
        let states = page.run("return states", Vec::new()).await;
        assert_eq!(states[0], "disconnected", "{states}");
        assert_eq!(page.run("return peers.length", Vec::new()).await, 1);
    }
    server.shutdown().await;
}
