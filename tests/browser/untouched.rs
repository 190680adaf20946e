//! A page that its user has not touched yet: the browser plays no sound there.

use hst_tests::browser::{Browser, Network, Page};
use serde_json::json;

use crate::{
    bare_page,
    call::{all_flows, sees},
    make_bare, origin, server,
};

/// Shift alone: browsers do not take it for a gesture.
const SHIFT: char = '\u{e008}';

/// A page that only listens and has been touched by nobody.
async fn listener(browser: &Browser, origin: &str, user: &str) -> Page {
    let page = browser.open_untouched(&format!("{origin}/healthz")).await;
    make_bare(&page).await;
    let args = vec![json!(user), json!("untouched"), json!(true)];
    page.run(include_str!("call.js"), args).await;
    page.run(
        "setInterval(async () => (window.now = await figures()), 100)",
        Vec::new(),
    )
    .await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_that_the_browser_has_held_back_plays_from_the_first_click_or_key_on() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let origin = origin(&server);
    let ann = bare_page(&browser, &server).await;
    ann.run(include_str!("call.js"), vec![json!("ann"), json!("untouched")])
        .await;
    let (clicked, typed) = tokio::join!(listener(&browser, &origin, "ben"), listener(&browser, &origin, "cid"));
    for page in [&clicked, &typed] {
        sees(page, "ann").await;
        page.wait_until("now['ann audio'].seconds > 0").await;
        let script = "const { paused, srcObject } = document.querySelector('audio');
             return [paused, srcObject.getAudioTracks()[0].readyState, navigator.userActivation.hasBeenActive]";
        assert_eq!(page.run(script, Vec::new()).await, json!([true, "live", false]));
    }

    clicked.click("body").await;
    typed.press(SHIFT).await;
    let is_active = "return navigator.userActivation.hasBeenActive";
    assert_eq!(typed.run(is_active, Vec::new()).await, false);
    typed.press('a').await;
    for page in [&clicked, &typed] {
        all_flows(page, &["ann"]).await;
        page.wait_until("now['ann audio'].played > 0.5").await;
    }
    server.shutdown().await;
}
