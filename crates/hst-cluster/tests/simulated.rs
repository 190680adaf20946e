//! What the simulated network does to what travels on it.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::time::Duration;

use hst_cluster::{
    Bus, Delivery, Directory, Key, Prefix, RequestError, Subject, Subscription, Unavailable, WatchEvent, WriteError,
    simulated::{Road, SimulatedCluster, SimulatedNode, Weather},
};
use tokio::time::{Instant, sleep, timeout};

const ALWAYS: u32 = 1000;

fn nodes() -> (SimulatedCluster, SimulatedNode, SimulatedNode) {
    let cluster = SimulatedCluster::new(1);
    let (one, other) = (cluster.node(1), cluster.node(2));
    (cluster, one, other)
}

fn key() -> Key {
    Key::parse("a").unwrap()
}

fn subject() -> Subject {
    Subject::parse("a").unwrap()
}

async fn hears(listener: &mut Box<dyn Subscription>) -> Option<Delivery> {
    timeout(Duration::from_secs(1), listener.next()).await.ok()
}

fn text(delivery: Option<Delivery>) -> String {
    match delivery {
        Some(Delivery::Message(message)) => String::from_utf8(message.payload.to_vec()).unwrap(),
        Some(Delivery::Gap) => "gap".into(),
        None => "nothing".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_arrive_changes_nothing_and_whose_answer_does_not_is_written() {
    let (cluster, one, other) = nodes();
    cluster.cut(Road::ToDirectory(1));
    assert!(one.create(&key(), "x".into()).await.is_err());
    assert_eq!(one.get(&key()).await, Err(Unavailable));
    assert_eq!(other.get(&key()).await, Ok(None));
    cluster.mend(Road::ToDirectory(1));

    cluster.cut(Road::FromDirectory(1));
    assert_eq!(one.create(&key(), "x".into()).await, Err(WriteError::Unknown));
    assert!(other.get(&key()).await.unwrap().is_some());
    cluster.mend(Road::FromDirectory(1));
    assert!(one.get(&key()).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_lost_may_arrive_late() {
    let (cluster, one, _) = nodes();
    cluster.set_weather(Weather {
        lost_requests: ALWAYS,
        lateness: Duration::from_secs(30)..=Duration::from_secs(30),
        ..Weather::default()
    });
    let keys: Vec<Key> = (0..20u64).map(|number| key().with(&number)).collect();
    for key in &keys {
        assert_eq!(one.create(key, "x".into()).await, Err(WriteError::Unknown));
    }
    sleep(Duration::from_secs(30)).await;
    let arrived = cluster.truth().list(&Prefix::all()).await.unwrap().len();
    assert!((1..keys.len()).contains(&arrived), "{arrived}");
}

#[tokio::test(start_paused = true)]
async fn a_directory_without_a_leader_answers_nobody_until_it_has_one() {
    let (cluster, one, other) = nodes();
    cluster.depose_leader(Duration::from_secs(8));
    let begun = Instant::now();
    for node in [&one, &other] {
        assert!(node.create(&key(), "x".into()).await.is_err());
        assert_eq!(node.get(&key()).await, Err(Unavailable));
    }
    assert_eq!(begun.elapsed(), Duration::from_secs(8));
    assert_eq!(one.get(&key()).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_who_was_cut_off_is_told_everything_anew() {
    let (cluster, one, other) = nodes();
    let mut watch = one.watch(&Prefix::all()).await.unwrap();
    assert_eq!(watch.next().await, WatchEvent::Synced);
    cluster.cut(Road::FromDirectory(1));
    other.create(&key(), "x".into()).await.unwrap();
    assert!(timeout(Duration::from_secs(60), watch.next()).await.is_err());
    cluster.mend(Road::FromDirectory(1));
    assert_eq!(watch.next().await, WatchEvent::Resync);
    assert!(matches!(watch.next().await, WatchEvent::Put(_)));
    assert_eq!(watch.next().await, WatchEvent::Synced);
}

#[tokio::test(start_paused = true)]
async fn who_hears_nothing_of_one_node_learns_of_it_when_that_one_comes_through_again() {
    let (cluster, one, other) = nodes();
    let mut listener = other.subscribe(&subject().into()).await.unwrap();
    cluster.cut(Road::Between { from: 1, to: 2 });
    one.publish(&subject(), "lost".into()).await.unwrap();
    other.publish(&subject(), "own".into()).await.unwrap();
    assert_eq!(text(hears(&mut listener).await), "own");
    assert_eq!(text(hears(&mut listener).await), "nothing");
    cluster.mend(Road::Between { from: 1, to: 2 });
    assert_eq!(text(hears(&mut listener).await), "gap");
    one.publish(&subject(), "back".into()).await.unwrap();
    assert_eq!(text(hears(&mut listener).await), "back");
}

#[tokio::test(start_paused = true)]
async fn one_way_of_the_bus_may_be_cut_alone() {
    let (cluster, one, other) = nodes();
    let mut listener = one.subscribe(&subject().into()).await.unwrap();
    cluster.cut(Road::FromBus(1));
    let asked = other.request(&subject(), "?".into(), Duration::from_secs(1)).await;
    assert_eq!(asked, Err(RequestError::NoResponders));
    assert_eq!(one.publish(&subject(), "x".into()).await, Ok(()));
    cluster.mend(Road::FromBus(1));
    assert_eq!(text(hears(&mut listener).await), "gap");

    cluster.cut(Road::ToBus(1));
    assert_eq!(one.publish(&subject(), "x".into()).await, Err(Unavailable));
    other.publish(&subject(), "heard".into()).await.unwrap();
    assert_eq!(text(hears(&mut listener).await), "heard");
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_late_or_lost_keep_their_order_and_leave_gaps() {
    let (cluster, one, other) = nodes();
    let mut listener = other.subscribe(&subject().into()).await.unwrap();
    cluster.set_weather(Weather {
        delay: Duration::ZERO..=Duration::from_millis(300),
        lost_messages: 100,
        ..Weather::default()
    });
    for sent in 0..200 {
        one.publish(&subject(), sent.to_string().into()).await.unwrap();
    }
    let (mut next, mut gap, mut gaps) = (0, false, 0);
    while let Some(delivery) = hears(&mut listener).await {
        match text(Some(delivery)).parse::<u32>() {
            Err(_) => (gap, gaps) = (true, gaps + 1),
            Ok(sent) => {
                assert!(sent == next || (gap && sent > next), "{sent} comes instead of {next}");
                (next, gap) = (sent + 1, false);
            }
        }
    }
    assert!(gaps > 0 && next > 150, "{gaps} gaps, {next} heard");
}
