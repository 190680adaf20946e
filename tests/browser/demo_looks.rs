//! How the demo page looks and is handled: on a phone, with many people, by keyboard, and for those who do not see it.

use std::time::Duration;

use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{bare_page, origin, server};

/// How long what opens may move.
const SETTLING: Duration = Duration::from_secs(5);

/// Makes so many guests of one page, who are in the group and send nothing.
const GUESTS: &str = "
    const [first, count, group] = args;
    window.guests ??= [];
    for (let at = first; at < first + count; at += 1) {
        const engine = new HstRtcEngine();
        await engine.init();
        await engine.login({ ...credentials, userId: `guest${at}` });
        await engine.joinGroup(group);
        guests.push(engine);
    }";

/// Which of the tiles that can be seen stand outside of the view, or over another one.
const MISPLACED: &str = "
    const tiles = [...document.querySelectorAll('.tile:not([hidden])')];
    const boxes = tiles.map((tile) => tile.getBoundingClientRect());
    const view = document.querySelector('#view').getBoundingClientRect();
    const isOutside = (a) => a.left < view.left || a.top < view.top || a.right > view.right || a.bottom > view.bottom;
    const isOver = (a, b) => a !== b && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return tiles.filter((_, at) => isOutside(boxes[at]) || boxes.some((other) => isOver(boxes[at], other))).length";

/// The buttons and fields that can be seen and are too small for a finger, or beyond the edge. Those on a tile stand aside
/// for who is on it.
const UNTOUCHABLE: &str = "
    const all = [...document.querySelectorAll('button, input, select, textarea')];
    const inDialog = document.querySelector('dialog[open]');
    return all
        .filter((one) => one.checkVisibility({ visibilityProperty: true }) && (!inDialog || inDialog.contains(one)))
        .filter((one) => !one.closest('.tile'))
        .filter((one) => {
            const { left, right, width, height } = one.getBoundingClientRect();
            return width < 44 || height < 44 || left < 0 || right > innerWidth;
        })
        .map((one) => one.id || one.ariaLabel)";

const NO_SIDEWAYS: &str = "document.documentElement.scrollWidth <= innerWidth";

async fn run(page: &Page, body: &str) -> Value {
    page.run(body, Vec::new()).await
}

async fn press(page: &Page, key: &str) {
    let press = "const init = { key: args[0], bubbles: true, cancelable: true };
        (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', init))";
    page.run(press, vec![json!(key)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_everything_is_in_reach_and_nothing_scrolls_sideways() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let ann = browser.open_on_a_phone(&format!("{}/", origin(&server))).await;
    let settled = format!("{NO_SIDEWAYS} && (() => {{ {UNTOUCHABLE} }})().length === 0");
    let check = async |what: &str| {
        // What has just opened takes its place within a moment.
        let _ = timeout(SETTLING, ann.wait_until(&settled)).await;
        assert_eq!(
            run(&ann, &format!("return {NO_SIDEWAYS}")).await,
            true,
            "{what} scrolls sideways"
        );
        assert_eq!(run(&ann, UNTOUCHABLE).await, json!([]), "{what}: what no finger hits");
    };
    check("the lobby").await;
    ann.join_demo("Ann", "a-group-with-a-very-long-name").await;
    check("the room").await;
    for panel in ["chat", "people"] {
        ann.click(&format!("#{panel}-open")).await;
        check(panel).await;
        ann.click(&format!("#{panel}-close")).await;
    }
    ann.click("#board").await;
    ann.wait_until("document.querySelector('.tools [data-tool=curve]')")
        .await;
    check("the white board").await;
    ann.click("#settings-open").await;
    check("the settings").await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_five_people_fit_and_more_are_on_another_page() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, crowd) = tokio::join!(browser.open(&url), bare_page(&browser, &server));
    ann.resize(1440, 900).await;
    ann.join_demo("Ann", "tea").await;
    let shown = "document.querySelectorAll('.tile:not([hidden])').length";
    let mut guests = 0;
    for count in [1, 2, 4, 9, 16, 25] {
        crowd
            .run(GUESTS, vec![json!(guests), json!(count - 1 - guests), json!("tea")])
            .await;
        guests = count - 1;
        ann.wait_until(&format!(
            "{shown} === {count} && document.querySelector('#pager').hidden"
        ))
        .await;
        ann.wait_until("document.getAnimations().length === 0").await;
        assert_eq!(run(&ann, MISPLACED).await, 0, "{count} tiles");
    }
    crowd.run(GUESTS, vec![json!(guests), json!(2), json!("tea")]).await;
    ann.wait_until("!document.querySelector('#pager').hidden").await;
    let first = run(&ann, &format!("return {shown}")).await.as_u64().unwrap();
    ann.click("#page-forth").await;
    ann.wait_until(&format!("{shown} === {}", 27 - first)).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_do_what_the_dialog_of_keys_says_but_not_while_one_writes() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let ann = browser.open(&format!("{}/", origin(&server))).await;
    ann.join_demo("Ann", "tea").await;
    for (key, done) in [
        ("m", "!document.querySelector('.tile.own.has-sound')"),
        ("v", "!document.querySelector('.tile.own.has-picture')"),
        ("s", "document.querySelector('.screen')"),
        ("s", "!document.querySelector('.screen')"),
        ("w", "document.querySelector('.board')"),
        ("w", "!document.querySelector('.board')"),
        ("g", "document.querySelector('#spotlight').ariaPressed === 'true'"),
        ("p", "!document.querySelector('#people').hidden"),
        (
            "c",
            "document.activeElement.id === 'chat-text' && document.querySelector('#people').hidden",
        ),
    ] {
        press(&ann, key).await;
        ann.wait_until(done).await;
    }
    // The keyboard is in the chat now.
    press(&ann, "m").await;
    assert_eq!(
        run(&ann, "return document.querySelector('#mic').ariaPressed").await,
        "false"
    );
    press(&ann, "Escape").await;
    ann.wait_until("document.querySelector('#chat').hidden && document.activeElement.id === 'chat-open'")
        .await;
    press(&ann, "?").await;
    let named = "return [...document.querySelectorAll('#shortcuts[open] kbd')].map((key) => key.textContent).join(' ')";
    assert_eq!(run(&ann, named).await, "M V S W C P G ? Esc");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_on_the_demo_page_keeps_anybody_out() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, ben) = tokio::join!(browser.open(&url), browser.open_on_a_phone(&url));
    tokio::join!(
        ann.assert_accessible("the lobby"),
        ben.assert_accessible("the lobby of a phone")
    );
    tokio::join!(ann.join_demo("Ann", "tea"), ben.join_demo("Ben", "coffee"));
    tokio::join!(
        ann.assert_accessible("the room"),
        ben.assert_accessible("the room of a phone")
    );

    ann.click("#people-open").await;
    ann.assert_accessible("the people in the group").await;
    ann.click("#online-tab").await;
    ann.wait_until("document.querySelector('#online [data-user=Ben] button')")
        .await;
    ann.assert_accessible("the people online").await;
    ann.click("#online [data-user=Ben] button").await;
    ben.wait_until("document.querySelector('#ringing').open").await;
    ben.assert_accessible("who is rung").await;
    ann.assert_accessible("who rings").await;
    ben.click("#ring-accept").await;
    ben.wait_until("document.querySelector('.tile[data-user=Ann]')").await;

    ann.click("#chat-open").await;
    ann.type_into("#chat-text", "Hello\u{E007}").await;
    ann.assert_accessible("the chat").await;
    ann.click("#chat-close").await;
    ann.click("#board").await;
    ann.wait_until("document.querySelector('.tools [data-tool=curve]')")
        .await;
    ann.click("[data-tool=ink]").await;
    ann.assert_accessible("the white board").await;
    ann.click("#share").await;
    ann.wait_until("document.querySelectorAll('.tab[role=tab]').length > 1")
        .await;
    ann.assert_accessible("a shared screen beside the white board").await;

    for dialog in ["settings", "shortcuts"] {
        ann.click(&format!("#{dialog}-open")).await;
        ann.assert_accessible(dialog).await;
        ann.click(&format!("#{dialog} .dialog-head button")).await;
    }
    server.shutdown().await;
}
