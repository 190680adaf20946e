//! A member's picture and sound are played in step.

use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};

use crate::{bare_page, server};

/// Farther apart than this, in ms, people notice.
const NOTICEABLE: f64 = 100.0;
/// So much later than they were taken pictures leave, in ms.
const LATE: u32 = 400;

async fn apart(page: &Page) -> (Value, f64) {
    let estimated = page.run("return estimated()", Vec::new()).await;
    (
        page.run("return apart()", Vec::new()).await,
        estimated.as_f64().unwrap(),
    )
}

/// Waits until what is seen and heard at a page is in step, thrice one after the other.
async fn wait_until_in_step(page: &Page) {
    let limit = NOTICEABLE;
    page.wait_until(&format!(
        "apart().length === 3 && apart().every((it) => Math.abs(it) < {limit})"
    ))
    .await;
    let (apart, estimated) = apart(page).await;
    println!("seen after it was heard: {apart} ms; as Chromium sees it {estimated:.0} ms");
    assert!(estimated.abs() < NOTICEABLE, "{estimated} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_camera_and_microphone_are_one_stream_and_played_in_step_however_late_pictures_are() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    for (page, user, publishes) in [(&ben, "ben", false), (&ann, "ann", true)] {
        page.run(include_str!("in_step.js"), vec![json!(user), json!(publishes)])
            .await;
    }
    ben.wait_until("got[0] && got[1] && got[2]").await;
    let streams = "return [0, 1, 2].map((type) => [got[type].described, got[type].told])";
    let streams = ben.run(streams, Vec::new()).await;
    let of = |kind: usize| streams[kind][0].as_str().expect("it is of a stream");
    assert_eq!(of(1), of(2), "sound and camera: {streams}");
    assert_ne!(of(0), of(2), "a screen goes by itself: {streams}");
    for kind in 0..3 {
        assert_eq!(streams[kind][1], json!([of(kind)]), "{streams}");
    }
    wait_until_in_step(&ben).await;

    let senders = ann.run("return delayPictures(args[0])", vec![json!(LATE)]).await;
    assert_eq!(senders, 2);
    ben.run("flashes.length = 0", Vec::new()).await;
    ben.wait_until("apart().length === 3").await;
    println!("at first: {:?}", apart(&ben).await);
    wait_until_in_step(&ben).await;
    let origin = ann.run("return performance.timeOrigin", Vec::new()).await;
    let behind = ben.run("return behind(args[0])", vec![origin]).await;
    println!("{behind} ms after they were taken");
    assert!(behind.as_f64() > Some(LATE.into()), "pictures are late: {behind} ms");
    for page in [&ann, &ben] {
        page.run("engine.destroy()", Vec::new()).await;
    }
    server.shutdown().await;
}
