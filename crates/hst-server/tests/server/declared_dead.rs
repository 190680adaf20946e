//! Nodes that others have declared dead, and that do not know it.

use std::{sync::Arc, time::Duration};

use hst_cluster::{
    Directory as _, Key, NodeId, NodeRecord, NodeState,
    simulated::{Road, SimulatedCluster},
};
use hst_proto::{Command, Event};
use hst_server::{RunningServer, Server, signal::memory::MemoryNetwork};
use tokio::time::{sleep, timeout};

use crate::common::{Client, cluster::visit, config, user};

const NAMES: [&str; 2] = ["east", "west"];
const WEST: usize = 1;

async fn start(cluster: &SimulatedCluster, network: &MemoryNetwork, number: usize) -> RunningServer {
    let (process, name) = (Arc::new(cluster.node(number)), NAMES[number]);
    let server = Server::new(config()).without_media().without_sockets();
    let server = server.cluster(process.clone(), process, NodeId::parse(name).unwrap());
    server.listener(network.bind(name).unwrap()).start().await.unwrap()
}

async fn is_declared_dead(cluster: &SimulatedCluster, node: usize) -> bool {
    let key = Key::node(&NodeId::parse(NAMES[node]).unwrap());
    let entry = cluster.truth().get(&key).await.unwrap().unwrap();
    NodeRecord::read(&entry).unwrap().state == NodeState::Fenced
}

/// The next event, if it comes within so many seconds. Meanwhile the client says again and again that it is there, and nothing
/// else, so that nothing is said to other nodes either.
async fn event_within(client: &mut Client, seconds: usize) -> Option<Event> {
    for _ in 0..seconds {
        client.ask(Command::Ping {}).await.unwrap();
        if let Ok(event) = timeout(Duration::from_secs(1), client.event()).await {
            return Some(event);
        }
    }
    None
}

/// A node is buried when it is declared dead. A way to it that begins only then is not ended by that, and nobody declares it
/// dead again when it dies indeed.
#[tokio::test(start_paused = true)]
async fn who_came_by_a_node_that_did_not_know_that_it_was_declared_dead_leaves_with_it() {
    let (cluster, network) = (SimulatedCluster::new(1), MemoryNetwork::default());
    let _east = start(&cluster, &network, 0).await;
    let west = start(&cluster, &network, WEST).await;
    let mut ann = visit(&network, "east").await.logged_in("ann").await;
    ann.join("g").await;
    let mut bob = visit(&network, "west").await.logged_in("bob").await;

    let deaf = [(0, WEST), (WEST, 0)].map(|(from, to)| Road::Between { from, to });
    deaf.into_iter().for_each(|road| cluster.cut(road));
    // West looks where the group is, and its first words to east are lost again and again.
    let group = "g".to_owned();
    let joining = bob.say(Command::Join { group }).await;
    // tidy: allowed, because time is virtual
    sleep(Duration::from_millis(500)).await;
    cluster.cut(Road::FromDirectory(WEST));
    while !is_declared_dead(&cluster, WEST).await {
        assert_eq!(event_within(&mut ann, 1).await, None);
    }
    deaf.into_iter().for_each(|road| cluster.mend(road));
    bob.answer(joining).await.unwrap();
    let bob_is = |event: Option<Event>| match event {
        Some(Event::MemberJoined { user, .. }) => Some((user, true)),
        Some(Event::MemberLeft { user }) => Some((user, false)),
        _ => None,
    };
    assert_eq!(bob_is(event_within(&mut ann, 1).await), Some((user("bob"), true)));

    drop(west);
    assert_eq!(bob_is(event_within(&mut ann, 45).await), Some((user("bob"), false)));
}
