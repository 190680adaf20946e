//! NATS keeps the laws of both seams.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod support;

use std::sync::Arc;

use hst_cluster::{
    bus_contract,
    contract::{Nodes, bus::Buses, directory::Directories},
    directory_contract,
};
use hst_cluster_nats::{Nats, Options};
use support::Server;

async fn directories() -> Directories {
    let server = Server::start().await;
    let connect = async || Nats::connect(Options::new([server.url()])).await.unwrap();
    Nodes {
        one: Arc::new(connect().await),
        other: Arc::new(connect().await),
        keep: Box::new(server),
    }
}

async fn buses() -> Buses {
    let server = Server::start().await;
    let connect = async || Nats::connect(Options::new([server.url()])).await.unwrap();
    Nodes {
        one: Arc::new(connect().await),
        other: Arc::new(connect().await),
        keep: Box::new(server),
    }
}

directory_contract!(directories);
bus_contract!(buses);
