//! As many entries as a platform with tens of thousands of bans has.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod support;

use hst_cluster::{Directory, Key, WatchEvent};
use hst_cluster_nats::{Nats, Options};
use support::{Server, within};
use tokio::{task::JoinSet, time::Instant};

/// More subjects than one answer of a server holds at 1 MiB.
const ENTRIES: u64 = 30_000;
/// Written at a time.
const WRITERS: u64 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tens_of_thousands_of_entries_are_told_to_who_begins_to_watch() {
    let server = Server::start().await;
    let nats = Nats::connect(Options::new([server.url()])).await.unwrap();
    let floor = Key::parse("kept.ban.5b0c4c9b1e9c4df09a52f3d37a4f7a7e").unwrap();
    let begun = Instant::now();
    let mut writing = JoinSet::new();
    for writer in 0..WRITERS {
        let (nats, floor) = (nats.clone(), floor.clone());
        writing.spawn(async move {
            for number in (writer..ENTRIES).step_by(WRITERS as usize) {
                let value = format!(r#"{{"stamp":1,"ban":{{"user":"{number}","reason":"spam and nothing else"}}}}"#);
                nats.create(&floor.with(&number), value.into()).await.unwrap();
            }
        });
    }
    within(writing.join_all()).await;
    println!("written in {:?}", begun.elapsed());

    let other = Nats::connect(Options::new([server.url()])).await.unwrap();
    let begun = Instant::now();
    let mut watch = within(other.watch(&floor.beneath())).await.unwrap();
    let mut told = 0;
    while let WatchEvent::Put(_) = within(watch.next()).await {
        told += 1;
    }
    assert_eq!(told, ENTRIES);
    println!("read in {:?}", begun.elapsed());
}
