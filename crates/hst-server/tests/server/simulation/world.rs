//! Nodes that are killed, hang, end politely and come back, in a network that fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hst_cluster::{
    NodeId,
    simulated::{Dice, SimulatedCluster},
};
use hst_server::{Config, RunningServer, Server, signal::memory::MemoryNetwork};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::process::{Door, Gate, Process};

/// Between two tries to start a node.
const AGAIN: Duration = Duration::from_millis(500);

/// All nodes, and the two networks that lead to them: that of nodes and that of clients.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) cluster: SimulatedCluster,
    pub(crate) network: MemoryNetwork,
    pub(crate) nodes: usize,
    pub(crate) fates: Arc<Fates>,
}

/// How often what befell nodes.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    pub(crate) killed: AtomicUsize,
    pub(crate) hung: AtomicUsize,
    pub(crate) drained: AtomicUsize,
}

impl World {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            cluster: SimulatedCluster::new(dice.throw()),
            network: MemoryNetwork::default(),
            nodes: 3 + dice.below(3),
            fates: Arc::default(),
        }
    }

    pub(crate) fn name(number: usize) -> String {
        format!("n{number}")
    }

    /// Lets all nodes live, each in a task that never ends.
    pub(crate) fn begin(&self, dice: &mut Dice, calm: Instant) -> JoinSet<()> {
        let mut lives = JoinSet::new();
        for number in 0..self.nodes {
            lives.spawn(self.clone().live(number, Dice::new(dice.throw()), calm));
        }
        lives
    }

    async fn live(self, number: usize, mut dice: Dice, calm: Instant) {
        loop {
            let gate = Gate::default();
            let server = self.start(number, &gate, &mut dice).await;
            let down = self.until_it_ends((server, number), &gate, &mut dice, calm).await;
            // tidy: allowed, because time is virtual
            sleep(down).await;
        }
    }

    async fn start(&self, number: usize, gate: &Gate, dice: &mut Dice) -> RunningServer {
        let name = Self::name(number);
        loop {
            let config = Config {
                public_url: Some(format!("http://{name}").parse().unwrap()),
                // With nothing that only one node has: a developer is made at random.
                dev: false,
                ..Config::dev()
            };
            let process = Arc::new(Process::new(
                self.cluster.node(number),
                gate.clone(),
                Dice::new(dice.throw()),
            ));
            let door = Door::new(self.network.bind(&name).unwrap(), gate.clone());
            let server = Server::new(config).without_media().without_sockets().listener(door);
            let server = server.cluster(process.clone(), process, NodeId::parse(&name).unwrap());
            match server.start().await {
                Ok(server) => {
                    tracing::info!("{name} has begun");
                    return server;
                }
                // tidy: allowed, because time is virtual
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// Gives how long nothing is there then.
    async fn until_it_ends(
        &self,
        (server, number): (RunningServer, usize),
        gate: &Gate,
        dice: &mut Dice,
        calm: Instant,
    ) -> Duration {
        let name = Self::name(number);
        loop {
            let next = Instant::now() + millis(dice, 2_000, 12_000);
            if next >= calm {
                sleep_until(calm).await;
                return std::future::pending().await;
            }
            sleep_until(next).await;
            match dice.below(6) {
                0 => {
                    tracing::info!("{name} is killed");
                    self.fates.killed.fetch_add(1, Ordering::Relaxed);
                    drop(server);
                    return millis(dice, 100, 6_000);
                }
                1 => {
                    tracing::info!("{name} ends");
                    self.fates.drained.fetch_add(1, Ordering::Relaxed);
                    server.shutdown().await;
                    return millis(dice, 100, 3_000);
                }
                2 | 3 => {
                    tracing::info!("{name} hangs");
                    self.fates.hung.fetch_add(1, Ordering::Relaxed);
                    gate.shut();
                    sleep_until((Instant::now() + millis(dice, 200, 10_000)).min(calm)).await;
                    if dice.comes_to_pass(200) {
                        drop(server);
                        return millis(dice, 100, 3_000);
                    }
                    tracing::info!("{name} goes on");
                    gate.open();
                }
                _ => {}
            }
        }
    }
}

/// Some time from `least` on, up to `most` later.
pub(crate) fn millis(dice: &mut Dice, least: u64, more: u64) -> Duration {
    Duration::from_millis(least + dice.throw() % more)
}
