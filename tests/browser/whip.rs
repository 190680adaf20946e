//! Pages without the SDK: they know WHIP and WHEP.

use hst_server::DEV_APP_ID;
use hst_tests::browser::{Browser, Network};
use serde_json::json;

use crate::{origin, server, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_the_sdk_plays_what_another_publishes_also_from_another_origin() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let origin = origin(&server);
    let elsewhere = origin.replace("127.0.0.1", "localhost");
    let pages = [&origin, &elsewhere].map(|origin| format!("{origin}/healthz"));
    let (from, to) = tokio::join!(browser.open(&pages[0]), browser.open(&pages[1]));
    for (page, url, plays) in [
        (&from, format!("{origin}/whip/g?app={DEV_APP_ID}&as=obs"), false),
        (&to, format!("{origin}/whep/g?app={DEV_APP_ID}&as=tv"), true),
    ] {
        let args = vec![json!(url), json!(token()), json!(plays)];
        page.run(include_str!("whip.js"), args).await;
    }
    let watch = "setInterval(async () => (window.now = await figures()), 100)";
    to.run(watch, Vec::new()).await;
    to.wait_until("window.now?.frames > 10 && now.energy > 0").await;

    assert_eq!(from.run("return end()", Vec::new()).await, 200);
    // What it played has ended, and so its own resource has.
    to.wait_until("pc.connectionState !== 'connected'").await;
    assert_eq!(to.run("return end()", Vec::new()).await, 404);
    server.shutdown().await;
}
