//! The cluster in one process: what a single server runs on, and what tests share between several nodes.

mod bus;
mod directory;
mod queue;
mod routes;

use std::{fmt, sync::Arc};

/// Directory and bus of all nodes that share it. A clone is the same cluster.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hst_cluster::{Bus, Delivery, Subject, memory::MemoryCluster};
///
/// let (node_1, node_2) = { let cluster = MemoryCluster::default(); (cluster.clone(), cluster) };
/// let subject = Subject::parse("news")?;
/// let mut news = node_2.subscribe(&subject.clone().into()).await?;
/// node_1.publish(&subject, "hello".into()).await?;
/// assert!(matches!(news.next().await, Delivery::Message(message) if message.payload == "hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryCluster {
    directory: Arc<directory::SharedStore>,
    bus: Arc<bus::Switch>,
}

impl fmt::Debug for MemoryCluster {
    /// Not what it holds: that may be much.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCluster").finish_non_exhaustive()
    }
}
