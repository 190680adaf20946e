//! Every grant, and whether it was lawful: kept beside the network, from the directory as it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use hst_cluster::{
    Directory, Entry, Key, Login, NodeId, NodeRecord, Owner, Policy, Prefix, Revision, Watch, WatchEvent, is_dead,
    simulated::SimulatedCluster,
};

/// A session of one process.
type Session = (u64, u64);

/// Shared by all nodes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug)]
struct Book {
    changes: Box<dyn Watch>,
    places: BTreeMap<Key, Entry>,
    records: BTreeMap<NodeId, NodeRecord>,
    /// How each session claims.
    policies: BTreeMap<Session, Policy>,
    /// Who believes to hold what, by node and place.
    beliefs: BTreeMap<(NodeId, Key), Belief>,
    /// When a place last went to somebody by force.
    forced: BTreeMap<Key, Revision>,
    /// Sessions that are over by what their nodes say: they may take their entries away.
    over: BTreeSet<Session>,
    counts: Counts,
    /// Of all that happened in the directory, to compare runs by.
    history: Vec<(Key, Revision)>,
}

#[derive(Debug)]
struct Belief {
    life: Owner,
    revision: Revision,
}

/// How much happened, so that a run in which nothing does fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) grants: usize,
    pub(crate) takeovers_by_force: usize,
    pub(crate) takeovers_of_the_dead: usize,
    pub(crate) swept: usize,
    pub(crate) lives: usize,
}

impl Ledger {
    pub(crate) async fn new(cluster: &SimulatedCluster) -> Self {
        let changes = cluster.truth().watch(&Prefix::all()).await.unwrap();
        Self(Arc::new(Mutex::new(Book {
            changes,
            places: BTreeMap::new(),
            records: BTreeMap::new(),
            policies: BTreeMap::new(),
            beliefs: BTreeMap::new(),
            forced: BTreeMap::new(),
            over: BTreeSet::new(),
            counts: Counts::default(),
            history: Vec::new(),
        })))
    }

    pub(crate) fn claims(&self, login: &Login, policy: Policy) {
        self.0.lock().unwrap().policies.insert(session(login), policy);
    }

    /// A node believes from now on to hold a place.
    pub(crate) fn holds(&self, life: &Owner, key: &Key, revision: Revision) {
        self.0.lock().unwrap().believe(life, key, revision);
    }

    /// A session is over, and believes to hold nothing any more.
    pub(crate) fn ends(&self, login: &Login, key: &Key) {
        let mut book = self.0.lock().unwrap();
        book.beliefs.remove(&(login.owner.node.clone(), key.clone()));
        book.over.insert(session(login));
    }

    /// Reads on to the present.
    pub(crate) fn catch_up(&self) {
        self.0.lock().unwrap().catch_up();
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap().counts
    }

    pub(crate) fn history(&self) -> Vec<(Key, Revision)> {
        self.0.lock().unwrap().history.clone()
    }
}

impl Book {
    fn believe(&mut self, life: &Owner, key: &Key, revision: Revision) {
        self.catch_up();
        let belief = Belief {
            life: life.clone(),
            revision,
        };
        let others = self
            .beliefs
            .iter()
            .filter(|((node, place), _)| place == key && *node != life.node);
        for (_, other) in others.filter(|(_, other)| self.is_right(key, other)) {
            assert!(
                !self.is_right(key, &belief),
                "two live and hold {key}, and nobody has used force: {other:?}, {belief:?}"
            );
        }
        self.beliefs.insert((life.node.clone(), key.clone()), belief);
        self.counts.grants += 1;
    }

    /// Not if the believer is dead, or was put out by force and may not have heard of it yet.
    fn is_right(&self, key: &Key, belief: &Belief) -> bool {
        let is_put_out = self.forced.get(key).is_some_and(|forced| *forced > belief.revision);
        !is_put_out && !is_dead(self.records.get(&belief.life.node), &belief.life)
    }

    fn catch_up(&mut self) {
        while let Some(change) = at_once(self.changes.next()) {
            match change {
                WatchEvent::Put(entry) if entry.key.as_str().starts_with("node.") => self.written_record(&entry),
                WatchEvent::Put(entry) => self.written_place(entry),
                WatchEvent::Deleted { key, revision } => self.deleted(key, revision),
                WatchEvent::Synced => {}
                WatchEvent::Resync => panic!("the ledger is read too seldom"),
            }
        }
    }

    fn written_record(&mut self, entry: &Entry) {
        self.history.push((entry.key.clone(), entry.revision));
        let record = NodeRecord::read(entry).unwrap();
        self.counts.lives += usize::from(record.epoch == entry.revision);
        let node = entry.key.as_str().trim_start_matches("node.");
        self.records.insert(NodeId::parse(node).unwrap(), record);
    }

    fn written_place(&mut self, entry: Entry) {
        self.history.push((entry.key.clone(), entry.revision));
        let new = Login::read(&entry).unwrap();
        let old = self.places.get(&entry.key).and_then(Login::read);
        if let Some(old) = old.filter(|old| !old.is_same_session(&new)) {
            let forced = self.policies.get(&session(&new)) == Some(&Policy::Replace);
            let was_dead = is_dead(self.records.get(&old.owner.node), &old.owner);
            assert!(forced || was_dead, "{old:?} lived, and is written over by {new:?}");
            match was_dead {
                true => self.counts.takeovers_of_the_dead += 1,
                false => self.counts.takeovers_by_force += 1,
            }
            if forced {
                self.forced.insert(entry.key.clone(), entry.revision);
            }
        }
        self.places.insert(entry.key.clone(), entry);
    }

    fn deleted(&mut self, key: Key, revision: Revision) {
        self.history.push((key.clone(), revision));
        let old = self.places.remove(&key).expect("only what was there is deleted");
        let old = Login::read(&old).unwrap();
        let is_over = self.over.contains(&session(&old));
        let was_dead = is_dead(self.records.get(&old.owner.node), &old.owner);
        assert!(is_over || was_dead, "{old:?} lives, and {key} is taken away");
        self.counts.swept += usize::from(!is_over);
    }
}

fn session(login: &Login) -> Session {
    (login.owner.boot, login.session)
}

/// What is ready already.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}
