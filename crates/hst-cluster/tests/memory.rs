//! What is particular to the cluster in memory: how long its queues are, and what it forgets.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::time::Duration;

use hst_cluster::memory::MemoryCluster;
use hst_cluster::{Bus, Delivery, Directory, Key, Prefix, RequestError, Subject, Watch, WatchEvent};

/// As many as wait for one reader.
const FULL: u64 = 1024;

async fn write(cluster: &MemoryCluster, keys: std::ops::Range<u64>) {
    for at in keys {
        let key = Key::parse("a").unwrap().with(&at);
        cluster.create(&key, "x".into()).await.unwrap();
    }
}

/// Counts the entries up to `Synced`.
async fn entries_until_synced(watch: &mut dyn Watch) -> u64 {
    let mut entries = 0;
    loop {
        match watch.next().await {
            WatchEvent::Put(_) => entries += 1,
            WatchEvent::Synced => return entries,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_watcher_who_lets_one_change_too_many_wait_begins_anew() {
    let cluster = MemoryCluster::default();
    let mut watch = cluster.watch(&Prefix::all()).await.unwrap();
    assert_eq!(watch.next().await, WatchEvent::Synced);
    write(&cluster, 0..FULL).await;
    for _ in 0..FULL {
        assert!(matches!(watch.next().await, WatchEvent::Put(_)));
    }
    write(&cluster, FULL..2 * FULL + 1).await;
    assert_eq!(watch.next().await, WatchEvent::Resync);
    // What is written while the watcher still reads what was there comes behind it, and only once.
    write(&cluster, 2 * FULL + 1..2 * FULL + 2).await;
    assert_eq!(entries_until_synced(&mut *watch).await, 2 * FULL + 1);
    assert!(matches!(watch.next().await, WatchEvent::Put(entry) if entry.key.as_str() == "a.2049"));
}

#[tokio::test]
async fn a_listener_who_lets_one_message_too_many_wait_misses_the_oldest() {
    let cluster = MemoryCluster::default();
    let subject = Subject::parse("a").unwrap();
    let mut listener = cluster.subscribe(&subject.clone().into()).await.unwrap();
    for sent in 0..=FULL {
        cluster.publish(&subject, sent.to_string().into()).await.unwrap();
    }
    assert_eq!(listener.next().await, Delivery::Gap);
    assert!(matches!(listener.next().await, Delivery::Message(message) if message.payload == "1"));
}

#[tokio::test(start_paused = true)]
async fn the_time_for_an_answer_is_the_callers() {
    let cluster = MemoryCluster::default();
    let subject = Subject::parse("a").unwrap();
    let _listener = cluster.subscribe(&subject.clone().into()).await.unwrap();
    let begun = tokio::time::Instant::now();
    let answer = cluster.request(&subject, "?".into(), Duration::from_secs(3600)).await;
    assert_eq!(answer, Err(RequestError::Timeout));
    assert_eq!(begun.elapsed(), Duration::from_secs(3600));
}

#[tokio::test]
async fn nothing_of_what_it_holds_shows_in_debug() {
    let cluster = MemoryCluster::default();
    write(&cluster, 0..1).await;
    assert_eq!(format!("{cluster:?}"), "MemoryCluster { .. }");
}
