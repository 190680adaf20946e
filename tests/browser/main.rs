//! The browser SDK and the demo page in a real Chromium, against a real server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../crates/hst-cluster-nats/tests/support/mod.rs"]
mod support;

mod background;
mod board;
mod call;
mod cut;
mod demo;
mod demo_looks;
mod e2ee;
mod in_step;
mod life;
mod lost_connection;
mod moved;
mod no_udp;
mod other_network;
mod prepared;
mod protected;
mod relayed;
mod samples;
mod surface;
mod untouched;
mod view;
mod whip;

use std::{num::NonZeroUsize, time::SystemTime};

use hst_server::{
    Config, DEV_APP_ID, DEV_APP_SECRET, RunningServer, Server,
    auth::{AppId, AppSecret, TokenIssuer, TokenRequest},
};
use hst_tests::browser::{Browser, Page};
use serde_json::json;

/// The script that does it.
const BARE: &str = include_str!("bare.js");

async fn server() -> RunningServer {
    let config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        ..Config::dev()
    };
    Server::new(config).start().await.unwrap()
}

/// A server whose media are at one address, so that whoever stands there in its place stands in all ways.
async fn server_with_one_way_in() -> RunningServer {
    let config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        node_ips: vec![[127, 0, 0, 1].into()],
        workers: Some(NonZeroUsize::MIN),
        ..Config::dev()
    };
    Server::new(config).start().await.unwrap()
}

/// Leads the page's media over the detour of a `path` or `link`.
async fn lead(page: &Page, detour: &[String; 2]) {
    let args = detour.iter().map(|it| json!(it)).collect();
    page.run(include_str!("detour.js"), args).await;
}

fn origin(server: &RunningServer) -> String {
    server.origins()[0].to_string()
}

/// A token for everybody in the development App.
fn token() -> String {
    let (app, secret) = (
        AppId::parse(DEV_APP_ID).unwrap(),
        AppSecret::parse(DEV_APP_SECRET).unwrap(),
    );
    let issuer = TokenIssuer::legacy_001(app, &secret);
    issuer
        .issue(&TokenRequest::default(), SystemTime::now().into())
        .unwrap()
}

/// An empty page with the SDK in it, and the helpers of `bare.js`.
async fn bare_page(browser: &Browser, server: &RunningServer) -> Page {
    bare_page_of(browser, &origin(server)).await
}

/// The same by another way to the server.
async fn bare_page_of(browser: &Browser, origin: &str) -> Page {
    let page = browser.open(&format!("{origin}/healthz")).await;
    make_bare(&page).await;
    page
}

/// Loads the SDK and the helpers of `bare.js` into an empty page.
async fn make_bare(page: &Page) {
    page.run(BARE, vec![json!({ "appId": DEV_APP_ID, "token": token() })])
        .await;
}
