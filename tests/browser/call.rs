//! A call between two browsers and one native engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use hst_rtc::{
    Event, Events, GroupEvent, LoginOptions, MediaType, RtcEngine,
    media::{Looped, Paced, open_source},
};
use hst_server::DEV_APP_ID;
use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};
use tokio::time::{Instant, interval_at};

use crate::{bare_page, origin, server, token};

const GROUP: &str = "call";
/// For how long the call is watched.
const WATCHED_SECONDS: u32 = 10;
/// The slowest that a watched picture may be, in frames over the whole time: a third of what is sent.
const FEWEST_FRAMES: f64 = 50.0;
/// Above this a sound is no silence: -50 dB. It is the mean of the squared peaks, where 1 is the loudest.
const SILENCE: f64 = 1e-5;

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_and_a_native_engine_see_and_hear_each_other_for_10_s() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let bot = Bot::join(&origin(&server)).await;
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    for (page, user) in [(&ann, "ann"), (&ben, "ben")] {
        page.run(include_str!("call.js"), vec![json!(user), json!(GROUP)]).await;
    }
    all_flows(&ann, &["ben", "film"]).await;
    all_flows(&ben, &["ann", "film"]).await;

    let (mut of_ann, mut of_ben, mut of_bot) = (figures(&ann).await, figures(&ben).await, bot.frames());
    let (first_ann, first_ben, first_bot) = (of_ann.clone(), of_ben.clone(), of_bot.clone());
    assert_eq!(
        of_bot.keys().collect::<Vec<_>>(),
        ["ann audio", "ann video", "ben audio", "ben video"]
    );

    let second = Duration::from_secs(1);
    let mut seconds = interval_at(Instant::now() + second, second);
    for _ in 0..WATCHED_SECONDS {
        seconds.tick().await;
        let now = (figures(&ann).await, figures(&ben).await, bot.frames());
        assert_grows("ann", &of_ann, &now.0);
        assert_grows("ben", &of_ben, &now.1);
        for (media, frames) in &now.2 {
            assert!(
                *frames > of_bot[media],
                "{media} stands still at the native engine: {frames} frames"
            );
        }
        (of_ann, of_ben, of_bot) = now;
    }
    assert_seen_and_heard("ann", &first_ann, &of_ann);
    assert_seen_and_heard("ben", &first_ben, &of_ben);
    for (media, frames) in &of_bot {
        let frames = (frames - first_bot[media]) as f64;
        assert!(
            frames >= FEWEST_FRAMES,
            "the native engine got {frames} frames of {media}"
        );
    }

    bot.engine.destroy();
    server.shutdown().await;
}

/// Waits until pictures and sounds of these users flow at a page.
pub(crate) async fn all_flows(page: &Page, users: &[&str]) {
    page.run(
        "setInterval(async () => (window.now = await figures()), 100)",
        Vec::new(),
    )
    .await;
    for user in users {
        page.wait_until(&format!("window.now?.['{user} video']?.frames > 0"))
            .await;
        page.wait_until(&format!("window.now?.['{user} audio']?.energy > 0"))
            .await;
    }
}

/// Waits until the camera of this one moves at a page where it was seen before.
pub(crate) async fn sees(page: &Page, other: &str) {
    page.run("window.before = await figures()", Vec::new()).await;
    let media = format!("'{other} video'");
    page.wait_until(&format!(
        "window.now?.[{media}]?.frames > (before[{media}]?.frames ?? 0) + 15"
    ))
    .await;
}

async fn figures(page: &Page) -> Value {
    page.run("return figures()", Vec::new()).await
}

/// What a figure of a media has grown by.
fn growth(media: &str, name: &str, before: &Value, after: &Value) -> f64 {
    let [before, after] = [before, after].map(|figures| figures[media][name].as_f64().unwrap_or_default());
    after - before
}

fn assert_grows(page: &str, before: &Value, after: &Value) {
    for (media, _) in after.as_object().unwrap() {
        let name = if media.ends_with("video") { "frames" } else { "seconds" };
        let growth = growth(media, name, before, after);
        assert!(growth > 0.0, "{media} stands still at {page}: {before} then {after}");
    }
}

fn assert_seen_and_heard(page: &str, first: &Value, last: &Value) {
    let figures = last.as_object().unwrap();
    assert_eq!(figures.len(), 4, "two users with two media each");
    for (media, _) in figures {
        if media.ends_with("video") {
            let frames = growth(media, "frames", first, last);
            assert!(frames >= FEWEST_FRAMES, "{page} decoded {frames} frames of {media}");
        } else {
            let power = growth(media, "energy", first, last) / growth(media, "seconds", first, last);
            assert!(power > SILENCE, "{page} hears silence from {media}: {power}");
        }
    }
}

/// A native member that plays the sample film, and counts the frames of everything that the others publish.
struct Bot {
    engine: Arc<RtcEngine>,
    counts: Counts,
}

/// Shared with one reader a media; held for the time of one addition.
type Counts = Arc<Mutex<BTreeMap<String, u32>>>;

impl Bot {
    async fn join(access: &str) -> Self {
        let engine = Arc::new(RtcEngine::new());
        let counts = Counts::default();
        tokio::spawn(receive_all(engine.clone(), engine.events(), counts.clone()));
        engine.init(Some(access)).await.unwrap();
        engine
            .login(LoginOptions::new(DEV_APP_ID, token(), "film"))
            .await
            .unwrap();
        engine.join_group(GROUP).await.unwrap();
        for (media_type, file) in [(MediaType::Video, "film.ivf"), (MediaType::Audio, "film.ogg")] {
            let path = format!("{}/media/{file}", env!("CARGO_MANIFEST_DIR"));
            let source = open_source(path).await.unwrap();
            let source = Box::new(Paced::new(Looped::new(source)));
            engine.publish(media_type, file, source).await.unwrap();
        }
        Self { engine, counts }
    }

    /// How many frames of each media have come so far, by its user and kind.
    fn frames(&self) -> BTreeMap<String, u32> {
        self.counts.lock().unwrap().clone()
    }
}

async fn receive_all(engine: Arc<RtcEngine>, mut events: Events, counts: Counts) {
    while let Some(event) = events.recv().await {
        let Event::Group(GroupEvent::Published(media)) = event else {
            continue;
        };
        let (engine, counts) = (engine.clone(), counts.clone());
        tokio::spawn(async move {
            let kind = if media.key.media_type == MediaType::Audio {
                "audio"
            } else {
                "video"
            };
            let name = format!("{} {kind}", media.key.user);
            let mut remote = engine.receive(media.key).await.unwrap();
            while remote.read().await.is_some() {
                *counts.lock().unwrap().entry(name.clone()).or_default() += 1;
            }
        });
    }
}
