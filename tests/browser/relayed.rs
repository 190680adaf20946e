//! Pages that reach nothing but the relay.

use hst_server::{Config, Server};
use hst_tests::browser::{Browser, Network};
use serde_json::json;

use crate::{bare_page, call::sees};

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_reach_nothing_but_the_relay_see_each_other_through_it() {
    let config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        node_ips: vec![[127, 0, 0, 1].into()],
        turn: Some(([127, 0, 0, 1], 0).into()),
        ..Config::dev()
    };
    let server = Server::new(config).start().await.unwrap();
    let browser = Browser::start_beside_others(Network::Loopback).await;
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    for (page, user, transport) in [(&ann, "ann", "udp"), (&ben, "ben", "tcp")] {
        page.run(include_str!("protocols.js"), Vec::new()).await;
        page.run(include_str!("relayed.js"), vec![json!(transport)]).await;
        page.run(include_str!("call.js"), vec![json!(user), json!("relayed")])
            .await;
        page.run(
            "setInterval(async () => (window.now = await figures()), 100);",
            Vec::new(),
        )
        .await;
    }
    tokio::join!(sees(&ann, "ben"), sees(&ben, "ann"));
    for (page, transport) in [(&ann, "udp"), (&ben, "tcp")] {
        let protocols = page.run("return protocols()", Vec::new()).await;
        assert_eq!(protocols, json!(["udp", "udp", transport]));
    }
    server.shutdown().await;
}
