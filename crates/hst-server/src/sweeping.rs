use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hst_cluster::{Prefix, sweep_dead};
use tokio::time::sleep;

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
    is_due: AtomicBool,
}

impl Sweeping {
    pub(crate) fn new(node: Node, life: Life) -> Arc<Self> {
        let is_due = AtomicBool::new(false);
        Arc::new(Self { node, life, is_due })
    }

    /// A life is over, or may be.
    pub(crate) fn come_later(self: &Arc<Self>) {
        if self.node.is_alone || self.is_due.swap(true, Ordering::Relaxed) {
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
        sleep(LATE).await;
        // Who is over from now on has another turn.
        self.is_due.store(false, Ordering::Relaxed);
        for held in [Prefix::groups(), Prefix::logins()] {
            while sweep_dead(&*self.node.directory, &held).await.is_err() {
                sleep(AGAIN).await;
            }
        }
    }
}
