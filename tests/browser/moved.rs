//! Pages in a call whose node ends: they go over to another one.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use hst_tests::{
    browser::{Browser, Network, Page},
    house::House,
};
use serde_json::json;

use crate::{
    bare_page,
    call::{all_flows, sees},
    prepared,
    support::Server as NatsServer,
    view,
};

/// The longest pause of a picture that it may cost, however busy the machine is. What it costs on an idle one is in
/// `docs/performance.md`.
const LONGEST: Duration = Duration::from_secs(2);

/// Measures from now on how long each picture stood still at the most.
const PAUSES: &str = "
    window.pauses = [];
    for (const video of document.querySelectorAll('video')) {
        const at = pauses.push(0) - 1;
        let last = performance.now();
        const shown = (now) => {
            pauses[at] = Math.max(pauses[at], now - last);
            last = now;
            video.requestVideoFrameCallback(shown);
        };
        video.requestVideoFrameCallback(shown);
    }";

/// Waits until the node that the page came by names another, too.
async fn names_both(page: &Page) {
    let both = "return fetch('/v1/access').then((it) => it.json()).then(({ signal }) => signal.length === 4)";
    while page.run(both, Vec::new()).await != true {}
}

async fn longest_pause(page: &Page) -> Duration {
    let pauses = page.run("return pauses", Vec::new()).await;
    let pauses = pauses.as_array().unwrap().iter().map(|it| it.as_f64().unwrap());
    Duration::from_secs_f64(pauses.fold(0.0, f64::max) / 1_000.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_over_to_another_node_when_its_own_ends_and_nobody_is_told() {
    let nats = NatsServer::start().await;
    let first = House::node(&nats.url(), "n1").await;
    let browser = Browser::start(Network::Loopback).await;
    let (ann, ben) = tokio::join!(bare_page(&browser, &first.server), bare_page(&browser, &first.server));
    for (page, user) in [(&ann, "ann"), (&ben, "ben")] {
        page.run(include_str!("call.js"), vec![json!(user), json!("moved")])
            .await;
    }
    tokio::join!(all_flows(&ann, &["ben"]), all_flows(&ben, &["ann"]));
    for page in [&ann, &ben] {
        page.run(include_str!("lost_connection.js"), Vec::new()).await;
        page.run(PAUSES, Vec::new()).await;
    }
    let _second = House::node(&nats.url(), "n2").await;
    names_both(&ann).await;

    let saying = async {
        for text in ["1", "2", "3", "4", "5"] {
            tokio::join!(
                ann.run("say(`a${args[0]}`)", vec![json!(text)]),
                ben.run("say(`b${args[0]}`)", vec![json!(text)])
            );
        }
    };
    tokio::join!(first.server.shutdown(), saying);
    for page in [&ann, &ben] {
        page.wait_until("peers.length === 2 && peers[0].connectionState === 'closed'")
            .await;
    }
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    for page in [&ann, &ben] {
        page.run("say('end')", Vec::new()).await;
    }
    for (page, of_other, name) in [(&ann, "b", "ann"), (&ben, "a", "ben")] {
        page.wait_until("outcomes.length === 6").await;
        assert_eq!(page.run("return outcomes", Vec::new()).await, json!([0, 0, 0, 0, 0, 0]));
        page.wait_until("told.messages.includes('end')").await;
        let expected: Vec<_> = (1..=5)
            .map(|number| format!("{of_other}{number}"))
            .chain(["end".to_owned()])
            .collect();
        assert_eq!(page.run("return told.messages", Vec::new()).await, json!(expected));
        assert_eq!(
            page.run("return told.group", Vec::new()).await,
            json!([]),
            "nobody has come or gone"
        );
        assert_eq!(
            page.run("return peers.length", Vec::new()).await,
            2,
            "media went over to another transport"
        );
        let pause = longest_pause(page).await;
        let _ = writeln!(io::stderr(), "{name} saw no new picture for {pause:?} at the most");
        assert!(pause < LONGEST, "{name}: {pause:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_prepared_sees_by_the_node_that_his_session_has_gone_over_to() {
    let nats = NatsServer::start().await;
    let first = House::node(&nats.url(), "n1").await;
    let second = House::node(&nats.url(), "n2").await;
    let browser = Browser::start_beside_others(Network::Loopback).await;
    let (ann, ben) = tokio::join!(bare_page(&browser, &second.server), bare_page(&browser, &first.server));
    view::member(&ann, "ann", true).await;
    prepared::prepare(&ben, "ben", "view").await;
    names_both(&ben).await;
    first.server.shutdown().await;
    ben.run("await engine.joinGroup('view')", Vec::new()).await;
    prepared::sees(&ben).await;
}
