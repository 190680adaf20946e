use std::{fs, net::SocketAddr};

use hst_cluster::NodeId;

/// What one link between nodes may send, in bits a second, where nothing else is said.
pub(crate) const DEFAULT_LINK_RATE: u64 = 1_000_000_000;
/// The name of a node whose machine has none that could be one.
const NAMELESS: &str = "node";

/// How the server takes its place among the nodes of a cluster.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// The NATS servers that all nodes share, and how they know this one.
    pub nats: hst_cluster_nats::Options,
    /// The name of this node, which no other has: a DNS name in lower case.
    pub node: NodeId,
    /// Where the media of other nodes come in (UDP), if not at a free port of the address of HTTP. It is told to them with
    /// the first of the addresses that clients reach the media at, or as it stands.
    pub link: Option<SocketAddr>,
    /// What one link between two nodes may send, in bits a second: it is kept to whatever gets lost, so networks must carry
    /// it.
    pub link_rate: u64,
}

impl ClusterConfig {
    /// A node with the name of its machine, on these NATS servers.
    pub fn new(nats: hst_cluster_nats::Options) -> Self {
        Self {
            nats,
            node: machine(),
            link: None,
            link_rate: DEFAULT_LINK_RATE,
        }
    }
}

/// The machine's name, as far as it can be a node's.
fn machine() -> NodeId {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let first = name.trim().split('.').next().unwrap_or_default().to_ascii_lowercase();
    NodeId::parse(&first).unwrap_or_else(|_| NodeId::parse(NAMELESS).expect("letters are a name"))
}
