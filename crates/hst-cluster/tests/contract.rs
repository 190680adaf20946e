//! The memory cluster keeps the laws of both seams.

use std::sync::Arc;

use hst_cluster::{
    bus_contract,
    contract::{Nodes, bus::Buses, directory::Directories},
    directory_contract,
    memory::MemoryCluster,
};

async fn directories() -> Directories {
    let cluster = MemoryCluster::default();
    Nodes {
        one: Arc::new(cluster.clone()),
        other: Arc::new(cluster),
        keep: Box::new(()),
    }
}

async fn buses() -> Buses {
    let cluster = MemoryCluster::default();
    Nodes {
        one: Arc::new(cluster.clone()),
        other: Arc::new(cluster),
        keep: Box::new(()),
    }
}

directory_contract!(directories);
bus_contract!(buses);
