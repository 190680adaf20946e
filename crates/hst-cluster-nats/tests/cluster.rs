//! Three servers, of which any may fail.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod support;

use std::sync::Arc;

use hst_cluster::{
    Bus, Delivery, Directory, Key, Prefix, Subject, WatchEvent, WriteError,
    contract::{Nodes, directory},
};
use hst_cluster_nats::{ConnectError, Nats, Options};
use support::{Program, Server, cluster, within};
use tokio::task::yield_now;

fn of(servers: &[Server], name: &str, replicas: u8) -> Options {
    Options {
        name: name.to_owned(),
        replicas,
        ..Options::new(servers.iter().map(Server::url))
    }
}

/// Each of a server of its own.
async fn nodes(servers: &[Server], name: &str) -> Nodes<dyn Directory> {
    let connect = async |servers| Arc::new(Nats::connect(of(servers, name, 3)).await.unwrap());
    Nodes {
        one: connect(&servers[..1]).await,
        other: connect(&servers[1..2]).await,
        keep: Box::new(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_keep_the_laws_of_the_directory() {
    let servers = cluster(Program::Current).await;
    directory::a_key_is_created_once(nodes(&servers, "a").await).await;
    directory::a_late_delete_never_removes_a_new_owner(nodes(&servers, "b").await).await;
    directory::revisions_grow_with_every_write(nodes(&servers, "c").await).await;
    directory::of_many_writers_at_once_one_wins(nodes(&servers, "d").await).await;
    directory::a_list_has_what_is_beneath_its_prefix_and_nothing_else(nodes(&servers, "e").await).await;
    directory::a_watch_tells_what_is_there_and_then_every_change(nodes(&servers, "f").await).await;
    directory::a_watch_that_begins_amid_writes_misses_none(nodes(&servers, "g").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_and_who_watches_survive_any_of_three_servers() {
    let mut servers = cluster(Program::Current).await;
    let nats = Nats::connect(of(&servers, "hst", 3)).await.unwrap();
    let mut watch = nats.watch(&Prefix::all()).await.unwrap();
    assert_eq!(within(watch.next()).await, WatchEvent::Synced);
    let mut subscription = nats.subscribe(&Prefix::all().into()).await.unwrap();
    for (round, server) in servers.iter_mut().enumerate() {
        server.kill().await;
        let at = Key::parse("a").unwrap().with(&(round as u64));
        within(async {
            // Its servers take some seconds to choose another leader.
            while !matches!(nats.create(&at, "x".into()).await, Ok(_) | Err(WriteError::Conflict)) {
                yield_now().await;
            }
        })
        .await;
        within(async { while !matches!(watch.next().await, WatchEvent::Put(entry) if entry.key == at) {} }).await;
        assert_eq!(within(list_at_last(&nats)).await, round + 1);
        let subject = Subject::parse("round").unwrap().with(&(round as u64));
        nats.publish(&subject, "x".into()).await.unwrap();
        within(async {
            while !matches!(subscription.next().await, Delivery::Message(message) if message.subject == subject) {}
        })
        .await;
        server.restart().await;
    }
}

async fn list_at_last(nats: &Nats) -> usize {
    loop {
        match nats.list(&Prefix::all()).await {
            Ok(entries) => return entries.len(),
            Err(_) => yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_bucket_keeps_the_number_of_replicas_that_it_was_made_with() {
    let servers = cluster(Program::Current).await;
    Nats::connect(of(&servers, "hst", 1)).await.unwrap();
    let words = Nats::connect(of(&servers, "hst", 3)).await.unwrap_err().to_string();
    assert!(
        words.starts_with("the stream KV_hst stands there with another number of replicas"),
        "{words}"
    );
}

#[tokio::test]
async fn replicas_on_old_servers_are_refused_and_one_is_not() {
    let servers = cluster(Program::Debian).await;
    let refused = Nats::connect(of(&servers, "hst", 3)).await;
    assert!(
        matches!(refused, Err(ConnectError::NotReplicable { .. })),
        "{refused:?}"
    );
    let nats = Nats::connect(of(&servers, "hst", 1)).await.unwrap();
    nats.create(&Key::parse("a").unwrap(), "x".into()).await.unwrap();
}
