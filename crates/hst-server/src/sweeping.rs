use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_cluster::{Prefix, sweep_dead};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{life::Life, node::Node};

/// How long after a life is over nothing arrives any more that it has written.
const LATE: Duration = Duration::from_secs(30);
/// How long after it was out of reach the directory is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Takes away what lives that are over have left behind. Whoever declares a node dead does that at once. But one that has
/// ended by itself, or has begun anew before anybody missed it, is declared dead by nobody; whoever does it may not get to the
/// end; and a write may come late. Who is online is read from what stands there.
#[derive(Debug)]
pub(crate) struct Sweeping {
    node: Node,
    life: Life,
    /// When the last life was over that is to be swept up after. A lock, because whoever hears of one writes here; held for
    /// one assignment.
    over: Mutex<Option<Instant>>,
}

impl Sweeping {
    pub(crate) fn new(node: Node, life: Life) -> Arc<Self> {
        let over = Mutex::default();
        Arc::new(Self { node, life, over })
    }

    /// A life is over, or may be.
    pub(crate) fn come_later(self: &Arc<Self>) {
        if self.node.is_alone || self.lock().replace(Instant::now()).is_some() {
            return;
        }
        let sweeping = self.clone();
        self.life.spawn(async move {
            tokio::select! {
                () = sweeping.sweep() => {}
                () = sweeping.life.draining() => {}
            }
        });
    }

    async fn sweep(&self) {
        let mut due = *self.lock();
        while let Some(over) = due {
            sleep_until(over + LATE).await;
            for held in [Prefix::groups(), Prefix::logins()] {
                while sweep_dead(&*self.node.directory, &held).await.is_err() {
                    sleep(AGAIN).await;
                }
            }
            // What another has written that was over meanwhile may come still.
            let mut last = self.lock();
            last.take_if(|last| *last == over);
            due = *last;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hst_cluster::{Directory as _, Key, Login, NodeId, memory::MemoryCluster, register, unregister};
    use tokio::time::{Instant, sleep_until};

    use super::*;
    use crate::{life, versions::SPOKEN};

    #[tokio::test(start_paused = true)]
    async fn a_late_write_of_who_ended_while_another_end_was_about_to_be_swept_up_is_taken_away_too() {
        let cluster = Arc::new(MemoryCluster::default());
        let name = |name| NodeId::parse(name).unwrap();
        let node = Node::join(cluster.clone(), cluster.clone(), name("n1")).await.unwrap();
        let (_lifeline, life) = life::begin();
        let sweeping = Sweeping::new(node, life);
        let start = Instant::now();
        sweeping.come_later();

        let epoch = register(&*cluster, &name("n2"), 7, SPOKEN).await.unwrap();
        let over = hst_cluster::Owner {
            node: name("n2"),
            epoch,
            boot: 7,
        };
        let second = Duration::from_secs(1);
        // tidy: allowed, because time is virtual
        sleep_until(start + LATE - second).await;
        unregister(&*cluster, &over).await.unwrap();
        sweeping.come_later();
        // tidy: allowed, because time is virtual
        sleep_until(start + LATE + second).await;
        let key = Key::parse("group.app.g.0").unwrap();
        let late = Login::new(1, over).to_bytes();
        cluster.create(&key, late).await.unwrap();
        // tidy: allowed, because time is virtual
        sleep_until(start + 2 * LATE).await;
        assert_eq!(cluster.get(&key).await.unwrap(), None);
    }
}
