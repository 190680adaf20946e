//! Media that the server forwards and cannot read, between browsers, and between a browser and a native engine.

use hst_rtc::{Event, GroupEvent, GroupKey, LoginOptions, MediaRef, MediaType, RemoteMedia, RtcEngine, media::Codec};
use hst_server::{DEV_APP_ID, RunningServer};
use hst_tests::{
    browser::{Browser, Network, Page},
    house::{live, within},
};
use serde_json::{Value, json};

use crate::{bare_page, origin, server, token};

const PASSPHRASE: &str = "correct horse battery staple";

/// Makes a page a member.
pub(crate) async fn member(page: &Page, user: &str, key: Value, publishes: bool) {
    let args = vec![json!(user), key, json!(publishes)];
    page.run(include_str!("e2ee.js"), args).await;
}

/// Waits until so many packets more have come to a page, and says how many pictures and how much sound it made of them.
async fn made_of_packets(page: &Page, packets: u32) -> (u64, f64) {
    page.run("await mark()", Vec::new()).await;
    page.wait_until(&format!("more('packets', {packets})")).await;
    let script =
        "const { pictures, energy } = await figures(); return [pictures - before.pictures, energy - before.energy]";
    let made = page.run(script, Vec::new()).await;
    (made[0].as_u64().unwrap(), made[1].as_f64().unwrap())
}

/// A page that sees and hears.
async fn sees_and_hears(page: &Page) {
    page.wait_until("can(true, true)").await;
    page.run("await mark()", Vec::new()).await;
    page.wait_until("more('pictures', 10) && more('energy', 0) && video.videoHeight > 0")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_key_sees_and_hears_and_nobody_else_gets_a_picture_or_a_noise() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = || bare_page(&browser, &server);
    let (ann, ben, eve, tom) = tokio::join!(page(), page(), page(), page());
    let key = json!({ "key": PASSPHRASE, "keyId": 0 });
    member(&ann, "ann", key.clone(), true).await;
    member(&ben, "ben", key, false).await;
    sees_and_hears(&ben).await;

    // What is shown small is sent small: the server reads as much as it needs.
    let show = "Object.assign(video.style, { width: '160px', height: '120px' })";
    ben.run(show, Vec::new()).await;
    ben.wait_until("video.videoHeight === 120").await;

    // Another key, and none at all: packets come, and nothing is made of them.
    member(&eve, "eve", json!({ "key": "another passphrase", "keyId": 0 }), false).await;
    member(&tom, "tom", Value::Null, false).await;
    eve.wait_until("can(false, false)").await;
    for page in [&eve, &tom] {
        assert_eq!(made_of_packets(page, 50).await, (0, 0.0));
    }
    assert_eq!(tom.run("return can()", Vec::new()).await, true, "he is told nothing");

    // The key goes on; who is not given the next one is shut out, and who is, is let in.
    let next = json!({ "key": "what ben is not told", "keyId": 1 });
    for page in [&eve, &ann] {
        page.run("await engine.setEncryptionKey(args[0])", vec![next.clone()])
            .await;
    }
    ben.wait_until("can(false, false)").await;
    sees_and_hears(&eve).await;
    let (pictures, _) = made_of_packets(&ben, 50).await;
    assert_eq!(pictures, 0);

    // Everybody follows who ratchets, and nobody else comes in by it.
    let ratcheted = ann.run("return await engine.ratchetEncryptionKey()", Vec::new()).await;
    assert_eq!(ratcheted, json!({ "keyId": 2 }));
    sees_and_hears(&eve).await;
    ben.wait_until("can(false, false)").await;

    // Lines that are used again.
    let all = |call: &str| {
        format!("await Promise.all([[1, 'appdef_mic'], [2, 'appdef_vid']].map((of) => engine.{call}('ann', ...of)))")
    };
    eve.run(&all("stopReceiveMedia"), Vec::new()).await;
    let lines = "peers.at(-1).getTransceivers()";
    eve.wait_until(&format!(
        "{lines}.every((line) => line.currentDirection === 'inactive')"
    ))
    .await;
    eve.run(&all("startReceiveMedia"), Vec::new()).await;
    eve.wait_until(&format!(
        "{lines}.length === 2 && {lines}.every((line) => line.currentDirection === 'recvonly')"
    ))
    .await;
    sees_and_hears(&eve).await;
    server.shutdown().await;
}

/// The server cannot read a picture, and still knows its sizes.
#[tokio::test(flavor = "multi_thread")]
async fn each_gets_the_size_that_he_shows_of_an_encrypted_picture_sent_in_three() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let page = || bare_page(&browser, &server);
    let (ann, ben, eve) = tokio::join!(page(), page(), page());
    let key = json!({ "key": PASSPHRASE, "keyId": 0 });
    let picture = json!({ "width": 1280, "height": 720, "frameRate": 15, "bitRate": 1400 });
    let args = vec![json!("ann"), key.clone(), json!(true), picture];
    ann.run(include_str!("e2ee.js"), args).await;
    member(&ben, "ben", key.clone(), false).await;
    member(&eve, "eve", key, false).await;
    let show = "Object.assign(video.style, { width: `${(args[0] * 16) / 9}px`, height: `${args[0]}px` })";
    for (large, small) in [((&ben, 720), (&eve, 180)), ((&eve, 720), (&ben, 180))] {
        for (page, height) in [large, small] {
            page.run(show, vec![json!(height)]).await;
        }
        for (page, height) in [large, small] {
            page.wait_until(&format!("video.videoHeight === {height}")).await;
            page.run("await mark()", Vec::new()).await;
        }
        for (page, height) in [large, small] {
            let sees = format!("can(true, true) && more('pictures', 30) && video.videoHeight === {height}");
            page.wait_until(&sees).await;
        }
    }
    let side_by_side = "
        const all = [...(await peers.at(-1).getStats()).values()];
        return all.filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video').length";
    assert_eq!(ann.run(side_by_side, Vec::new()).await, 3);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_a_group_that_is_joined_with_it_and_calls_say_what_is_wrong() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    let script = "
        const engine = new HstRtcEngine();
        const set = (key) => codeOf(engine.setEncryptionKey(key));
        const wrong = [undefined, {}, { key: '' }, { key: new Uint8Array(15) }, { key: 'x', keyId: 256 }, { key: 5 }];
        const codes = await Promise.all(wrong.map(set));
        await engine.init();
        await engine.login({ ...credentials, userId: 'ann' });
        codes.push(await codeOf(engine.ratchetEncryptionKey()));
        await engine.joinGroup('open');
        codes.push(await set({ key: 'too late' }), await codeOf(engine.ratchetEncryptionKey()), await set(null));
        await engine.leaveGroup();
        codes.push(await set({ key: crypto.getRandomValues(new Uint8Array(32)).buffer }));
        await engine.joinGroup('secret');
        codes.push(await set(null), await set({ key: 'the next' }));
        codes.push((await engine.ratchetEncryptionKey()).keyId);
        await engine.leaveGroup();
        codes.push(await set(null));
        await engine.joinGroup('open');
        codes.push(await set({ key: 'too late' }));
        engine.destroy();
        return codes";
    let codes = page.run(script, Vec::new()).await;
    assert_eq!(codes, json!([1, 1, 1, 1, 1, 1, 31, 302, 302, 0, 0, 302, 0, 2, 0, 302]));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_exchange_keys_by_themselves_and_change_them_with_who_comes_and_goes() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = || bare_page(&browser, &server);
    let (ann, ben, cas, eve) = tokio::join!(page(), page(), page(), page());
    let exchange = json!({ "exchange": true });
    member(&ann, "ann", exchange.clone(), true).await;
    member(&ben, "ben", exchange.clone(), false).await;
    sees_and_hears(&ben).await;
    same_number(&[&ann, &ben]).await;
    // Who comes later sees too, and it is another number that all see.
    let before = ann.run("return safety", Vec::new()).await;
    member(&cas, "cas", exchange, false).await;
    tokio::join!(sees_and_hears(&cas), sees_and_hears(&ben));
    same_number(&[&ann, &ben, &cas]).await;
    assert_ne!(ann.run("return safety", Vec::new()).await, before);
    // Who has no part in it sees nothing, whatever key he has.
    member(&eve, "eve", json!({ "key": PASSPHRASE }), false).await;
    eve.wait_until("can(false, false)").await;
    // One leaves, and those who stay see on under keys that he never had.
    ben.run("await engine.leaveGroup()", Vec::new()).await;
    same_number(&[&ann, &cas]).await;
    sees_and_hears(&cas).await;
    let told = cas.run("return messages.length", Vec::new()).await;
    assert_eq!(told, 0, "what keys travel in is no message for the application");
    server.shutdown().await;
}

/// Waits until some pages show one safety number, which names them all.
async fn same_number(pages: &[&Page]) {
    let asked = async {
        loop {
            let mut numbers = Vec::new();
            for page in pages {
                numbers.push(page.run("return window.safety ?? null", Vec::new()).await);
            }
            numbers.dedup();
            if numbers.len() == 1 && numbers[0].is_string() {
                return;
            }
        }
    };
    within("one safety number", asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_and_a_native_engine_exchange_keys() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let native = RtcEngine::new();
    let mut events = native.events();
    log_in(&native, &server).await;
    native.exchange_encryption_keys().await.unwrap();
    native.join_group("secret").await.unwrap();
    publish_film(&native).await;
    let page = bare_page(&browser, &server).await;
    member(&page, "ann", json!({ "exchange": true }), true).await;
    sees_and_hears(&page).await;
    let mut camera = receive(&native, MediaType::Video, "appdef_vid").await;
    within("a picture", camera.read()).await.unwrap();

    let number = page.run("return safety", Vec::new()).await;
    let told = async {
        loop {
            match events.recv().await {
                Some(Event::SafetyNumber(digits)) if json!(digits) == number => return,
                Some(Event::Group(GroupEvent::Message(message))) => panic!("{message:?}"),
                Some(_) => {}
                None => panic!("the engine is gone"),
            }
        }
    };
    within("the same number as in the browser", told).await;
    native.destroy();
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_and_a_native_engine_read_each_other() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let native = RtcEngine::new();
    log_in(&native, &server).await;
    let key = GroupKey::from_passphrase(PASSPHRASE, "secret").unwrap();
    native.set_encryption_key(Some((7, key))).await.unwrap();
    native.join_group("secret").await.unwrap();
    publish_film(&native).await;
    let page = bare_page(&browser, &server).await;
    member(&page, "ann", json!({ "key": PASSPHRASE, "keyId": 7 }), true).await;
    sees_and_hears(&page).await;

    let camera = receive(&native, MediaType::Video, "appdef_vid");
    let microphone = receive(&native, MediaType::Audio, "appdef_mic");
    let (mut camera, mut microphone) = tokio::join!(camera, microphone);
    let (codec, picture) = within("a picture", camera.read()).await.unwrap();
    assert_eq!((codec, picture.keyframe), (Codec::Vp8, true));
    assert_eq!(picture.data[3..6], [0x9d, 0x01, 0x2a], "the start code of VP8");
    let (codec, packet) = within("a packet", microphone.read()).await.unwrap();
    assert_eq!(codec, Codec::Opus);
    assert_eq!(packet.duration.as_millis(), 20);
    native.destroy();
    server.shutdown().await;
}

async fn log_in(engine: &RtcEngine, server: &RunningServer) {
    engine.init(Some(&origin(server))).await.unwrap();
    let options = LoginOptions::new(DEV_APP_ID, token(), "native");
    engine.login(options).await.unwrap();
}

async fn publish_film(engine: &RtcEngine) {
    for (media_type, media, file) in [
        (MediaType::Video, "film", "film.ivf"),
        (MediaType::Audio, "voice", "film.ogg"),
    ] {
        let published = engine.publish(media_type, media, live(file).await);
        within("publishing", published).await.unwrap();
    }
}

async fn receive(engine: &RtcEngine, media_type: MediaType, media: &str) -> RemoteMedia {
    let key = MediaRef {
        user: "ann".parse().unwrap(),
        media_type,
        media: media.parse().unwrap(),
    };
    within("receiving", engine.receive(key)).await.unwrap()
}
