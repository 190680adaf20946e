//! Pictures that are shown small or hidden, and what their publishers still send.

use hst_server::DEV_APP_ID;
use hst_tests::{
    backend::Backend,
    browser::{Browser, Network, Page},
};
use serde_json::{Value, json};

use crate::{bare_page, server};

/// Makes a page somebody who publishes, or who shows what others publish.
pub(crate) async fn member(page: &Page, user: &str, publishes: bool) {
    let args = vec![json!(user), json!("view"), json!(publishes)];
    page.run(include_str!("view.js"), args).await;
}

/// Makes a page somebody who publishes a large picture, in several encodings side by side.
async fn large_camera(page: &Page, user: &str) {
    let picture = json!({ "width": 1280, "height": 720, "frameRate": 15, "bitRate": 1400 });
    let args = vec![json!(user), json!("view"), json!(true), picture];
    page.run(include_str!("view.js"), args).await;
}

/// The bytes that come to a page within a second.
async fn bytes_in_a_second(page: &Page) -> f64 {
    let script = "
        const before = (await figures()).bytes;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return (await figures()).bytes - before";
    page.run(script, Vec::new()).await.as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_small_is_sent_small_and_what_nobody_sees_not_at_all() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    member(&ann, "ann", true).await;
    member(&ben, "ben", false).await;
    ben.wait_until("video.videoHeight === 480").await;
    ann.wait_until("now.isActive && now.height === 480").await;

    // Half and a quarter of it are enough.
    for (shown, sent) in [(230, 240), (100, 120)] {
        ben.run("show(args[0])", vec![json!(shown)]).await;
        ben.wait_until(&format!("video.videoHeight === {sent}")).await;
        ann.wait_until(&format!("now.isActive && now.height === {sent}")).await;
    }
    // Whoever wants more has it, and so has the other one.
    let eve = bare_page(&browser, &server).await;
    member(&eve, "eve", false).await;
    eve.wait_until("video.videoHeight === 480").await;
    ben.wait_until("video.videoHeight === 480").await;

    // One is hidden in several ways: nothing more comes to him, and the other one sees on.
    let ways = [
        ("video.style.display = 'none'", "video.style.display = ''"),
        ("video.style.marginTop = '9999px'", "video.style.marginTop = ''"),
        ("video.remove()", "document.body.append(video)"),
    ];
    for (hide, show) in ways {
        ben.run(hide, Vec::new()).await;
        ben.wait_until("stats.frameRate === 0").await;
        assert_eq!(bytes_in_a_second(&ben).await, 0.0, "after {hide}");
        assert!(bytes_in_a_second(&eve).await > 1000.0, "the other one sees on");
        ben.run(&format!("{show}; window.frames = now.frames"), Vec::new())
            .await;
        ben.wait_until("now.frames > window.frames + 5 && stats.frameRate > 0")
            .await;
    }

    // Nobody sees it: its encoder rests. Then it is there again.
    for page in [&ben, &eve] {
        page.run("video.style.display = 'none'", Vec::new()).await;
    }
    ann.wait_until("now.isActive === false").await;
    let is_live = "return peers.at(-1).getSenders().some(({ track }) => track?.readyState === 'live')";
    assert_eq!(ann.run(is_live, Vec::new()).await, json!(true), "the camera goes on");
    let script = "
        const { frames } = await figures();
        const begin = performance.now();
        video.style.display = '';
        while ((await figures()).frames === frames) await new Promise((resolve) => setTimeout(resolve, 20));
        return performance.now() - begin";
    let waited = ben.run(script, Vec::new()).await.as_f64().unwrap();
    println!("a picture that nobody saw is there after {waited:.0} ms");
    assert!(waited < 5_000.0, "{waited} ms");
    ann.wait_until("now.isActive").await;

    // Whoever leaves wants nothing any more.
    ben.run("await engine.leaveGroup()", Vec::new()).await;
    ann.wait_until("now.isActive === false").await;
    for page in [&ann, &ben, &eve] {
        assert_eq!(page.run("engine.destroy(); return 0", Vec::new()).await, Value::from(0));
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_the_size_that_he_shows_and_what_nobody_gets_is_not_sent() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    large_camera(&ann, "ann").await;
    member(&ben, "ben", false).await;
    ben.run("show(720)", Vec::new()).await;
    ben.wait_until("video.videoHeight === 720").await;
    // One who gets everything needs no smaller ones.
    ann.wait_until("String(now.heights) === '720'").await;

    let eve = bare_page(&browser, &server).await;
    member(&eve, "eve", false).await;
    eve.run("show(150)", Vec::new()).await;
    eve.wait_until("video.videoHeight === 180").await;
    ann.wait_until("String(now.heights) === '180,720'").await;
    assert_eq!(ben.run("return video.videoHeight", Vec::new()).await, json!(720));

    // Both ends and the server say the same of it.
    let path = format!("/v1/apps/{DEV_APP_ID}/groups/view/stats?limit=500");
    let pictures = |answer: &Value| -> Vec<Value> {
        let streams = answer["streams"].as_array().unwrap().iter();
        let pictures = streams.filter(|it| it["type"] == 2);
        pictures
            .map(|it| json!([it["receiver"], it["height"], it["layer"]["encoding"], it["limited_by"]]))
            .collect()
    };
    let expected = [
        json!([null, 720, 2, "none"]),
        json!(["ben", 720, 2, "none"]),
        json!(["eve", 180, 0, "view"]),
    ];
    let backend = Backend::of(&server).await;
    backend.get_when(&path, |answer| pictures(answer) == expected).await;
    for (page, height) in [(&ben, 720), (&eve, 180)] {
        page.wait_until(&format!("stats.height === {height} && stats.quality?.score > 3"))
            .await;
        let stats = page.run("return stats", Vec::new()).await;
        assert_eq!(stats["width"], height * 16 / 9, "{stats}");
        assert_eq!(stats["limitedBy"], "view", "as large as it is shown: {stats}");
        let is_known = ["bitRate", "frameRate", "packets"];
        assert!(
            is_known
                .iter()
                .all(|name| stats[name].as_f64().is_some_and(|it| it > 0.0)),
            "{stats}"
        );
        assert!(stats["roundTripMs"].is_number(), "{stats}");
    }

    ben.run("await engine.leaveGroup()", Vec::new()).await;
    ann.wait_until("String(now.heights) === '180'").await;
    for page in [&ann, &ben, &eve] {
        page.run("engine.destroy()", Vec::new()).await;
    }
    server.shutdown().await;
}

/// Each gets the size that he shows of a picture in this codec, whether its layers are side by side or in one stream.
async fn each_gets_his_size_in(codec: &str) {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben, eve) = tokio::join!(
        bare_page(&browser, &server),
        bare_page(&browser, &server),
        bare_page(&browser, &server)
    );
    let picture = json!({ "width": 640, "height": 480, "frameRate": 15, "bitRate": 1000, "codec": codec });
    let args = vec![json!("ann"), json!("view"), json!(true), picture];
    ann.run(include_str!("view.js"), args).await;
    member(&ben, "ben", false).await;
    ben.wait_until("video.videoHeight === 480").await;
    let script = "
        const all = await peers.at(-1).getStats();
        const sent = [...all.values()].find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video');
        const { srtpCipher } = [...all.values()].find(({ type }) => type === 'transport');
        return [all.get(sent.codecId).mimeType, srtpCipher]";
    let agreed = json!([format!("video/{codec}"), "SRTP_AEAD_AES_128_GCM"]);
    assert_eq!(ann.run(script, Vec::new()).await, agreed);

    member(&eve, "eve", false).await;
    // Chromium makes two sizes of a picture so small, whatever the codec.
    eve.run("show(200)", Vec::new()).await;
    eve.wait_until("video.videoHeight === 240 && now.frames > 15").await;
    // What his network carries is still being found out, and may have been thought to be less for a moment.
    ben.wait_until("video.videoHeight === 480").await;
    assert_eq!(eve.run("return video.videoHeight", Vec::new()).await, json!(240));
    // It is the same picture, not one that is made smaller for all.
    eve.run("show(480)", Vec::new()).await;
    eve.wait_until("video.videoHeight === 480").await;
    for page in [&ann, &ben, &eve] {
        page.run("engine.destroy()", Vec::new()).await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_his_size_of_encodings_side_by_side_in_h264() {
    each_gets_his_size_in("H264").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_his_size_of_layers_in_one_stream_of_vp9() {
    each_gets_his_size_in("VP9").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_his_size_of_layers_in_one_stream_of_av1() {
    each_gets_his_size_in("AV1").await;
}
