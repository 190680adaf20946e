use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU8,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_cluster::{
    Entry, Key, Login as Record, Prefix, Revision, Unavailable, WatchEvent, WriteError, release, withdraw,
    withdraw_from,
};
use tokio::time::sleep;

use crate::{debts::Debts, life::Life, node::Node};

/// Writes that lost to others, or whose answers were lost, before there is a pause.
const TRIES: usize = 8;
/// For so long a place may stand there that nobody holds: no claim takes longer.
const UNCLAIMED: Duration = Duration::from_secs(30);
/// How long after the directory was out of reach what is held is asserted again.
const AGAIN: Duration = Duration::from_secs(1);

/// What this node holds in the directory: the places of its logins and of its groups. It follows each of them: one that was
/// lost is written again, and whoever has lost his place to somebody else is told.
#[derive(Debug)]
pub(crate) struct Holdings {
    node: Node,
    pub(crate) life: Life,
    /// What was held and may still stand there.
    debts: Arc<Debts>,
    /// A lock, because every session and every group writes here; held for one look-up.
    held: Mutex<HashMap<Key, Arc<Held>>>,
}

/// One entry, until it is released.
#[derive(Debug)]
pub(crate) struct Hold {
    holdings: Arc<Holdings>,
    key: Key,
    held: Arc<Held>,
}

struct Held {
    /// A lock, because its owner writes it and its follower does; held for one assignment.
    present: Mutex<Present>,
    lost: Box<dyn Fn() + Send + Sync>,
}

#[derive(Clone)]
struct Present {
    record: Record,
    revision: Revision,
}

impl Holdings {
    pub(crate) fn new(node: Node, life: Life) -> Arc<Self> {
        Arc::new(Self {
            debts: Debts::new(node.clone(), life.clone()),
            node,
            life,
            held: Mutex::default(),
        })
    }

    /// Keeps an entry that was just written. `lost` is called once at most, when somebody else has the place.
    pub(crate) fn keep(
        self: &Arc<Self>,
        key: Key,
        record: Record,
        revision: Revision,
        lost: impl Fn() + Send + Sync + 'static,
    ) -> Hold {
        let held = Arc::new(Held {
            present: Mutex::new(Present { record, revision }),
            lost: Box::new(lost),
        });
        let before = self.lock().insert(key.clone(), held.clone());
        if let Some(before) = before.filter(|before| !before.is_same_session(&held)) {
            // What others had freed meanwhile, so that it was not in the way of who came here next.
            tracing::info!(%key, "somebody else here has this place now");
            (before.lost)();
        }
        // What happened between the write and now was told to nobody here: somebody else may have taken the place, or the
        // node have begun another life, which has asserted what it held then.
        if !self.node.is_alone {
            let (holdings, key, held) = (self.clone(), key.clone(), held.clone());
            self.life.spawn(async move { holdings.assert(&key, &held).await });
        }
        let holdings = self.clone();
        Hold { holdings, key, held }
    }

    /// Takes away what an unfinished claim may have left behind at one of these places: now, or once the directory is in
    /// reach.
    pub(crate) async fn withdraw(&self, base: &Key, places: NonZeroU8, record: &Record) {
        if withdraw(&*self.node.directory, base, places, record).await.is_err() {
            for place in 0..places.get() {
                self.debts.owe(base.with(&u64::from(place)), record.clone());
            }
        }
    }

    /// Follows what is held, until the server ends. A node that is alone has nobody to lose it to.
    pub(crate) async fn follow(self: &Arc<Self>) -> Result<(), Unavailable> {
        if self.node.is_alone {
            return Ok(());
        }
        for places in [Prefix::logins(), Prefix::groups()] {
            let mut watch = self.node.directory.watch(&places).await?;
            let (holdings, life) = (self.clone(), self.life.clone());
            self.life.spawn(async move {
                loop {
                    tokio::select! {
                        event = watch.next() => holdings.handle(&places, event),
                        () = life.draining() => return,
                    }
                }
            });
        }
        Ok(())
    }

    /// Writes everything again, as held by the node's present life: that of before was declared dead.
    pub(crate) fn assert_all(self: &Arc<Self>) {
        self.assert_beneath(&Prefix::all());
    }

    fn handle(self: &Arc<Self>, places: &Prefix, event: WatchEvent) {
        match event {
            WatchEvent::Put(entry) => {
                self.compare(&entry);
                if let Some(record) = Record::read(&entry).filter(|record| self.node.is(&record.owner)) {
                    self.doubt(entry, record);
                }
            }
            WatchEvent::Deleted { key, revision } => {
                let held = self.find(&key);
                if let Some(held) = held.filter(|held| held.present().revision < revision) {
                    let holdings = self.clone();
                    self.life.spawn(async move { holdings.assert(&key, &held).await });
                }
            }
            // Whatever happened meanwhile, what stands there now counts.
            WatchEvent::Resync => self.assert_beneath(places),
            WatchEvent::Synced => {}
        }
    }

    fn assert_beneath(self: &Arc<Self>, places: &Prefix) {
        let all: Vec<_> = self
            .lock()
            .iter()
            .filter(|(key, _)| key.as_str().starts_with(places.as_str()))
            .map(|(key, held)| (key.clone(), held.clone()))
            .collect();
        let holdings = self.clone();
        self.life.spawn(async move {
            for (key, held) in all {
                holdings.assert(&key, &held).await;
            }
        });
    }

    /// A place that this node has and does not hold is one that is being claimed, or was: a write may arrive after its claim was
    /// given up. Then nobody else would ever get it.
    fn doubt(self: &Arc<Self>, Entry { key, .. }: Entry, record: Record) {
        if self.holds(&key, &record) {
            return;
        }
        let holdings = self.clone();
        self.life.spawn(async move {
            tokio::select! {
                () = sleep(UNCLAIMED) => {}
                () = holdings.life.draining() => return,
            }
            if !holdings.holds(&key, &record) {
                holdings.debts.owe(key, record);
            }
        });
    }

    fn holds(&self, key: &Key, record: &Record) -> bool {
        let held = self.find(key);
        held.is_some_and(|held| held.present().record.is_same_session(record))
    }

    /// Takes note of what stands at a place that is held.
    fn compare(&self, entry: &Entry) {
        let Some(held) = self.find(&entry.key) else { return };
        let is_own = {
            let mut present = held.lock();
            if entry.revision <= present.revision {
                return;
            }
            let is_own = Record::read(entry).is_some_and(|record| record.is_same_session(&present.record));
            if is_own {
                present.revision = entry.revision;
            }
            is_own
        };
        if !is_own {
            self.lose(&entry.key, &held);
        }
    }

    /// Sees to it that the entry stands there as this node's present life holds it, or finds out that it is lost: now, or
    /// once the directory is in reach.
    async fn assert(&self, key: &Key, held: &Arc<Held>) {
        while self.try_to_assert(key, held).await.is_err() {
            tokio::select! {
                () = sleep(AGAIN) => {}
                () = self.life.draining() => return,
            }
        }
    }

    async fn try_to_assert(&self, key: &Key, held: &Arc<Held>) -> Result<(), Unavailable> {
        let directory = &*self.node.directory;
        for _ in 0..TRIES {
            // Released meanwhile: it is not to come back.
            if !self.find(key).is_some_and(|present| Arc::ptr_eq(&present, held)) {
                return Ok(());
            }
            let stands = directory.get(key).await?;
            let mut record = held.present().record;
            record.owner = self.node.owner();
            let written = match stands {
                None => directory.create(key, record.to_bytes()).await,
                Some(entry) => match Record::read(&entry) {
                    Some(read) if read.is_same_session(&record) && read.owner == record.owner => Ok(entry.revision),
                    Some(read) if read.is_same_session(&record) => {
                        directory.update(key, record.to_bytes(), entry.revision).await
                    }
                    _ => {
                        self.lose(key, held);
                        return Ok(());
                    }
                },
            };
            match written {
                Ok(revision) => {
                    held.renew(record, revision);
                    // One that was released meanwhile did not find this entry.
                    if !self.find(key).is_some_and(|present| Arc::ptr_eq(&present, held)) {
                        let _ = release(directory, key, revision).await;
                    }
                    return Ok(());
                }
                Err(WriteError::Conflict | WriteError::Unknown) => {}
                Err(WriteError::Unavailable) => break,
            }
        }
        Err(Unavailable)
    }

    fn lose(&self, key: &Key, held: &Arc<Held>) {
        if self.forget(key, held) {
            tracing::info!(%key, "somebody else has this place now");
            (held.lost)();
        }
    }

    /// Whether it was held until now.
    fn forget(&self, key: &Key, held: &Arc<Held>) -> bool {
        let mut all = self.lock();
        let is_held = all.get(key).is_some_and(|present| Arc::ptr_eq(present, held));
        if is_held {
            all.remove(key);
        }
        is_held
    }

    fn find(&self, key: &Key) -> Option<Arc<Held>> {
        self.lock().get(key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Lets others know something else of it.
    ///
    /// # Errors
    /// As [`Directory::update`](hst_cluster::Directory::update).
    pub(crate) async fn inform(&self, info: impl FnOnce(&str) -> String) -> Result<(), WriteError> {
        let Present { mut record, revision } = self.held.present();
        record.info = info(&record.info);
        let directory = &self.holdings.node.directory;
        let revision = directory.update(&self.key, record.to_bytes(), revision).await?;
        self.held.renew(record, revision);
        Ok(())
    }

    /// Holds it no more, without giving it back: what stands there is for another node to take.
    pub(crate) fn let_go(&self) -> (Key, Record, Revision) {
        self.holdings.forget(&self.key, &self.held);
        let Present { record, revision } = self.held.present();
        (self.key.clone(), record, revision)
    }

    /// Holds it again: this was written last.
    pub(crate) fn hold_again(&self, record: Record, revision: Revision) {
        *self.held.lock() = Present { record, revision };
        self.holdings.lock().insert(self.key.clone(), self.held.clone());
    }

    /// Gives the place back, if it is still held: now, or once the directory is in reach.
    pub(crate) async fn release(&self) {
        self.holdings.forget(&self.key, &self.held);
        let Present { record, revision } = self.held.present();
        let directory = &*self.holdings.node.directory;
        let is_gone = match directory.delete(&self.key, revision).await {
            Ok(()) => true,
            // Somebody else has it, or it was written anew under this session and nobody here knows.
            Err(WriteError::Conflict | WriteError::Unknown) => {
                withdraw_from(directory, &self.key, &record).await.is_ok()
            }
            Err(WriteError::Unavailable) => false,
        };
        if !is_gone {
            self.holdings.debts.owe(self.key.clone(), record);
        }
    }
}

impl Drop for Hold {
    /// Who held it has ended by a fault, or before it began: others are to have the place.
    fn drop(&mut self) {
        if self.holdings.forget(&self.key, &self.held) {
            let record = self.held.present().record;
            self.holdings.debts.owe(self.key.clone(), record);
        }
    }
}

impl Held {
    fn is_same_session(&self, other: &Self) -> bool {
        self.present().record.is_same_session(&other.present().record)
    }

    fn present(&self) -> Present {
        self.lock().clone()
    }

    /// It was written so. An answer that a later one has overtaken says nothing any more: by its revision nothing could be
    /// written, nor taken away.
    fn renew(&self, record: Record, revision: Revision) {
        let mut present = self.lock();
        if present.revision <= revision {
            *present = Present { record, revision };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hst_cluster::{NodeId, memory::MemoryCluster};

    use tokio::time::{Duration, timeout};

    use super::*;
    use crate::life::{self, Lifeline};

    /// A node with nobody beside it, and what it holds.
    async fn begin() -> (Node, Lifeline, Arc<Holdings>) {
        let cluster = Arc::new(MemoryCluster::default());
        let name = NodeId::parse("n1").unwrap();
        let node = Node::join(cluster.clone(), cluster, name).await.unwrap();
        let (lifeline, life) = life::begin();
        let holdings = Holdings::new(node.clone(), life);
        (node, lifeline, holdings)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_claimed_while_another_life_began_is_held_for_that_life() {
        let (node, _lifeline, holdings) = begin().await;
        let key = Key::parse("group.app.g.0").unwrap();
        let record = Record::new(1, node.owner());
        let revision = node.directory.create(&key, record.to_bytes()).await.unwrap();
        node.begin_anew().await.unwrap();
        holdings.assert_all();

        let mut watch = node.directory.watch(&Prefix::groups()).await.unwrap();
        let _hold = holdings.keep(key, record, revision, || panic!("nobody else wants it"));
        let written = async {
            loop {
                if let WatchEvent::Put(entry) = watch.next().await
                    && Record::read(&entry).is_some_and(|record| record.owner == node.owner())
                {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(1), written).await.expect("it is asserted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_a_late_write_brings_back_is_given_back_and_one_that_is_held_is_not() {
        let (node, _lifeline, holdings) = begin().await;
        holdings.follow().await.unwrap();
        let (late, held) = ("login.app.ann.web.0", "login.app.bob.web.0");
        let [late, held] = [late, held].map(|key| Key::parse(key).unwrap());
        let hold = Record::new(1, node.owner());
        let revision = node.directory.create(&held, hold.to_bytes()).await.unwrap();
        let _hold = holdings.keep(held.clone(), hold, revision, || panic!("nobody else wants it"));

        let mut watch = node.directory.watch(&Prefix::logins()).await.unwrap();
        // Of its claim nobody knows any more.
        let written = Record::new(2, node.owner()).to_bytes();
        node.directory.create(&late, written).await.unwrap();
        let gone = async {
            loop {
                if let WatchEvent::Deleted { key, .. } = watch.next().await {
                    return key;
                }
            }
        };
        assert_eq!(timeout(2 * UNCLAIMED, gone).await.unwrap(), late);
        assert!(node.directory.get(&held).await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_was_written_anew_without_its_holders_knowledge_is_given_back() {
        let (node, _lifeline, holdings) = begin().await;
        let key = Key::parse("group.app.g.0").unwrap();
        let record = Record::new(1, node.owner());
        let revision = node.directory.create(&key, record.to_bytes()).await.unwrap();
        let hold = holdings.keep(key.clone(), record.clone(), revision, || panic!("nobody else wants it"));
        // As by an answer that has overtaken a later one.
        let written = node.directory.update(&key, record.to_bytes(), revision).await;
        written.unwrap();
        hold.release().await;
        assert_eq!(node.directory.get(&key).await.unwrap(), None);

        let other = Record::new(2, node.owner());
        let revision = node.directory.create(&key, record.to_bytes()).await.unwrap();
        let hold = holdings.keep(key.clone(), record, revision, || panic!("nobody has heard of it"));
        let written = node.directory.update(&key, other.to_bytes(), revision).await;
        written.unwrap();
        hold.release().await;
        let stands = node.directory.get(&key).await.unwrap();
        assert!(stands.is_some(), "another has it");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_a_later_one_has_overtaken_does_not_keep_anybody_from_writing() {
        let (node, _lifeline, holdings) = begin().await;
        let key = Key::parse("login.app.ann.web.0").unwrap();
        let record = Record::new(1, node.owner());
        let first = node.directory.create(&key, record.to_bytes()).await.unwrap();
        let hold = holdings.keep(key.clone(), record.clone(), first, || panic!("nobody else wants it"));
        let second = node.directory.update(&key, record.to_bytes(), first).await.unwrap();
        hold.held.renew(record.clone(), second);
        hold.held.renew(record, first);
        hold.inform(|_| "busy".to_owned()).await.unwrap();
    }
}
