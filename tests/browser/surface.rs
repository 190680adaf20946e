//! Everything that applications of the older platform call, hear and rely on.

use std::time::Duration;

use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use crate::{bare_page, server};

/// How long an application may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs an application in a page of its own, and gives what it returns.
async fn run(parts: &[&str]) -> Value {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    let (application, helpers) = parts.split_last().unwrap();
    for part in [include_str!("surface/helpers.js")].iter().chain(helpers) {
        page.run(part, Vec::new()).await;
    }
    // Longer than a browser lets one script run.
    let begin = format!(
        "(async () => {{ {application}\n }})().then(
            (value) => (window.outcome = {{ value }}),
            (error) => (window.outcome = {{ error: String(error) }}),
        )"
    );
    page.run(&begin, Vec::new()).await;
    let outcome = ended(&page).await;
    assert_eq!(outcome["error"], Value::Null);
    server.shutdown().await;
    outcome["value"].clone()
}

async fn ended(page: &Page) -> Value {
    let deadline = Instant::now() + PATIENCE;
    let mut ticks = interval(Duration::from_millis(200));
    loop {
        ticks.tick().await;
        let outcome = page.run("return window.outcome", Vec::new()).await;
        if !outcome.is_null() {
            return outcome;
        }
        assert!(Instant::now() < deadline, "the application never ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_of_the_newer_calls_runs_as_it_was_written() {
    assert_eq!(run(&[include_str!("surface/newer.js")]).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_of_the_older_calls_runs_as_it_was_written() {
    assert_eq!(run(&[include_str!("surface/older.js")]).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_heard_exactly_once_in_whatever_order_he_is_shown() {
    let orders = run(&[include_str!("surface/orders.js")]).await;
    let orders = orders.as_object().unwrap();
    assert_eq!(orders.len(), 11);
    for (order, is_right) in orders {
        assert_eq!(is_right, true, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_without_sense_throw_nothing_in_any_state() {
    let found = run(&[include_str!("surface/odd.js")]).await;
    let expected = json!({
        "wrong": [],
        "unhandled": [],
        "failed": 302,
        "kiosk": "kiosk",
        "MediaType": { "SCREEN_SHARE": 0, "AUDIO": 1, "VIDEO": 2, "TRANSPARENT_DATA": 3, "WHITE_BOARD": 4 },
        "OnlineType": { "OFFLINE": 0, "ONLINE": 1 },
        "DisplayMode": { "DBWZ": 1, "DBSY": 2, "DBSF": 3 },
    });
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_switched_lost_and_chosen_while_they_are_used() {
    let codes = run(&[include_str!("surface/fakes.js"), include_str!("surface/devices.js")]).await;
    assert_eq!(codes, json!([4, 302, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_screen_is_heard_where_it_is_shown() {
    let told = run(&[include_str!("surface/fakes.js"), include_str!("surface/screen.js")]).await;
    let expected = json!([
        "onPublishMedia 1 appdef_mic",
        "onPublishMedia 0 0",
        "onUnPublishMedia 1 appdef_mic",
        "onUnPublishMedia 0 0",
    ]);
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_voice_is_as_much_higher_or_lower_as_was_asked_for() {
    let codes = run(&[include_str!("surface/fakes.js"), include_str!("surface/voice.js")]).await;
    assert_eq!(codes, json!([1, 1, 1, 1, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_call_each_other() {
    let codes = run(&[include_str!("surface/calls.js")]).await;
    assert_eq!(codes, json!([1_000_107, 302, 1_000_006, 302, 302, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sounds_is_the_active_speaker_and_nobody_is_when_all_are_silent() {
    let speakers = run(&[include_str!("surface/fakes.js"), include_str!("surface/speaker.js")]).await;
    assert_eq!(speakers, json!(["ann", "ben", null, "ben", null]));
}
