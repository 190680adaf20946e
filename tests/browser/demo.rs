//! The demo page, handled as a user handles it.

use hst_tests::browser::{Browser, Network};
use serde_json::json;

use crate::{origin, server};

/// The key, as WebDriver writes it.
const ENTER: char = '\u{E007}';

#[tokio::test(flavor = "multi_thread")]
async fn two_people_meet_on_the_demo_page() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, ming) = tokio::join!(browser.open(&url), browser.open(&url));
    // A name that is no User ID works too.
    tokio::join!(ann.join_demo("Ann", "tea"), ming.join_demo("小明", "tea"));
    tokio::join!(ann.see_and_hear("小明"), ming.see_and_hear("Ann"));

    ann.click("#chat-open").await;
    ann.type_into("#chat-text", &format!("Hello, 小明!{ENTER}")).await;
    ming.wait_until("document.querySelector('#unread').textContent === '1'")
        .await;
    ming.click("#chat-open").await;
    ming.wait_until("document.querySelector('#messages .message p')?.textContent === 'Hello, 小明!'")
        .await;

    ann.click("#share").await;
    let shown = "document.querySelector('.stage video')?.getVideoPlaybackQuality().totalVideoFrames > 5";
    ming.wait_until(shown).await;

    ann.click("#leave").await;
    ming.wait_until("document.querySelectorAll('.tile').length === 1 && document.querySelector('#stage').hidden")
        .await;
    ann.wait_until("!document.querySelector('#lobby').hidden && document.querySelector('#lobby-error').hidden")
        .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_page_speaks_two_languages_and_says_what_is_wrong_in_them() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let url = format!("{}/?name=Ann&group=tea", origin(&server));
    let (first, second) = tokio::join!(browser.open(&url), browser.open(&url));
    first.join_demo("Ann", "tea").await;

    let words = "return [document.documentElement.lang, document.querySelector('#join').innerText.trim()]";
    assert_eq!(second.run(words, Vec::new()).await, json!(["en", "Join"]));
    second.click("#join").await;
    second
        .wait_until("document.querySelector('#lobby-error').innerText.includes('Choose another name')")
        .await;

    second.click("#lobby [data-language]").await;
    assert_eq!(second.run(words, Vec::new()).await, json!(["zh-CN", "加入"]));
    second.click("#join").await;
    second
        .wait_until("document.querySelector('#lobby-error').innerText.includes('请换一个')")
        .await;

    // It remembers, and goes back.
    second.goto(&url).await;
    assert_eq!(second.run(words, Vec::new()).await, json!(["zh-CN", "加入"]));
    second.click("#lobby [data-language]").await;
    assert_eq!(second.run(words, Vec::new()).await, json!(["en", "Join"]));
    server.shutdown().await;
}
