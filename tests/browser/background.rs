//! Pages that the user does not see, in a Chromium that slows them down.

use std::time::Duration;

use hst_tests::browser::{Browser, Network, Page};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::{bare_page, make_bare, origin, server, view::member};

/// Three times as long as a server waits for a client that says nothing.
const HIDDEN: Duration = Duration::from_secs(45);

async fn sleepy_page(browser: &Browser, server: &hst_server::RunningServer) -> Page {
    let page = browser.open_sleepy(&format!("{}/healthz", origin(server))).await;
    make_bare(&page).await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_whose_timers_come_once_a_minute_keeps_its_session() {
    let (server, mut browser) = (server().await, Browser::start(Network::Loopback).await);
    let page = sleepy_page(&browser, &server).await;
    let script = "
        window.engine = new HstRtcEngine();
        window.told = [];
        for (const name of ['onReconnecting', 'onReconnected', 'onDiscontinuity', 'onError', 'onWebSocketClosed']) {
            engine.on(name, () => told.push(name));
        }
        await engine.init();
        await engine.login({ ...credentials, userId: 'ann' });
        await engine.joinGroup('background')";
    page.run(script, Vec::new()).await;
    page.hide().await;
    page.run(
        "(window.tick = () => setTimeout(() => (ticks += 1, tick()), 1000), window.ticks = 0, tick())",
        Vec::new(),
    )
    .await;
    browser.stand_aside(sleep_until(Instant::now() + HIDDEN)).await;
    let ticks = page.run("return ticks", Vec::new()).await.as_u64().unwrap();
    assert!(ticks < 15, "it was not slowed down: {ticks} ticks");
    let told = page
        .run("await engine.sendGroupMsg({ msg: 'here' }); return told", Vec::new())
        .await;
    assert_eq!(told, json!([]));
    page.run("engine.destroy()", Vec::new()).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_hears_on_and_asks_for_no_picture_until_it_is_shown_again() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let ann = bare_page(&browser, &server).await;
    let ben = sleepy_page(&browser, &server).await;
    member(&ann, "ann", true).await;
    member(&ben, "ben", false).await;
    ben.wait_until("window.now?.frames > 10 && now.sound > 0 && window.stats?.frameRate > 0")
        .await;

    ben.hide().await;
    ann.wait_until("now.isActive === false").await;
    ben.wait_until("stats.frameRate === 0").await;
    ben.run("window.before = await figures()", Vec::new()).await;
    ben.wait_until("now.sound > before.sound + 5000").await;
    assert_eq!(ben.run("return now.frames - before.frames", Vec::new()).await, json!(0));

    ben.unhide().await;
    ann.wait_until("now.isActive").await;
    ben.wait_until("now.frames > before.frames + 10").await;
    for page in [&ann, &ben] {
        page.run("engine.destroy()", Vec::new()).await;
    }
    server.shutdown().await;
}
