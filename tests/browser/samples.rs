//! The code samples of the platform's handbook, as they are printed there, one after the other.

use hst_tests::browser::{Browser, Network, Page};
use serde_json::json;

use crate::{bare_page, server, token};

const INIT: &str = include_str!("samples/init.js");
const LOGIN: &str = include_str!("samples/login.js");
const JOIN_GROUP: &str = include_str!("samples/joinGroup.js");
const LEAVE_GROUP: &str = include_str!("samples/leaveGroup.js");
const EXIT: &str = include_str!("samples/exit.js");
const DESTROY: &str = include_str!("samples/destroy.js");

/// The samples are of an engine that is there already.
const CREATE: &str = "let hstRtcEngine = new HstRtcEngine();";

/// Runs a sample as a script of the page.
async fn run(page: &Page, sample: &str) {
    let append =
        "const script = document.createElement('script'); script.textContent = args[0]; document.body.append(script)";
    page.run(append, vec![json!(sample)]).await;
}

/// Runs a sample and waits for its word on the console.
async fn says(page: &Page, sample: &str, word: &str) {
    page.run("logs.length = 0", Vec::new()).await;
    run(page, sample).await;
    page.wait_until("logs.length > 0").await;
    assert_eq!(page.run("return logs", Vec::new()).await, json!([word]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_succeed_with_a_good_token() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    let login = LOGIN.replace(printed_token(), &token());

    run(&page, CREATE).await;
    says(&page, INIT, "Init success.").await;
    says(&page, &login, "Login success.").await;
    says(&page, JOIN_GROUP, "Join group success.").await;
    says(&page, LEAVE_GROUP, "Leave group success.").await;

    // What a program does at the three dots of the sample needs no answer from the platform.
    page.run("logs.length = 0", Vec::new()).await;
    run(&page, &EXIT.replace("...", "console.log('cleaned up');")).await;
    page.wait_until("logs.length === 2").await;
    assert_eq!(
        page.run("return logs", Vec::new()).await,
        json!(["cleaned up", "Exit success."])
    );

    run(&page, DESTROY).await;
    run(&page, "logs.length = 0; console.log(hstRtcEngine);").await;
    assert_eq!(
        page.run("return logs", Vec::new()).await,
        json!([""]),
        "it is null now, without an error"
    );
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_token_is_damaged_and_the_login_fails() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;

    run(&page, CREATE).await;
    says(&page, INIT, "Init success.").await;
    says(&page, LOGIN, "Login failed!").await;
    says(&page, JOIN_GROUP, "Join group failed!").await;
    server.shutdown().await;
}

/// The token in the login sample.
fn printed_token() -> &'static str {
    let quoted = LOGIN
        .lines()
        .find(|line| line.trim_start().starts_with("token:"))
        .unwrap();
    quoted.split('\'').nth(1).unwrap()
}
