//! Media that are connected before a group is joined, by a node that ends meanwhile.

use hst_rtc::{Event, media::PeerState};
use hst_tests::house::{Member, login, within};

use crate::{Cluster, see, show, watch};

async fn until(member: &mut Member, event: &Event) {
    while within("an event", member.events.recv()).await.as_ref() != Some(event) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_prepared_sees_by_the_node_to_which_his_session_was_moved() {
    let mut cluster = Cluster::of(2).await;
    let bob = cluster.nodes[0].member("bob", "g").await;
    show(&bob).await;
    let mut ann = cluster.nodes[1].visitor().await;
    within("login", ann.engine.login(login("ann"))).await.unwrap();
    within("preparing", ann.engine.prepare_group("g")).await.unwrap();
    until(&mut ann, &Event::Transport(PeerState::Connected)).await;

    cluster.nodes.remove(1).server.shutdown().await;
    until(&mut ann, &Event::Reconnected).await;
    within("joining", ann.engine.join_group("g")).await.unwrap();
    let mut film = watch(&mut ann).await;
    see(&mut film, 60).await;
}
