//! A server of which nothing is reached but TCP 443.

use std::io::{self, Write as _};

use hst_rtc::MediaType;
use hst_server::{DEV_APP_ID, DEV_APP_SECRET};
use hst_tests::{
    browser::{Browser, Network, Page},
    house::{Member, live, token, within},
    secure::Certificate,
};
use serde_json::json;

use crate::{demo::serve_with, namespace::Namespace};

/// What comes over the cable to any other port is lost.
const WALL: &str = "table inet wall {
    chain input {
        type filter hook input priority 0; policy drop
        iifname lo accept
        tcp dport 443 accept
    }
}";

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_native_engines_that_reach_nothing_but_tcp_443_see_each_other() {
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
    let address = Namespace::ADDRESS;
    let certificate = Certificate::of(address);
    let [cert, key] = [&certificate.cert, &certificate.key].map(|file| file.to_str().unwrap());
    let (https, relay) = (format!("{address}:443"), format!("{address}:3478"));
    let options = [
        "--dev-open",
        "--bind",
        &https,
        "--tls-cert",
        cert,
        "--tls-key",
        key,
        "--turn",
        &relay,
    ];
    let (_server, ..) = serve_with(&host, &options).await;
    host.lose(WALL);

    let ben = native(&certificate, "ben").await;
    let mut eve = native(&certificate, "eve").await;
    let film = ben.engine.publish(MediaType::Video, "film", live("film.ivf").await);
    within("publishing", film).await.unwrap();
    sees_one(&mut eve).await;

    let browser = Browser::start(Network::Loopback).await;
    let ann = page(&browser, "ann").await;
    ann.wait_until("now.frames > 30").await;
    sees_one(&mut eve).await;

    // No other way was found.
    ann.run(include_str!("../browser/protocols.js"), Vec::new()).await;
    let protocols = ann.run("return protocols()", Vec::new()).await;
    assert!(
        ["tcp", "tls"].map(|it| json!(["udp", "udp", it])).contains(&protocols),
        "{protocols}"
    );
}

/// Somebody with a native engine, in the group.
async fn native(certificate: &Certificate, user: &str) -> Member {
    let origin = format!("wss://{}", Namespace::ADDRESS);
    let visitor = certificate.visitor(&origin, false, |transport| transport).await;
    visitor.come_in(user, "loss").await
}

/// Somebody with a browser, who publishes camera and microphone.
async fn page(browser: &Browser, user: &str) -> Page {
    let page = browser
        .open_trusting(&format!("https://{}/healthz", Namespace::ADDRESS))
        .await;
    let credentials = json!({ "appId": DEV_APP_ID, "token": token(DEV_APP_ID, DEV_APP_SECRET) });
    page.run(include_str!("../browser/bare.js"), vec![credentials]).await;
    page.run(include_str!("loss.js"), vec![json!(user), json!(true)]).await;
    page
}

/// Sees the next picture that somebody publishes.
async fn sees_one(member: &mut Member) {
    let mut key = member.published().await;
    while key.media_type != MediaType::Video {
        key = member.published().await;
    }
    let mut picture = within("receiving", member.engine.receive(key)).await.unwrap();
    for _ in 0..30 {
        within("a picture", picture.read()).await.unwrap();
    }
}
