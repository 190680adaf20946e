//! A page in a network that lets no UDP through.

use hst_tests::browser::{Browser, Network};
use serde_json::json;

use crate::{bare_page, call::sees, server_with_one_way_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_udp_and_one_with_it_see_and_hear_each_other() {
    let server = server_with_one_way_in().await;
    let browser = Browser::start_beside_others(Network::Loopback).await;
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    for script in [include_str!("no_udp.js"), include_str!("protocols.js")] {
        ann.run(script, Vec::new()).await;
    }
    for (page, user) in [(&ann, "ann"), (&ben, "ben")] {
        page.run(include_str!("call.js"), vec![json!(user), json!("tcp")]).await;
        page.run(
            "setInterval(async () => (window.now = await figures()), 100);",
            Vec::new(),
        )
        .await;
    }
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    assert_eq!(
        ann.run("return protocols()", Vec::new()).await,
        json!(["tcp", "tcp", null])
    );
    server.shutdown().await;
}
