//! The laws of a [`Directory`] and its [`Watch`].

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Nodes, impatiently, within};
use crate::{Directory, Entry, Key, Prefix, Revision, Watch, WatchEvent, WriteError};

/// A cluster's directory, with nothing in it.
pub type Directories = Nodes<dyn Directory>;

/// Writers that want the same at the same moment, and how often they do.
const RACERS: usize = 40;
const RACES: usize = 10;
/// More changes than wait for anybody who does not read.
const FLOOD: u64 = 20_000;

fn key(text: &str) -> Key {
    Key::parse(text).expect("a test's key is valid")
}

fn number(number: u64) -> Bytes {
    number.to_string().into()
}

async fn create(directory: &Arc<dyn Directory>, at: &Key, value: &'static str) -> Revision {
    within(directory.create(at, value.into())).await.expect("is created")
}

async fn get(directory: &Arc<dyn Directory>, at: &Key) -> Option<(Bytes, Revision)> {
    let entry = within(directory.get(at)).await.expect("can be read")?;
    assert_eq!(&entry.key, at);
    Some((entry.value, entry.revision))
}

async fn watch(directory: &Arc<dyn Directory>, prefix: &Prefix) -> Box<dyn Watch> {
    within(directory.watch(prefix)).await.expect("can be watched")
}

/// Whoever comes second learns of it, whichever node he asks, and everybody reads what the first has written.
pub async fn a_key_is_created_once(nodes: Directories) {
    let at = key("a.b");
    assert_eq!(get(&nodes.one, &at).await, None);
    let revision = create(&nodes.one, &at, "first").await;
    for node in [&nodes.one, &nodes.other] {
        let second = within(node.create(&at, "second".into())).await;
        assert_eq!(second, Err(WriteError::Conflict));
        assert_eq!(get(node, &at).await, Some(("first".into(), revision)));
    }
}

/// And nothing happens to an entry that another has written meanwhile.
pub async fn an_update_needs_the_present_revision(nodes: Directories) {
    let at = key("a");
    let absent = within(nodes.one.update(&at, "x".into(), Revision::new(1))).await;
    assert_eq!(absent, Err(WriteError::Conflict));
    let first = create(&nodes.one, &at, "1").await;
    let second = within(nodes.other.update(&at, "2".into(), first))
        .await
        .expect("is present");
    assert!(second > first);
    let late = within(nodes.one.update(&at, "late".into(), first)).await;
    assert_eq!(late, Err(WriteError::Conflict));
    assert_eq!(get(&nodes.one, &at).await, Some(("2".into(), second)));
}

/// A node that was away does not take away what is another's by now.
pub async fn a_late_delete_never_removes_a_new_owner(nodes: Directories) {
    let at = key("a");
    let first = create(&nodes.one, &at, "1").await;
    let second = within(nodes.other.update(&at, "2".into(), first))
        .await
        .expect("is present");
    refuses_to_delete(&nodes.one, &at, first).await;
    assert_eq!(get(&nodes.other, &at).await, Some(("2".into(), second)));

    within(nodes.other.delete(&at, second)).await.expect("is present");
    refuses_to_delete(&nodes.one, &at, second).await;
    let third = create(&nodes.other, &at, "3").await;
    refuses_to_delete(&nodes.one, &at, first).await;
    refuses_to_delete(&nodes.one, &at, second).await;
    assert_eq!(get(&nodes.one, &at).await, Some(("3".into(), third)));
}

async fn refuses_to_delete(directory: &Arc<dyn Directory>, at: &Key, revision: Revision) {
    let refused = within(directory.delete(at, revision)).await;
    assert_eq!(refused, Err(WriteError::Conflict));
}

/// Over all keys, and over what was deleted.
pub async fn revisions_grow_with_every_write(nodes: Directories) {
    let (a, b) = (key("a"), key("b.c"));
    let mut last = Revision::OWN;
    for node in [&nodes.one, &nodes.other, &nodes.one] {
        let first = create(node, &a, "1").await;
        let second = create(node, &b, "2").await;
        let third = within(node.update(&a, "3".into(), first)).await.expect("is present");
        assert!(last < first && first < second && second < third);
        last = third;
        within(node.delete(&a, third)).await.expect("is present");
        within(node.delete(&b, second)).await.expect("is present");
        assert_eq!((get(node, &a).await, get(node, &b).await), (None, None));
    }
}

/// The law that all claims stand on: of many who write with the same knowledge exactly one succeeds.
pub async fn of_many_writers_at_once_one_wins(nodes: Directories) {
    let at = key("a");
    let mut stands = None;
    for _ in 0..RACES {
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let node = if racer % 2 == 0 { &nodes.one } else { &nodes.other }.clone();
            let (at, value) = (at.clone(), number(racer as u64));
            racers.spawn(async move {
                let written = match stands {
                    None => node.create(&at, value.clone()).await,
                    Some(expected) => node.update(&at, value.clone(), expected).await,
                };
                (value, written)
            });
        }
        let written = within(racers.join_all()).await;
        let winners: Vec<_> = written
            .into_iter()
            .filter_map(|(value, written)| match written {
                Ok(revision) => Some((value, revision)),
                Err(error) => {
                    assert_eq!(error, WriteError::Conflict);
                    None
                }
            })
            .collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(get(&nodes.one, &at).await.as_ref(), winners.first());
        stands = Some(winners[0].1);
    }
}

/// The key itself and those that merely begin with the same letters are not beneath it.
pub async fn a_list_has_what_is_beneath_its_prefix_and_nothing_else(nodes: Directories) {
    let inside = ["a.b.1", "a.b.1.x", "a.b.2", "a.b._"];
    for text in ["a", "a.b", "a.b-", "a.bc.1", "a.b0.1", "a.a.b.1", "b"]
        .into_iter()
        .chain(inside)
    {
        create(&nodes.one, &key(text), "x").await;
    }
    let gone = create(&nodes.one, &key("a.b.3"), "x").await;
    within(nodes.one.delete(&key("a.b.3"), gone)).await.expect("is present");

    let listed = within(nodes.other.list(&key("a.b").beneath()))
        .await
        .expect("can be read");
    let keys: Vec<&str> = listed.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, inside);
    for entry in &listed {
        let stands = within(nodes.one.get(&entry.key)).await;
        assert_eq!(stands.as_ref().map(Option::as_ref), Ok(Some(entry)));
    }
    assert_eq!(
        within(nodes.other.list(&Prefix::all()))
            .await
            .expect("can be read")
            .len(),
        11
    );
    assert_eq!(within(nodes.other.list(&key("c").beneath())).await, Ok(Vec::new()));
}

/// What stands there first, in any order, then the changes, in theirs.
pub async fn a_watch_tells_what_is_there_and_then_every_change(nodes: Directories) {
    let keys = ["a.1", "a.2", "a.3"].map(key);
    let mut revisions = Vec::new();
    for at in &keys[..2] {
        revisions.push(create(&nodes.one, at, "x").await);
    }
    create(&nodes.one, &key("ab.1"), "x").await;

    let mut watch = watch(&nodes.other, &key("a").beneath()).await;
    let mut present = BTreeMap::new();
    while let WatchEvent::Put(entry) = expect_put_or_synced(&mut *watch).await {
        present.insert(entry.key, entry.revision);
    }
    assert_eq!(
        present,
        keys[..2].iter().cloned().zip(revisions.iter().copied()).collect()
    );

    create(&nodes.one, &key("a"), "beside it").await;
    let updated = within(nodes.one.update(&keys[0], "y".into(), revisions[0]))
        .await
        .expect("is present");
    within(nodes.other.delete(&keys[1], revisions[1]))
        .await
        .expect("is present");
    let created = create(&nodes.one, &keys[2], "z").await;

    let put = |at: &Key, value: &'static str, revision| {
        WatchEvent::Put(Entry {
            key: at.clone(),
            value: value.into(),
            revision,
        })
    };
    assert_eq!(within(watch.next()).await, put(&keys[0], "y", updated));
    match within(watch.next()).await {
        WatchEvent::Deleted { key, revision } => {
            assert_eq!(key, keys[1]);
            assert!(updated < revision && revision < created);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(within(watch.next()).await, put(&keys[2], "z", created));
}

async fn expect_put_or_synced(watch: &mut dyn Watch) -> WatchEvent {
    let event = within(watch.next()).await;
    assert!(matches!(event, WatchEvent::Put(_) | WatchEvent::Synced), "{event:?}");
    event
}

/// And hears the first entry when it comes.
pub async fn a_watch_of_nothing_is_synced_at_once(nodes: Directories) {
    let mut watch = watch(&nodes.one, &key("a").beneath()).await;
    assert_eq!(within(watch.next()).await, WatchEvent::Synced);
    let revision = create(&nodes.other, &key("a.b"), "x").await;
    let WatchEvent::Put(entry) = within(watch.next()).await else {
        panic!("the entry is told");
    };
    assert_eq!(entry.revision, revision);
}

/// `next` is cancel-safe.
pub async fn a_next_dropped_half_way_loses_no_change(nodes: Directories) {
    const CHANGES: u64 = 200;
    let mut watch = watch(&nodes.other, &Prefix::all()).await;
    let write = async {
        for change in 0..CHANGES {
            let at = key("a").with(&change);
            within(nodes.one.create(&at, number(change))).await.expect("is created");
        }
    };
    let read = async {
        assert_eq!(impatient_next(&mut watch).await, WatchEvent::Synced);
        for change in 0..CHANGES {
            let event = impatient_next(&mut watch).await;
            assert!(
                matches!(&event, WatchEvent::Put(entry) if entry.value == number(change)),
                "{event:?}"
            );
        }
    };
    within(async { tokio::join!(write, read) }).await;
}

async fn impatient_next(watch: &mut Box<dyn Watch>) -> WatchEvent {
    impatiently(watch, async |watch: &mut Box<dyn Watch>| watch.next().await).await
}

/// However the beginning of the watch and the writes fall together.
pub async fn a_watch_that_begins_amid_writes_misses_none(nodes: Directories) {
    for round in 0..20u64 {
        let base = key("a").with(&round);
        let writer = tokio::spawn(churn(nodes.one.clone(), base.clone(), 100));
        let mut replica = Replica::new(watch(&nodes.other, &base.beneath()).await);
        within(replica.follow_until(&base.with(&u64::MAX))).await;
        within(writer).await.expect("writes");
        assert_eq!(Ok(replica.entries()), within(nodes.one.list(&base.beneath())).await);
    }
}

/// It may be told to begin anew, but it never believes anything wrong in the end.
pub async fn a_watcher_who_is_slow_knows_the_truth_in_the_end(nodes: Directories) {
    let base = key("a");
    let mut replica = Replica::new(watch(&nodes.other, &base.beneath()).await);
    create(&nodes.one, &base.with(&0), "there from the beginning").await;
    churn(nodes.one.clone(), base.with(&1), FLOOD).await;
    within(replica.follow_until(&base.with(&1).with(&u64::MAX))).await;
    // And nothing old comes behind what was there.
    let last = base.with(&2);
    create(&nodes.one, &last, "after it").await;
    within(replica.follow_until(&last)).await;
    assert_eq!(Ok(replica.entries()), within(nodes.one.list(&base.beneath())).await);
}

/// Creates, updates and deletes beneath `base`, and then writes a last key.
async fn churn(directory: Arc<dyn Directory>, base: Key, changes: u64) {
    let mut revisions: BTreeMap<Key, Revision> = BTreeMap::new();
    for change in 0..changes {
        let at = base.with(&(change % 7));
        match revisions.get(&at).copied() {
            Some(old) if change % 3 == 0 => {
                within(directory.delete(&at, old)).await.expect("nobody else writes");
                revisions.remove(&at);
            }
            old => {
                let written = match old {
                    None => within(directory.create(&at, number(change))).await,
                    Some(old) => within(directory.update(&at, number(change), old)).await,
                };
                revisions.insert(at, written.expect("nobody else writes"));
            }
        }
    }
    create(&directory, &base.with(&u64::MAX), "the end").await;
}

/// What somebody knows who does with each event what it says.
struct Replica {
    watch: Box<dyn Watch>,
    known: BTreeMap<Key, Entry>,
    /// The newest revision heard of; `None` while what is there is told, in any order.
    last: Option<Revision>,
}

impl Replica {
    fn new(watch: Box<dyn Watch>) -> Self {
        Self {
            watch,
            known: BTreeMap::new(),
            last: None,
        }
    }

    /// Until `marker` is known and all that was there has been told.
    async fn follow_until(&mut self, marker: &Key) {
        while self.last.is_none() || !self.known.contains_key(marker) {
            match self.watch.next().await {
                WatchEvent::Put(entry) => {
                    self.changed(entry.revision);
                    self.known.insert(entry.key.clone(), entry);
                }
                WatchEvent::Deleted { key, revision } => {
                    self.changed(revision);
                    assert!(self.known.remove(&key).is_some(), "{key} was not there");
                }
                WatchEvent::Synced => {
                    let newest = self.known.values().map(|entry| entry.revision).max();
                    self.last = Some(newest.unwrap_or(Revision::OWN));
                }
                WatchEvent::Resync => {
                    self.known.clear();
                    self.last = None;
                }
            }
        }
    }

    fn changed(&mut self, revision: Revision) {
        if let Some(last) = &mut self.last {
            assert!(*last < revision, "{last:?} comes before {revision:?}");
            *last = revision;
        }
    }

    fn entries(&self) -> Vec<Entry> {
        self.known.values().cloned().collect()
    }
}

/// Stamps the laws of a directory into a test file: one `#[tokio::test]` for each of them.
///
/// It takes the path of an `async fn() -> Directories`. The crate needs `tokio` among its dependencies.
#[macro_export]
macro_rules! directory_contract {
    ($open:path) => {
        $crate::directory_contract!(@stamp $open:
            a_key_is_created_once,
            an_update_needs_the_present_revision,
            a_late_delete_never_removes_a_new_owner,
            revisions_grow_with_every_write,
            of_many_writers_at_once_one_wins,
            a_list_has_what_is_beneath_its_prefix_and_nothing_else,
            a_watch_tells_what_is_there_and_then_every_change,
            a_watch_of_nothing_is_synced_at_once,
            a_next_dropped_half_way_loses_no_change,
            a_watch_that_begins_amid_writes_misses_none,
            a_watcher_who_is_slow_knows_the_truth_in_the_end,
        );
    };
    (@stamp $open:path: $($law:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                $crate::contract::directory::$law($open().await).await;
            }
        )*
    };
}
