//! A cluster whose network a test steers, and whose chances come from a seed.
//!
//! It keeps the laws of both seams whatever happens, as they leave room for it: a write whose answer was lost may still
//! arrive, a watcher is told everything anew, and of a message that is lost there is a gap. In Tokio's paused time, on one
//! thread, the same seed and the same steps make the same run.

mod bus;
mod dice;
mod directory;
mod mailbox;
mod network;
mod seeds;
mod storm;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use self::{bus::Switch, network::Network};
pub use self::{
    dice::Dice,
    network::{Road, Weather},
    seeds::{seed_alone, seeds},
};
use crate::memory::MemoryCluster;

/// Directory, bus and network of all nodes. A clone is the same cluster.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hst_cluster::{Directory, Key, simulated::{Road, SimulatedCluster}};
///
/// let cluster = SimulatedCluster::new(7);
/// let (node_1, node_2) = (cluster.node(1), cluster.node(2));
/// let key = Key::parse("a")?;
/// cluster.cut(Road::FromDirectory(1));
/// assert!(node_1.create(&key, "x".into()).await.is_err()); // The answer is lost, and nothing else.
/// assert!(node_2.get(&key).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SimulatedCluster {
    shared: Arc<Shared>,
}

/// The cluster as one node sees it: its [`Directory`](crate::Directory) and its [`Bus`](crate::Bus).
#[derive(Clone)]
pub struct SimulatedNode {
    number: usize,
    shared: Arc<Shared>,
}

struct Shared {
    /// The directory as it is, behind the network.
    truth: MemoryCluster,
    /// Locks, because a handle may be used on any thread; each is held for one decision.
    network: Mutex<Network>,
    switch: Mutex<Switch>,
    /// Changes with every road, so that those who wait for one look again.
    roads: watch::Sender<()>,
}

impl SimulatedCluster {
    /// All roads are open, and the weather is [fair](Weather::default).
    pub fn new(seed: u64) -> Self {
        let shared = Shared {
            truth: MemoryCluster::default(),
            network: Mutex::new(Network::new(seed)),
            switch: Mutex::default(),
            roads: watch::Sender::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The handle of one node. Nodes are told apart by their numbers alone.
    pub fn node(&self, number: usize) -> SimulatedNode {
        let shared = self.shared.clone();
        SimulatedNode { number, shared }
    }

    /// The directory as it is, behind the network: what the ledger of a test is held against.
    pub fn truth(&self) -> &MemoryCluster {
        &self.shared.truth
    }

    /// What befalls all that travels from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.shared.network().weather = weather;
    }

    /// Nothing passes there until it is mended.
    pub fn cut(&self, road: Road) {
        self.shared.network().cut(road);
        self.shared.roads.send_replace(());
    }

    /// Lets everything pass there again.
    pub fn mend(&self, road: Road) {
        if self.shared.network().mend(road) {
            self.shared.switch().tell_of_gaps(road);
            self.shared.roads.send_replace(());
        }
    }

    /// Mends every road, and gives the directory a leader.
    pub fn mend_all(&self) {
        self.depose_leader(Duration::ZERO);
        let cut = self.shared.network().all_cut();
        for road in cut {
            self.mend(road);
        }
    }

    /// The directory has no leader for so long: it answers nobody, and what reaches it is lost. Messages pass.
    pub fn depose_leader(&self, without: Duration) {
        self.shared.network().depose_leader(without);
    }
}

impl Shared {
    fn network(&self) -> MutexGuard<'_, Network> {
        // It is whole whenever the lock is free.
        self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        // It is whole whenever the lock is free.
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SimulatedCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCluster").finish_non_exhaustive()
    }
}

impl fmt::Debug for SimulatedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedNode")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
