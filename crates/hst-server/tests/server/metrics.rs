//! What Prometheus is told.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::common::{Client, config, login, raw::raw};
use hst_proto::{Command, Login};
use hst_server::{Config, Server, signal::memory::MemoryNetwork};
use tokio::task::JoinSet;

/// Each series by its name and labels, and its value.
async fn scrape(at: SocketAddr) -> BTreeMap<String, f64> {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    let answer = raw(at, &request).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(answer.body.ends_with("# EOF\n"));
    let series = answer.body.lines().filter(|line| !line.starts_with('#'));
    let series = series.map(|line| line.rsplit_once(' ').unwrap());
    series
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn i7_whatever_clients_call_themselves_and_their_groups_there_are_as_many_series() {
    let network = MemoryNetwork::default();
    let config = Config {
        metrics: Some(([127, 0, 0, 1], 0).into()),
        ..config()
    };
    let server = Server::new(config).listener(network.bind("server").unwrap());
    let server = server.without_media().start().await.unwrap();
    let at = server.addresses().metrics.unwrap();
    let refused = async |name: &str| {
        let mut client = Client::in_memory(&network).await;
        let login = Login {
            app: name.to_owned(),
            ..login(name)
        };
        client.ask(Command::Login(login)).await.unwrap_err()
    };
    refused("nobody").await;
    let mut ann = Client::in_memory(&network).await.logged_in("ann").await;
    let before = scrape(at).await;
    assert_eq!(before["hst_sessions"], 1.0);
    assert_eq!(before["hst_groups"], 0.0);
    assert_eq!(before["hst_logins_total{code=\"0\"}"], 1.0);

    let mut crowd = JoinSet::new();
    for user in 0..500 {
        let mut client = Client::in_memory(&network).await;
        crowd.spawn(async move {
            client = client.logged_in(&format!("user-{user}")).await;
            for n in 0..10 {
                let group = format!("group-{user}-{n}");
                client.ask(Command::Join { group }).await.unwrap();
                client.ask(Command::Leave {}).await.unwrap();
            }
        });
    }
    crowd.join_all().await;
    let group = "one-more".to_owned();
    ann.ask(Command::Join { group }).await.unwrap();
    let alone = scrape(at).await;
    for (name, value) in [
        ("groups", 1.0),
        ("home_groups", 1.0),
        ("branch_groups", 0.0),
        ("nodes", 1.0),
    ] {
        assert_eq!(alone[&format!("hst_{name}")], value, "{name}");
    }
    ann.ask(Command::Leave {}).await.unwrap();
    for n in 0..15 {
        refused(&format!("app-{n}")).await;
    }
    let after = scrape(at).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(after["hst_logins_total{code=\"0\"}"], 501.0);
}
