//! A member's picture and sound are played in step.

use hst_tests::browser::{Browser, Network, Page};
use serde_json::json;

use crate::{bare_page, server};

/// Farther apart than this, in ms, people notice.
const NOTICEABLE: f64 = 100.0;
/// So much later than they were taken pictures leave, in ms.
const LATE: f64 = 400.0;

/// How much later than what was heard at the same time something was seen last, in ms: truly, and as Chromium takes it to be, which
/// knows only what it is told.
async fn apart(page: &Page) -> [f64; 2] {
    let script = "return [apart().at(-1), -(await estimated())]";
    let apart = page.run(script, Vec::new()).await;
    [0, 1].map(|at| apart[at].as_f64().unwrap())
}

/// Waits until what is seen and heard at a page is no farther apart than this, thrice one after the other.
async fn wait_until_near(page: &Page, limit: f64) {
    let is_near = format!("apart().every((it) => Math.abs(it) < {limit})");
    page.wait_until(&format!("apart().length === 3 && {is_near}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_camera_and_microphone_are_one_stream_and_played_in_step_also_where_pictures_are_late() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    for (page, user, publishes) in [(&ben, "ben", false), (&ann, "ann", true)] {
        page.run(include_str!("in_step.js"), vec![json!(user), json!(publishes)])
            .await;
    }
    ben.wait_until("got[0] && got[1] && got[2]").await;
    let streams = "return [0, 1, 2].map((type) => [got[type].described, got[type].told])";
    let streams = ben.run(streams, Vec::new()).await;
    let of = |kind: usize| streams[kind][0].as_str().unwrap();
    assert_eq!(of(1), of(2), "sound and camera: {streams}");
    assert_ne!(of(0), of(2), "a screen goes by itself: {streams}");
    for kind in 0..3 {
        assert_eq!(streams[kind][1], json!([of(kind)]), "{streams}");
    }
    wait_until_near(&ben, NOTICEABLE).await;
    let [_, estimated] = apart(&ben).await;
    assert!(estimated.abs() < NOTICEABLE, "{estimated} ms");

    ann.run("delayPictures(args[0])", vec![json!(LATE)]).await;
    ben.run("flashes.length = 0", Vec::new()).await;
    ben.wait_until("apart().length === 3").await;
    let [truly, estimated] = apart(&ben).await;
    assert!(
        (truly - estimated).abs() < LATE / 2.0,
        "it is told the truth: {truly} ms, {estimated} ms"
    );
    // Chromium holds the sound back for it little by little: until all of it is in step may take a minute.
    wait_until_near(&ben, LATE * 0.75).await;
    let last = apart(&ben).await;
    println!("seen after it was heard, and as Chromium takes it: at first {truly} and {estimated} ms, then {last:?}");
    let origin = ann.run("return performance.timeOrigin", Vec::new()).await;
    let behind = ben.run("return behind(args[0])", vec![origin]).await;
    assert!(behind.as_f64() > Some(LATE), "so late pictures are: {behind} ms");
    for page in [&ann, &ben] {
        page.run("engine.destroy()", Vec::new()).await;
    }
    server.shutdown().await;
}
