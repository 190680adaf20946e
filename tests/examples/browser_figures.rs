//! Measures the browser SDK, on a network without a delay and on one with a round trip of 100 ms: the login, and what
//! it takes from joining to the first frame, with a connection that was prepared before and without. Each round begins with a page
//! that is loaded anew.
//!
//! `cargo run -p hst-tests --example browser_figures`

use std::{
    io::{self, Write as _},
    num::NonZeroUsize,
    time::{Duration, SystemTime},
};

use hst_server::{
    Config, DEV_APP_ID, DEV_APP_SECRET, Server,
    auth::{AppId, AppSecret, TokenIssuer, TokenRequest},
};
use hst_tests::{
    browser::{Browser, Network, Page},
    link::Link,
};
use serde_json::{Value, json};
use tokio::time::interval;

const ROUNDS: usize = 15;
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// From round to round: a publisher is not asked for keyframes more often than this.
const PACE: Duration = Duration::from_secs(2);
const BARE: &str = include_str!("../browser/bare.js");
const CALL: &str = include_str!("../browser/call.js");
const DETOUR: &str = include_str!("../browser/detour.js");
const FIGURES: &str = include_str!("../browser/figures.js");
const GROUP: &str = "figures";
/// The steps that are measured, in their order.
const STEPS: [(&str, &str); 8] = [
    ("login", "`login()`"),
    ("join", "`joinGroup()` is answered"),
    ("receive", "`startReceiveMedia()` is answered"),
    ("answer", "the offer is answered"),
    ("ice", "ICE is connected"),
    ("dtls", "DTLS is connected"),
    ("flow", "`onRemoteMediaAdd`"),
    ("frame", "the first frame is decoded"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        node_ips: vec![[127, 0, 0, 1].into()],
        workers: Some(NonZeroUsize::MIN),
        ..Config::dev()
    };
    let server = Server::new(config).start().await?;
    let issuer = TokenIssuer::legacy_001(AppId::parse(DEV_APP_ID)?, &AppSecret::parse(DEV_APP_SECRET)?);
    let token = issuer.issue(&TokenRequest::default(), SystemTime::now().into())?;
    let credentials = json!({ "appId": DEV_APP_ID, "token": token });

    let browser = Browser::start(Network::Loopback).await;
    let publisher = browser.open(&format!("{}/healthz", server.origins()[0])).await;
    publisher.run(BARE, vec![credentials.clone()]).await;
    publisher.run(CALL, vec![json!("publisher"), json!(GROUP)]).await;

    // A page that never paints, as `about:blank`, never counts as open.
    let viewer = browser.open(&format!("{}/healthz", server.origins()[0])).await;
    let links = [
        Link::to(&server, Duration::ZERO).await,
        Link::to(&server, ROUND_TRIP / 2).await,
    ];
    let mut ways = [false, true].map(|prepares| (prepares, [Vec::new(), Vec::new()]));
    let mut pace = interval(PACE);
    // The first round finds the browser cold as well as the page, and does not count.
    for _ in 0..=ROUNDS {
        for (prepares, rounds) in &mut ways {
            for (link, rounds) in links.iter().zip(rounds) {
                pace.tick().await;
                rounds.push(visit(&viewer, link, &credentials, *prepares).await);
            }
        }
    }
    let mut stdout = io::stdout().lock();
    for (prepares, [near, far]) in &ways {
        let how = if *prepares { "prepared, until" } else { "until" };
        writeln!(
            stdout,
            "| {how} | p50 | p95 | p50 at 100 ms | p95 at 100 ms | round trips |"
        )?;
        writeln!(stdout, "|---|---|---|---|---|---|")?;
        // What was there before the join is no step of it.
        for (step, name) in STEPS.iter().filter(|(step, _)| near[1][step].is_number()) {
            let ([near50, near95], [far50, far95]) = (percentiles(&near[1..], step), percentiles(&far[1..], step));
            let trips = (far50 - near50) / ROUND_TRIP.as_secs_f64() / 1_000.0;
            writeln!(
                stdout,
                "| {name} | {near50:.0} ms | {near95:.0} ms | {far50:.0} ms | {far95:.0} ms | {trips:.2} |"
            )?;
        }
        writeln!(stdout)?;
    }
    Ok(())
}

/// The figures of one round over this link.
async fn visit(viewer: &Page, link: &Link, credentials: &Value, prepares: bool) -> Value {
    viewer.goto(&format!("{}/healthz", link.origin())).await;
    viewer
        .run(DETOUR, link.detour.iter().map(|it| json!(it)).collect())
        .await;
    viewer.run(BARE, vec![credentials.clone()]).await;
    viewer.run(FIGURES, vec![json!(GROUP), json!(prepares)]).await
}

fn percentiles(rounds: &[Value], step: &str) -> [f64; 2] {
    let mut all: Vec<_> = rounds
        .iter()
        .map(|round| round[step].as_f64().unwrap_or(f64::NAN))
        .collect();
    all.sort_by(f64::total_cmp);
    [0.5, 0.95].map(|share| all[(ROUNDS as f64 * share).ceil() as usize - 1])
}
