//! The clusters in this crate keep the laws of both seams.

use std::sync::Arc;

use hst_cluster::{
    bus_contract,
    contract::{Nodes, bus::Buses, directory::Directories},
    directory_contract,
    memory::MemoryCluster,
    simulated::SimulatedCluster,
};

mod memory {
    use super::*;

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
}

/// While nothing befalls it.
mod simulated {
    use super::*;

    async fn directories() -> Directories {
        let cluster = SimulatedCluster::new(1);
        Nodes {
            one: Arc::new(cluster.node(1)),
            other: Arc::new(cluster.node(2)),
            keep: Box::new(()),
        }
    }

    async fn buses() -> Buses {
        let cluster = SimulatedCluster::new(1);
        Nodes {
            one: Arc::new(cluster.node(1)),
            other: Arc::new(cluster.node(2)),
            keep: Box::new(()),
        }
    }

    directory_contract!(directories);
    bus_contract!(buses);
}
