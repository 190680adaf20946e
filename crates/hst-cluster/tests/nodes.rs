//! Lives of nodes in the directory.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use hst_cluster::{
    Directory, Entry, Key, NodeId, NodeRecord, NodeState, Owner, Revision, Unavailable, WriteError, is_dead,
    memory::MemoryCluster, mock::MockDirectory, register,
};

fn node() -> NodeId {
    NodeId::parse("n1").unwrap()
}

async fn life(cluster: &MemoryCluster, boot: u64) -> Owner {
    Owner {
        node: node(),
        epoch: register(cluster, &node(), boot).await.unwrap(),
        boot,
    }
}

async fn record(cluster: &MemoryCluster) -> (NodeRecord, Entry) {
    let entry = cluster.get(&Key::node(&node())).await.unwrap().unwrap();
    (NodeRecord::read(&entry).unwrap(), entry)
}

#[tokio::test]
async fn each_registration_ends_the_lives_before_it() {
    let cluster = MemoryCluster::default();
    let first = life(&cluster, 1).await;
    assert!(!is_dead(Some(&record(&cluster).await.0), &first));
    // The same process again, and then a new one.
    let second = life(&cluster, 1).await;
    let third = life(&cluster, 2).await;
    assert!(first.epoch < second.epoch && second.epoch < third.epoch);
    let (record, _) = record(&cluster).await;
    assert_eq!(
        [first, second, third].map(|life| is_dead(Some(&record), &life)),
        [true, true, false]
    );
}

#[tokio::test]
async fn a_node_that_drains_lives_and_one_that_is_fenced_does_not() {
    let cluster = MemoryCluster::default();
    let life = life(&cluster, 1).await;
    for (state, dead) in [(NodeState::Draining, false), (NodeState::Fenced, true)] {
        let (mut changed, entry) = record(&cluster).await;
        changed.state = state;
        cluster
            .update(&entry.key, changed.to_bytes(), entry.revision)
            .await
            .unwrap();
        let (read, _) = record(&cluster).await;
        assert_eq!((read.state, read.epoch), (state, life.epoch));
        assert_eq!(is_dead(Some(&read), &life), dead);
    }
}

/// Of a node that registers after an earlier life with the same boot, which stood there with revision 3.
fn losing_the_answer(it_was_written: bool) -> MockDirectory {
    let mut directory = MockDirectory::new();
    let entry = |revision| Entry {
        key: Key::node(&node()),
        value: r#"{"epoch":0,"boot":1,"state":"up"}"#.into(),
        revision: Revision::new(revision),
    };
    let mut reads = vec![entry(3), entry(if it_was_written { 4 } else { 3 })].into_iter();
    directory.expect_get().times(2).returning(move |_| Ok(reads.next()));
    let mut writes = vec![Err(WriteError::Unknown), Ok(Revision::new(9))].into_iter();
    let tries = if it_was_written { 1 } else { 2 };
    directory
        .expect_update()
        .withf(|_, _, expected| *expected == Revision::new(3))
        .times(tries)
        .returning(move |_, _, _| writes.next().unwrap());
    directory
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_found_out() {
    let written = register(&losing_the_answer(true), &node(), 1).await;
    assert_eq!(written, Ok(Revision::new(4)));
    let lost = register(&losing_the_answer(false), &node(), 1).await;
    assert_eq!(lost, Ok(Revision::new(9)));
}

#[tokio::test]
async fn registering_ends_when_the_directory_is_away_or_somebody_is_always_faster() {
    let mut away = MockDirectory::new();
    away.expect_get().times(1).returning(|_| Err(Unavailable));
    assert_eq!(register(&away, &node(), 1).await, Err(Unavailable));

    let mut contested = MockDirectory::new();
    contested.expect_get().returning(|_| Ok(None));
    contested.expect_create().returning(|_, _| Err(WriteError::Conflict));
    assert_eq!(register(&contested, &node(), 1).await, Err(Unavailable));
}
