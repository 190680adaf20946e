//! Pictures that are protected on their way (FlexFEC).

use std::time::Duration;

use hst_server::DEV_APP_ID;
use hst_tests::{
    browser::{Browser, Network},
    link::Link,
};
use serde_json::json;

use crate::{lead, server_with_one_way_in, token};

/// The share of packets that are lost on the way of either, so that the publisher protects and the receiver computes; and how long
/// it is.
const LOST: f64 = 0.1;
const ONE_WAY: Duration = Duration::from_millis(40);

/// The receiver is a browser as it comes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_protects_is_protected_for_the_one_that_shows_it() {
    let server = server_with_one_way_in().await;
    let link = Link::lossy(&server, ONE_WAY, LOST).await;
    let browser = Browser::start(Network::Loopback).await;
    let page = format!("{}/healthz", link.origin());
    let (from, to) = tokio::join!(browser.open_protecting(&page), browser.open(&page));
    for (page, path, plays) in [(&from, "whip/g?as=obs", false), (&to, "whep/g?as=tv", true)] {
        lead(page, &link.detour).await;
        let url = format!("{}/{path}&app={DEV_APP_ID}", link.origin());
        let args = vec![json!(url), json!(token()), json!(plays)];
        page.run(include_str!("whip.js"), args).await;
        let agreed = "return pc.remoteDescription.sdp.includes('flexfec-03')";
        assert_eq!(page.run(agreed, Vec::new()).await, true, "it is agreed on");
    }
    let watch = "setInterval(async () => (window.now = await figures()), 100)";
    to.run(watch, Vec::new()).await;
    to.wait_until("window.now?.protecting > 100 && now.frames > 100").await;
    let figures = to.run("return now", Vec::new()).await;
    println!("{figures}");
    assert_eq!(figures["isKnown"], true, "{figures}");
    assert!(figures["bytes"].as_u64() > Some(10_000), "{figures}");
    server.shutdown().await;
}
