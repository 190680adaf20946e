//! Lives of nodes in the directory.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use hst_cluster::{
    Directory, Entry, Key, Login, NodeId, NodeRecord, NodeState, Owner, Prefix, Revision, Unavailable, Versions,
    WriteError, amend, fence, is_dead, memory::MemoryCluster, mock::MockDirectory, register, sweep, unregister,
};

fn node() -> NodeId {
    NodeId::parse("n1").unwrap()
}

async fn life(cluster: &MemoryCluster, boot: u64) -> Owner {
    Owner {
        node: node(),
        epoch: register(cluster, &node(), boot, Versions::UNSAID).await.unwrap(),
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

#[tokio::test]
async fn a_life_changes_its_record_until_it_is_over() {
    let cluster = MemoryCluster::default();
    let first = life(&cluster, 1).await;
    let says = async |owner: &Owner, info: &str| amend(&cluster, owner, |record| record.info = info.into()).await;
    assert_eq!(says(&first, "here").await, Ok(true));
    let (read, _) = record(&cluster).await;
    assert_eq!((read.epoch, read.info.as_str()), (first.epoch, "here"));

    assert_eq!(fence(&cluster, &first).await, Ok(true));
    assert_eq!(fence(&cluster, &first).await, Ok(true), "it is dead, whoever said so");
    assert_eq!(says(&first, "still here").await, Ok(false));
    assert!(is_dead(Some(&record(&cluster).await.0), &first));

    let second = life(&cluster, 1).await;
    assert_eq!(fence(&cluster, &first).await, Ok(false), "another life goes on");
    unregister(&cluster, &first).await.unwrap();
    assert!(!is_dead(Some(&record(&cluster).await.0), &second));
    unregister(&cluster, &second).await.unwrap();
    assert_eq!(cluster.list(&Prefix::nodes()).await.unwrap(), []);
    assert_eq!(says(&second, "gone").await, Ok(false));
}

#[tokio::test]
async fn what_a_dead_life_held_is_swept_and_nothing_else() {
    let cluster = MemoryCluster::default();
    let dead = life(&cluster, 1).await;
    let live = life(&cluster, 1).await;
    let key = |number| Key::parse("login.app.ann.web").unwrap().with(&number);
    for (number, owner) in [(0, &dead), (1, &live), (2, &dead)] {
        let login = Login::new(number, owner.clone());
        cluster.create(&key(number), login.to_bytes()).await.unwrap();
    }
    cluster.create(&key(3), "of another version".into()).await.unwrap();
    assert_eq!(sweep(&cluster, &Prefix::logins(), &dead).await, Ok(2));
    let left = cluster.list(&Prefix::logins()).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|entry| entry.key).collect();
    assert_eq!(left, [key(1), key(3)]);
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
    let written = register(&losing_the_answer(true), &node(), 1, Versions::UNSAID).await;
    assert_eq!(written, Ok(Revision::new(4)));
    let lost = register(&losing_the_answer(false), &node(), 1, Versions::UNSAID).await;
    assert_eq!(lost, Ok(Revision::new(9)));
}

#[tokio::test]
async fn registering_ends_when_the_directory_is_away_or_somebody_is_always_faster() {
    let mut away = MockDirectory::new();
    away.expect_get().times(1).returning(|_| Err(Unavailable));
    assert_eq!(register(&away, &node(), 1, Versions::UNSAID).await, Err(Unavailable));

    let mut contested = MockDirectory::new();
    contested.expect_get().returning(|_| Ok(None));
    contested.expect_create().returning(|_, _| Err(WriteError::Conflict));
    assert_eq!(
        register(&contested, &node(), 1, Versions::UNSAID).await,
        Err(Unavailable)
    );
}
