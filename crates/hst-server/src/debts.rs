use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_cluster::{Key, Login as Record, withdraw_from};
use tokio::time::sleep;

use crate::{life::Life, node::Node};

/// How long after it was out of reach the directory is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Entries that are owed at a time; what would be one more stays until this life of the node is over.
const MOST: usize = 65_536;

/// Places of sessions and groups that are over and may still stand in the directory, because it was out of reach when they
/// ended, or because they ended by a fault. They are given back as soon as it is in reach: until then nobody else can have them.
#[derive(Debug)]
pub(crate) struct Debts {
    node: Node,
    life: Life,
    /// A lock, because whatever ends writes here; held for one look-up.
    owed: Mutex<VecDeque<(Key, Record)>>,
}

impl Debts {
    pub(crate) fn new(node: Node, life: Life) -> Arc<Self> {
        Arc::new(Self {
            node,
            life,
            owed: Mutex::default(),
        })
    }

    /// A place is to be given back, if it is this session's still.
    pub(crate) fn owe(self: &Arc<Self>, key: Key, record: Record) {
        let mut owed = self.lock();
        match owed.len() {
            0 => self.life.spawn(self.clone().pay()),
            MOST.. => return tracing::warn!(%key, "a place could not be given back"),
            _ => {}
        }
        owed.push_back((key, record));
    }

    /// Gives back what is owed, until that is nothing.
    async fn pay(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = sleep(AGAIN) => {}
                // Others take what this node holds.
                () = self.life.draining() => return,
            }
            while let Some((key, record)) = self.first() {
                if withdraw_from(&*self.node.directory, &key, &record).await.is_err() {
                    break;
                }
                let mut owed = self.lock();
                owed.pop_front();
                if owed.is_empty() {
                    return;
                }
            }
        }
    }

    fn first(&self) -> Option<(Key, Record)> {
        self.lock().front().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Key, Record)>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
