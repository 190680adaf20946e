//! The demo page, handled as users handle it who meet there.

use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};

use crate::{origin, server};

/// Keys, as WebDriver writes them.
const ENTER: char = '\u{E007}';

/// Draws a stroke across the middle of the white board.
const STROKE: &str = "
    const stage = document.querySelector('.sheet').firstElementChild;
    const { left, top, width, height } = stage.getBoundingClientRect();
    const tell = (type, part) => {
        const place = { clientX: left + part * width, clientY: top + height / 2 };
        stage.dispatchEvent(new PointerEvent(type, { ...place, pointerId: 1, button: 0, bubbles: true }));
    };
    tell('pointerdown', 0.3);
    for (const part of [0.4, 0.5, 0.6]) tell('pointermove', part);
    tell('pointerup', 0.7);";

/// From now on the microphone gives a steady tone: its beeps are too short for speech.
const TONE: &str = "
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
        if (!wanted.audio) return open(wanted);
        const context = new AudioContext();
        const [tone, output] = [new OscillatorNode(context), new MediaStreamAudioDestinationNode(context)];
        tone.connect(output);
        tone.start();
        return output.stream;
    };";

/// How many pixels of the white board have ink.
const INK: &str = "((canvas) => {
    if (!canvas?.width) return 0;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((byte, at) => at % 4 === 3 && byte > 0).length;
})(document.querySelector('.sheet canvas'))";

async fn ask(page: &Page, expression: &str) -> Value {
    page.run(&format!("return {expression}"), Vec::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_meet_on_the_demo_page() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, ming) = tokio::join!(browser.open(&url), browser.open(&url));
    // A name that is no User ID works too.
    tokio::join!(ann.join_demo("Ann", "tea"), ming.join_demo("小明", "tea"));
    tokio::join!(ann.see_and_hear("小明"), ming.see_and_hear("Ann"));
    ann.wait_until("document.querySelector('[data-name=\"小明\"] .bars').ariaLabel?.includes('kbit/s')")
        .await;

    ann.click("#chat-open").await;
    ann.type_into("#chat-text", &format!("<b>Hello</b>, 小明!{ENTER}"))
        .await;
    ming.wait_until("document.querySelector('#unread').textContent === '1'")
        .await;
    ming.click("#chat-open").await;
    ming.wait_until("document.querySelector('#messages .message p')?.textContent === '<b>Hello</b>, 小明!'")
        .await;
    assert_eq!(ask(&ming, "document.querySelector('#unread').hidden").await, true);

    ann.click("#share").await;
    let shown = "document.querySelector('.screen video')?.getVideoPlaybackQuality().totalVideoFrames > 5";
    ming.wait_until(shown).await;

    ann.click("#leave").await;
    ming.wait_until("document.querySelectorAll('.tile').length === 1 && document.querySelector('#stage').hidden")
        .await;
    ann.wait_until("!document.querySelector('#lobby').hidden && document.querySelector('#lobby-error').hidden")
        .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lobby_shows_oneself_and_one_goes_in_as_one_was_there() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let ann = browser.open(&url).await;
    ann.wait_until("document.querySelector('#preview').getVideoPlaybackQuality().totalVideoFrames > 5")
        .await;
    // The microphone of the tests beeps.
    ann.wait_until("document.querySelector('#level').style.getPropertyValue('--level') > 0.1")
        .await;
    for device in ["mic", "cam", "spk"] {
        let named = format!("document.querySelector('#lobby [data-device={device}]').options.length > 1");
        ann.wait_until(&named).await;
    }

    ann.click("#with-cam").await;
    ann.wait_until("document.querySelector('#preview').srcObject === null")
        .await;
    ann.type_into("#name", "Ann").await;
    ann.type_into("#group", "tea").await;
    ann.click("#join").await;
    ann.wait_until("document.querySelector('.tile.own.has-sound')").await;
    let own = "document.querySelector('.tile.own').classList.contains('has-picture')";
    assert_eq!(ask(&ann, own).await, false);
    ann.click("#cam").await;
    ann.wait_until(own).await;

    // Who comes again is known.
    ann.goto(&url).await;
    let form = "['#name', '#group'].map((id) => document.querySelector(id).value)";
    assert_eq!(ask(&ann, form).await, json!(["Ann", "tea"]));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_has_a_ring_and_who_is_pinned_is_large() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, ben) = tokio::join!(browser.open(&url), browser.open(&url));
    ben.run(TONE, Vec::new()).await;
    tokio::join!(ann.join_demo("Ann", "tea"), ben.join_demo("Ben", "tea"));
    ann.click("#mic").await;
    for page in [&ann, &ben] {
        page.wait_until("document.querySelector('.tile.speaks')?.dataset.user === 'Ben'")
            .await;
    }

    let widths = "['Ben', 'Ann'].map((user) => document.querySelector(`.tile[data-user=${user}]`).offsetWidth)";
    // A finger touches the tile first: then there is a pin on it.
    ann.click(".tile[data-user=Ben]").await;
    ann.click(".tile[data-user=Ben] .pin").await;
    ann.wait_until(&format!("(([ben, ann]) => ben > 2 * ann)({widths})"))
        .await;
    ann.click(".tile[data-user=Ben] .pin").await;
    ann.wait_until(&format!("(([ben, ann]) => ben === ann)({widths})"))
        .await;
    ann.click("#spotlight").await;
    ann.wait_until(&format!("(([ben, ann]) => ben > 2 * ann)({widths})"))
        .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_in_the_lobby_is_rung_and_comes() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, ben) = tokio::join!(browser.open(&url), browser.open(&url));
    ann.join_demo("Ann", "tea").await;
    ben.type_into("#name", "Ben").await;
    ben.click("#go-online").await;
    ben.wait_until("document.querySelector('#online-as').textContent.includes('Ben')")
        .await;

    ann.click("#people-open").await;
    ann.click("#online-tab").await;
    ann.wait_until("document.querySelector('#online [data-user=Ben] button')")
        .await;
    for (answer, told) in [
        ("#ring-decline", "Ben has declined."),
        ("#ring-accept", "Ben is coming."),
    ] {
        ann.click("#online [data-user=Ben] button").await;
        ben.wait_until("document.querySelector('#ringing').open").await;
        let words = "['#ring-who', '#ring-where'].map((id) => document.querySelector(id).textContent)";
        assert_eq!(ask(&ben, words).await, json!(["Ann invites you", "to the group “tea”"]));
        ben.click(answer).await;
        ann.wait_until(&format!(
            "document.querySelector('#toasts').textContent.includes({told:?})"
        ))
        .await;
        ann.wait_until("!document.querySelector('#online .ringing')").await;
        ben.wait_until("!document.querySelector('#ringing').open").await;
    }
    tokio::join!(ann.see_and_hear("Ben"), ben.see_and_hear("Ann"));

    // In the group, nobody is invited to it.
    ann.wait_until("!document.querySelector('#online [data-user=Ben]')")
        .await;
    ann.click("#members-tab").await;
    let ben_sends = "[...document.querySelectorAll('#members [data-user=Ben] .state')].map((one) => one.ariaLabel)";
    ann.wait_until(&format!("{ben_sends}.join() === 'microphone on,camera on'"))
        .await;
    ben.click("#mic").await;
    ann.wait_until(&format!("{ben_sends}.join() === 'microphone off,camera on'"))
        .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_draws_on_the_white_board_the_other_sees() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/", origin(&server));
    let (ann, ben) = tokio::join!(browser.open(&url), browser.open(&url));
    tokio::join!(ann.join_demo("Ann", "tea"), ben.join_demo("Ben", "tea"));
    ann.click("#board").await;
    for page in [&ann, &ben] {
        page.wait_until(
            "document.querySelector('.tools [data-tool=curve]') && document.querySelector('.sheet canvas')",
        )
        .await;
    }
    ann.click("[data-tool=ink]").await;
    ann.click("[data-tool=size-2]").await;
    ann.click("[data-tool=line]").await;
    ann.run(STROKE, Vec::new()).await;
    ben.wait_until(&format!("{INK} > 500")).await;

    ann.click("[data-tool=undo]").await;
    ben.wait_until(&format!("{INK} === 0")).await;
    ann.click("[data-tool=redo]").await;
    ben.wait_until(&format!("{INK} > 500")).await;
    ben.click("[data-tool=page-add]").await;
    let page = "document.querySelector('.tools .page').textContent";
    ann.wait_until(&format!("{page} === '2 / 2' && {INK} === 0")).await;

    // What takes away what others drew is asked for first.
    ann.click("[data-label=endBoard]").await;
    ann.click("#confirm [value=yes]").await;
    ben.wait_until("!document.querySelector('.board') && document.querySelector('#stage').hidden")
        .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_page_speaks_two_languages_and_says_what_is_wrong_in_them() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let url = format!("{}/?name=Ann&group=tea", origin(&server));
    let (first, second) = tokio::join!(browser.open(&url), browser.open(&url));
    first.join_demo("Ann", "tea").await;

    let words = "[document.documentElement.lang, document.querySelector('#join').innerText.trim()]";
    assert_eq!(ask(&second, words).await, json!(["en", "Join"]));
    second.click("#join").await;
    second
        .wait_until("document.querySelector('#lobby-error').innerText.includes('Choose another name')")
        .await;

    second.click("#lobby [data-language]").await;
    assert_eq!(ask(&second, words).await, json!(["zh-CN", "加入"]));
    second.click("#join").await;
    second
        .wait_until("document.querySelector('#lobby-error').innerText.includes('请换一个')")
        .await;

    // It remembers, and goes back.
    second.goto(&url).await;
    assert_eq!(ask(&second, words).await, json!(["zh-CN", "加入"]));
    second.click("#lobby [data-language]").await;
    assert_eq!(ask(&second, words).await, json!(["en", "Join"]));
    server.shutdown().await;
}
