//! A node of this version beside nodes that speak otherwise.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hst_cluster::{
    Bus as _, Delivery, Directory as _, Filter, Key, NodeId, NodeRecord, Owner, Subject, Versions, amend,
    memory::MemoryCluster,
    pipe::{News, Pipes},
    register,
};
use hst_group::server::Rules;
use hst_id::{AppId, GroupId, UserId};
use hst_store::{Ban, Store, Until};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::SPOKEN;
use crate::{
    StartError,
    admin::Refused,
    group::Greeting,
    hub::Hub,
    life::Lifeline,
    node::{Node, NodeMessage},
    questions::Unanswered,
};

/// Longer than anything takes, in virtual time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Sooner than anybody gives up who is not answered.
const AT_ONCE: Duration = Duration::from_millis(100);
const BOOT: u64 = 7;

async fn join(cluster: &MemoryCluster, name: &str) -> Result<Node, StartError> {
    let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
    Node::join(directory, bus, NodeId::parse(name).unwrap()).await
}

async fn hub(cluster: &MemoryCluster, name: &str) -> (Lifeline, Arc<Hub>) {
    let node = join(cluster, name).await.unwrap();
    let (lifeline, hub) = Hub::in_memory_as(node, Vec::new(), Store::in_memory().unwrap());
    hub.clone().listen_to_nodes().await.unwrap();
    hub.groups.listen(async |_, _| ()).await.unwrap();
    hub.ring().await.unwrap();
    hub.join_fleet().await.unwrap();
    (lifeline, hub)
}

/// A node that speaks this, and does nothing.
async fn other(cluster: &MemoryCluster, name: &str, speaks: Versions) -> Owner {
    let node = NodeId::parse(name).unwrap();
    let epoch = register(cluster, &node, BOOT, speaks).await.unwrap();
    Owner {
        node,
        epoch,
        boot: BOOT,
    }
}

fn versions(oldest: u16, newest: u16) -> Versions {
    Versions { oldest, newest }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            // tidy: allowed, because time is virtual
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Answers what a node is asked, by its subject, as one does that understands nothing.
async fn understands_nothing(cluster: &MemoryCluster, subject: Subject) {
    let mut asked = cluster.subscribe(&Filter::Subject(subject)).await.unwrap();
    let cluster = cluster.clone();
    tokio::spawn(async move {
        loop {
            if let Delivery::Message(message) = asked.next().await {
                let answer = super::super::questions::not_understood(&"unknown");
                cluster.publish(&message.reply.unwrap(), answer).await.unwrap();
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_not_understood_is_answered_so_at_once() {
    let cluster = MemoryCluster::default();
    let (_lifeline, hub) = hub(&cluster, "n1").await;
    let asking = join(&cluster, "n2").await.unwrap();
    let series = hub.node.boot & 0x1f_ffff;
    let invites = Subject::parse("invite").unwrap().with(&series);
    let record = json!({ "record": { "key": "kept.new", "value": { "stamp": 1, "new": {} }, "revision": 1 } });
    for (subject, question) in [
        (Node::subject(&hub.node.name), json!({ "sing": { "song": "x" } })),
        (Node::subject(&hub.node.name), record),
        (Node::subject(&hub.node.name), json!("sing")),
        (invites, json!({ "sing": 1 })),
    ] {
        let answer = asking.ask(&subject, question.to_string().into(), AT_ONCE).await;
        assert_eq!(answer, Err(Unanswered::NotUnderstood), "{question}");
    }
    let known = asking
        .ask(&Node::subject(&hub.node.name), NodeMessage::Drain {}.encode(), AT_ONCE)
        .await;
    assert_eq!(known, Ok(Bytes::new()));
}

#[tokio::test(start_paused = true)]
async fn what_another_node_does_not_understand_is_not_taken_for_done() {
    let cluster = MemoryCluster::default();
    let (_lifeline, hub) = hub(&cluster, "n1").await;
    let life = other(&cluster, "n2", SPOKEN).await;
    understands_nothing(&cluster, Node::subject(&life.node)).await;
    until("the other is known", || hub.fleet.count() == 2).await;

    let since = Instant::now();
    let ban = Ban {
        user: UserId::parse("ann").unwrap(),
        group: None,
        until: Until::Forever,
        reason: "".parse().unwrap(),
    };
    let app = AppId::parse("app").unwrap();
    let refused = hub.registry.ban(&app, ban).await.unwrap_err();
    assert!(matches!(refused, Refused::Unconfirmed), "{refused}");
    assert!(since.elapsed() < AT_ONCE, "nobody waits for who has answered");
    assert_eq!(hub.drain_other(&life.node).await, Err(Unanswered::NotUnderstood));
}

#[tokio::test(start_paused = true)]
async fn a_member_who_asks_a_home_what_it_does_not_know_has_an_answer() {
    let cluster = MemoryCluster::default();
    let (_lifeline, hub) = hub(&cluster, "n1").await;
    let key = (AppId::parse("app").unwrap(), GroupId::parse("g").unwrap());
    let _group = hub.groups.enter(key.clone(), Rules::default());
    until("it is a home", || hub.groups.count_homes() == 1).await;
    let from = other(&cluster, "n2", versions(2, 3)).await;
    let pipes = Pipes::new(Arc::new(cluster.clone()), &from);
    let mut arrivals = pipes.listen().await.unwrap();
    tokio::spawn(async move { while arrivals.next().await.1.is_empty() {} });
    let greeting = Greeting {
        version: 2,
        app: key.0,
        group: key.1,
        number: 1,
        from,
        standing: None,
        told: None,
        kept: None,
    };
    let mut home = pipes.connect(&hub.node.owner(), crate::group::encode(&greeting));
    home.push(r#"{"hum":{"member":5}}"#.into());
    home.push(r#"{"sing":{"song":"x","member":5,"re":7}}"#.into());
    home.push(r#"{"ask":{"member":6,"re":8,"request":{"sing":{"song":"x"}}}}"#.into());
    for (member, re) in [(5, 7), (6, 8)] {
        let answer = async {
            loop {
                if let News::Message(word) = home.next().await {
                    let word: Value = serde_json::from_slice(&word).unwrap();
                    if word["to"]["what"].get("reply").is_some() {
                        return word;
                    }
                }
            }
        };
        let answer = timeout(PATIENCE, answer).await.unwrap();
        assert_eq!(answer["to"]["member"], member, "{answer}");
        assert_eq!(answer["to"]["what"]["reply"]["re"], re, "{answer}");
        assert_eq!(answer["to"]["what"]["reply"]["result"]["Err"]["code"], 302, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_nodes_speak_the_newest_version_that_both_know_and_all_what_the_last_one_does() {
    let cluster = MemoryCluster::default();
    let (_lifeline, hub) = hub(&cluster, "n1").await;
    assert_eq!(hub.fleet.spoken_by_all(), SPOKEN.newest);
    let newer = other(&cluster, "newer", versions(SPOKEN.newest, SPOKEN.newest + 1)).await;
    until("it is known", || hub.fleet.count() == 2).await;
    assert_eq!(hub.fleet.words_with(&newer), SPOKEN.newest);
    assert_eq!(hub.fleet.spoken_by_all(), SPOKEN.newest);
    // One that says nothing of versions, as all did once.
    let older = other(&cluster, "older", Versions::UNSAID).await;
    let record = cluster.get(&Key::node(&older.node)).await.unwrap().unwrap();
    assert_eq!(record.value, r#"{"epoch":0,"boot":7,"state":"up"}"#);
    until("it is known", || hub.fleet.count() == 3).await;
    assert_eq!(hub.fleet.words_with(&older), 1);
    assert_eq!(hub.fleet.spoken_by_all(), 1);
    let unknown = Owner { boot: 8, ..older };
    assert_eq!(hub.fleet.words_with(&unknown), SPOKEN.oldest, "until it is known");
}

#[tokio::test(start_paused = true)]
async fn a_node_does_not_start_beside_one_that_lives_and_with_which_it_shares_no_version() {
    let cluster = MemoryCluster::default();
    let stranger = other(&cluster, "n1", versions(SPOKEN.newest + 1, SPOKEN.newest + 2)).await;
    // It is left of a crash.
    let node = join(&cluster, "n2").await.unwrap();
    node.leave().await;

    let mut pings = cluster
        .subscribe(&Filter::Subject(Node::pings(&stranger)))
        .await
        .unwrap();
    let answering = cluster.clone();
    tokio::spawn(async move {
        loop {
            if let Delivery::Message(message) = pings.next().await {
                answering.publish(&message.reply.unwrap(), Bytes::new()).await.unwrap();
            }
        }
    });
    let refused = join(&cluster, "n2").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "node n1 speaks versions 4 to 5 with other nodes, and this program versions 1 to 3: neighbouring releases work side by side, so go by those between the two, one after the other"
    );
    let own = Key::node(&NodeId::parse("n2").unwrap());
    assert_eq!(cluster.get(&own).await.unwrap(), None, "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn a_node_in_a_state_that_only_a_newer_version_knows_lives_and_is_sent_nobody() {
    let cluster = MemoryCluster::default();
    let (_lifeline, hub) = hub(&cluster, "n1").await;
    let life = other(&cluster, "n2", versions(2, 3)).await;
    until("it is known", || hub.fleet.count() == 2).await;
    let mut pipe = hub.node.pipes.connect(&life, Bytes::from_static(b"hello"));
    let key = Key::node(&life.node);
    let stands = cluster.get(&key).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_slice(&stands.value).unwrap();
    (record["state"], record["epoch"]) = ("asleep".into(), life.epoch.number().into());
    cluster
        .update(&key, record.to_string().into(), stands.revision)
        .await
        .unwrap();
    until("its state is known", || {
        !hub.fleet.seen().iter().any(|seen| seen.takes_more)
    })
    .await;
    assert!(
        timeout(AT_ONCE, pipe.next()).await.is_err(),
        "what leads to it has not ended"
    );
    assert_eq!(hub.node.others().await.unwrap().len(), 1);
    // It can be declared dead like any other.
    amend(&cluster, &life, |record: &mut NodeRecord| {
        record.state = hst_cluster::NodeState::Fenced
    })
    .await
    .unwrap();
    assert_eq!(timeout(PATIENCE, pipe.next()).await, Ok(News::Ended));
}
