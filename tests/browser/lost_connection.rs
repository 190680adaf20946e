//! A page in a call whose connection to the server is cut.

use hst_server::RunningServer;
use hst_tests::{
    browser::{Browser, Network, Page},
    gate::Gate,
};
use serde_json::{Value, json};

use crate::{
    bare_page_of,
    call::{all_flows, sees},
    server,
};

/// So many tries to come back are in vain: with the pauses between them some two seconds.
const IN_VAIN: usize = 3;

fn http(server: &RunningServer) -> std::net::SocketAddr {
    server.addresses().http.unwrap()
}

/// Two pages in a call; the way of the first one's signalling is the gate, and that of the second one's this origin.
async fn call(browser: &Browser, gate: &Gate, origin: &str) -> (Page, Page) {
    let gate = format!("http://{}", gate.address());
    let (ann, ben) = tokio::join!(bare_page_of(browser, &gate), bare_page_of(browser, origin));
    for (page, user) in [(&ann, "ann"), (&ben, "ben")] {
        let args = vec![json!(user), json!("cut")];
        page.run(include_str!("call.js"), args).await;
    }
    tokio::join!(all_flows(&ann, &["ben"]), all_flows(&ben, &["ann"]));
    for page in [&ann, &ben] {
        page.run(include_str!("lost_connection.js"), Vec::new()).await;
    }
    (ann, ben)
}

async fn told(page: &Page, of: &str) -> Value {
    page.run(&format!("return told.{of}"), Vec::new()).await
}

async fn peer_connections(page: &Page) -> Value {
    page.run("return peers.length", Vec::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_cut_is_noticed_by_nobody_else_and_media_and_messages_go_on() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let gate = Gate::to(http(&server)).await;
    let (ann, ben) = call(&browser, &gate, &crate::origin(&server)).await;

    gate.shut();
    ann.wait_until("told.connection.includes('onReconnecting')").await;
    ann.run("say('a1', 'a2', 'a3')", Vec::new()).await;
    ben.run("say('b1', 'b2', 'b3')", Vec::new()).await;
    ben.wait_until("outcomes.length === 3").await;
    gate.turned_away(IN_VAIN).await;
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    assert_eq!(told(&ann, "messages").await, json!([]), "the cut is still there");
    assert_eq!(told(&ben, "messages").await, json!([]));

    gate.open(http(&server));
    ann.wait_until("outcomes.length === 3").await;
    for page in [&ann, &ben] {
        assert_eq!(page.run("return outcomes", Vec::new()).await, json!([0, 0, 0]));
        // What would come twice or late comes before this.
        page.run("say('end')", Vec::new()).await;
    }
    for (page, expected) in [(&ann, ["b1", "b2", "b3", "end"]), (&ben, ["a1", "a2", "a3", "end"])] {
        page.wait_until("told.messages.includes('end')").await;
        assert_eq!(told(page, "messages").await, json!(expected));
        assert_eq!(told(page, "group").await, json!([]), "nobody has come or gone");
        assert_eq!(peer_connections(page).await, 1);
    }
    assert_eq!(
        told(&ann, "connection").await,
        json!(["onReconnecting", "onReconnected"])
    );
    assert_eq!(told(&ben, "connection").await, json!([]));
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_session_did_not_outlive_the_cut_the_page_is_told_so_and_publishes_anew() {
    let (first, browser) = (server().await, Browser::start(Network::Loopback).await);
    let gate = Gate::to(http(&first)).await;
    let (ann, ben) = call(&browser, &gate, &format!("http://{}", gate.address())).await;

    gate.shut();
    // All sessions go with it.
    drop(first);
    gate.turned_away(IN_VAIN).await;
    let second = server().await;
    gate.open(http(&second));
    for page in [&ann, &ben] {
        page.wait_until("told.connection.length === 3").await;
        let expected = ["onReconnecting", "onReconnected", "onDiscontinuity login"];
        assert_eq!(told(page, "connection").await, json!(expected));
    }
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    for page in [&ann, &ben] {
        assert_eq!(peer_connections(page).await, 2, "the media of before are gone");
        page.run("say('here')", Vec::new()).await;
    }
    for page in [&ann, &ben] {
        page.wait_until("told.messages.includes('here')").await;
        assert_eq!(told(page, "messages").await, json!(["here"]));
    }
    second.shutdown().await;
}
