//! A call over a network that loses very much of it.

use std::io::{self, Write as _};

use hst_server::{DEV_APP_ID, DEV_APP_SECRET};
use hst_tests::{
    browser::{Browser, Network, Page},
    house::token,
};
use serde_json::{Value, json};

use crate::{demo::serve, namespace::Namespace};

/// The packets of sound and of pictures that are lost, in percent.
#[derive(Debug, Clone, Copy)]
struct Lost {
    sound: u32,
    pictures: u32,
}

const MUCH: Lost = Lost {
    sound: 50,
    pictures: 40,
};
/// Less of it, and how long a picture may stand still at the most, in seconds: on the way to the receiver, and to the server, where
/// Chromium takes all loss for congestion, so that at 40 % a whole picture takes seconds: ten were seen.
const STEPS: [(Lost, [f64; 2]); 3] = [
    (Lost { sound: 0, pictures: 10 }, [1.0, 3.0]),
    (Lost { sound: 0, pictures: 20 }, [1.5, 4.0]),
    (MUCH, [3.0, 15.0]),
];
/// Which share of the sound may be made up on each way. On that to the server Chromium repeats each sound once and no more.
const CONCEALED: [f64; 2] = [0.15, 0.35];
/// For so many samples of sound it is watched at least: 10 s.
const WATCHED: f64 = 10.0 * 48_000.0;
/// So many pictures must come, within 30 s.
const PICTURES_SEEN: f64 = 40.0;

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_half_of_the_sound_and_40_percent_of_the_picture_still_hears_and_sees() {
    let host = match Namespace::make() {
        Ok(host) => host,
        Err(why) => {
            let _ = writeln!(
                io::stderr(),
                "SKIPPED: this test makes a network namespace, as root. {why}"
            );
            return;
        }
    };
    let (_server, url, media) = serve(&host).await;
    let network = Network::Namespace {
        name: &host.name,
        address: Namespace::ADDRESS,
        from: Namespace::OUTSIDE,
    };
    let browser = Browser::start(network).await;
    let (ann, ben) = tokio::join!(
        member(&browser, &url, "ann", true),
        member(&browser, &url, "ben", false)
    );
    ben.wait_until("now.frames > 100 && now.samples > 96_000").await;
    let negotiated = "return /a=rtpmap:\\d+ red\\/48000\\/2/.test(peers.at(-1).remoteDescription.sdp)";
    for page in [&ann, &ben] {
        assert_eq!(page.run(negotiated, Vec::new()).await, true, "sound is repeated");
    }

    let mut watched = Vec::new();
    for (way, where_to) in ["to the receiver", "to the server"].into_iter().enumerate() {
        for (lost, longest) in STEPS {
            host.lose(&losses(&media, lost, way == 0));
            let figures = watch(&ben).await;
            let _ = writeln!(io::stderr(), "on the way {where_to}, {lost:?}: {figures:?}");
            watched.push((figures, CONCEALED[way], longest[way]));
        }
    }
    for (figures, concealed, longest) in watched {
        assert!(figures.concealed < concealed, "{figures:?}");
        assert!(figures.longest < longest, "{figures:?}");
    }
}

/// What a page made of what came in a while.
#[derive(Debug)]
#[expect(dead_code, reason = "some are only printed")]
struct Figures {
    /// Of sound that there was, in seconds.
    seconds: f64,
    /// The share of the sound that was made up.
    concealed: f64,
    frames: f64,
    freezes: f64,
    /// For how long in all, in seconds.
    frozen: f64,
    /// For how long at once no other picture was shown, in seconds.
    longest: f64,
    height: f64,
}

async fn watch(page: &Page) -> Figures {
    let before = page.run("mark(); return await figures()", Vec::new()).await;
    let enough = before["samples"].as_f64().unwrap() + WATCHED;
    let pictures = before["frames"].as_f64().unwrap() + PICTURES_SEEN;
    page.wait_until(&format!("now.samples > {enough} && now.frames > {pictures}"))
        .await;
    let after = page.run("return await figures()", Vec::new()).await;
    let of = |figures: &Value, name: &str| figures[name].as_f64().unwrap();
    let more = |name| of(&after, name) - of(&before, name);
    Figures {
        seconds: more("samples") / 48_000.0,
        concealed: more("concealed") / more("samples"),
        frames: more("frames"),
        freezes: more("freezes"),
        frozen: more("frozen"),
        longest: of(&after, "longest"),
        height: of(&after, "height"),
    }
}

/// Rules by which packets of media (RTP and RTCP, version 2) are lost: sound by its payload types, pictures by all others.
fn losses(media: &str, Lost { sound, pictures }: Lost, from_server: bool) -> String {
    // `media   UDP and TCP 7881, 7882 at 192.0.2.2`
    let words = media.split_whitespace().map(|word| word.trim_matches(','));
    let ports: Vec<_> = words.filter(|word| word.parse::<u16>().is_ok()).collect();
    let side = if from_server { "sport" } else { "dport" };
    let media = format!("udp {side} {{ {} }} @th,64,2 2 @th,73,7", ports.join(", "));
    format!(
        "table inet loss {{\n chain input {{\n type filter hook input priority 0\n\
         {media} {{ 63, 111 }} numgen random mod 100 < {sound} drop\n\
         {media} != {{ 63, 111 }} numgen random mod 100 < {pictures} drop\n }}\n }}"
    )
}

async fn member(browser: &Browser, url: &str, user: &str, publishes: bool) -> Page {
    let page = browser.open(&format!("{}/healthz", url.trim_end_matches('/'))).await;
    let credentials = json!({ "appId": DEV_APP_ID, "token": token(DEV_APP_ID, DEV_APP_SECRET) });
    page.run(include_str!("../browser/bare.js"), vec![credentials]).await;
    page.run(include_str!("loss.js"), vec![json!(user), json!(publishes)])
        .await;
    page
}
