//! Measures the browser SDK on loopback: the login, and from joining to the first frame.
//!
//! `cargo run -p hst-tests --example browser_figures`

use std::{
    io::{self, Write as _},
    time::SystemTime,
};

use hst_server::{
    Config, DEV_APP_ID, DEV_APP_SECRET, Server,
    auth::{AppId, AppSecret, TokenIssuer, TokenRequest},
};
use hst_tests::browser::{Browser, Network};
use serde_json::json;

const ROUNDS: usize = 20;
const BARE: &str = include_str!("../browser/bare.js");
const CALL: &str = include_str!("../browser/call.js");
const FIGURES: &str = include_str!("../browser/figures.js");
const GROUP: &str = "figures";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        ..Config::dev()
    };
    let server = Server::new(config).start().await?;
    let issuer = TokenIssuer::legacy_001(AppId::parse(DEV_APP_ID)?, &AppSecret::parse(DEV_APP_SECRET)?);
    let token = issuer.issue(&TokenRequest::default(), SystemTime::now().into())?;
    let url = format!("{}/healthz", server.origins()[0]);

    let browser = Browser::start(Network::Loopback).await;
    let (publisher, viewer) = tokio::join!(browser.open(&url), browser.open(&url));
    for page in [&publisher, &viewer] {
        let credentials = json!({ "appId": DEV_APP_ID, "token": token });
        page.run(BARE, vec![credentials]).await;
    }
    publisher.run(CALL, vec![json!("publisher"), json!(GROUP)]).await;

    // The first round finds everything cold, and does not count.
    viewer.run(FIGURES, vec![json!(GROUP)]).await;
    let (mut logins, mut first_frames) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let figures = viewer.run(FIGURES, vec![json!(GROUP)]).await;
        logins.push(figures[0].as_f64().unwrap_or(f64::NAN));
        first_frames.push(figures[1].as_f64().unwrap_or(f64::NAN));
    }
    let mut stdout = io::stdout().lock();
    for (name, mut figures) in [("login", logins), ("join to first frame", first_frames)] {
        figures.sort_by(f64::total_cmp);
        let (p50, p95) = (figures[ROUNDS / 2 - 1], figures[ROUNDS * 95 / 100 - 1]);
        writeln!(stdout, "{name}: p50 {p50:.1} ms, p95 {p95:.1} ms of {ROUNDS}")?;
    }
    Ok(())
}
