//! Nodes and NATS servers that die.

use hst_rtc::GroupEvent;
use hst_tests::house::{user, within};

use crate::{Cluster, see, show, watch};

#[tokio::test(flavor = "multi_thread")]
async fn when_the_home_of_a_group_dies_those_of_other_nodes_go_on_seeing_each_other() {
    let mut cluster = Cluster::of(3).await;
    let first = cluster.nodes[0].member("first", "g").await;
    let mut ann = cluster.nodes[1].member("ann", "g").await;
    let mut bob = cluster.nodes[2].member("bob", "g").await;
    show(&ann).await;
    let mut film = watch(&mut bob).await;
    see(&mut film, 30).await;

    // It dies without a word; what it held is free when the others have noticed.
    drop((cluster.nodes.remove(0), first));
    within("the news", async {
        while ann.event().await != GroupEvent::MemberLeft(user("first")) {}
    })
    .await;
    see(&mut film, 90).await;
    let seq = ann.say("still here?").await;
    assert!(seq > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_while_nats_is_gone_and_messages_when_it_is_back() {
    let mut cluster = Cluster::of(2).await;
    let ann = cluster.nodes[0].member("ann", "g").await;
    let mut bob = cluster.nodes[1].member("bob", "g").await;
    show(&ann).await;
    let mut film = watch(&mut bob).await;
    see(&mut film, 30).await;

    cluster.nats.kill().await;
    see(&mut film, 90).await;
    cluster.nats.restart().await;
    let said = ann.say("we are back");
    let heard = async {
        loop {
            if let GroupEvent::Message(message) = bob.event().await {
                return message;
            }
        }
    };
    let (_, message) = tokio::join!(said, heard);
    assert_eq!(message.from, user("ann"));
    see(&mut film, 30).await;
}
