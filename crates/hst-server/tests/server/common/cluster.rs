//! Servers that are nodes of one cluster.

use std::sync::Arc;

use hst_cluster::{NodeId, memory::MemoryCluster};
use hst_server::{Config, RunningServer, Server, signal::memory::MemoryNetwork};
use hst_signal::SignalTransport as _;

use super::Client;

pub(crate) fn node(cluster: &MemoryCluster, name: &str, config: Config) -> Server {
    let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
    Server::new(config)
        .without_media()
        .cluster(directory, bus, NodeId::parse(name).unwrap())
}

/// A node that only memory leads to, at `memory://{name}`.
pub(crate) async fn memory_node(
    cluster: &MemoryCluster,
    network: &MemoryNetwork,
    name: &str,
    config: Config,
) -> RunningServer {
    let server = node(cluster, name, config).without_sockets();
    server.listener(network.bind(name).unwrap()).start().await.unwrap()
}

/// A client at that node.
pub(crate) async fn visit(network: &MemoryNetwork, name: &str) -> Client {
    Client::new(network.connect(&format!("memory://{name}")).await.unwrap())
}
