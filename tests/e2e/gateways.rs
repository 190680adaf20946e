//! Several servers are one platform, and one of them dies.

use std::{sync::Arc, time::Duration};

use hst_access::{AccessPoints, StaticAccess};
use hst_rtc::{
    ClientBuilder, Event, GroupEvent, Preset, RtcEngine,
    media::memory::Hub,
    signal::{Limits, SignalTransport, memory::MemoryNetwork},
};
use hst_server::{
    Config, RunningServer, Server,
    cluster::{NodeId, memory::MemoryCluster},
};
use hst_signal_ws::WsTransport;
use hst_tests::house::{Member, login, within};
use tokio::time::Instant;

/// The longest that a dead gateway may keep anybody away.
const FAILOVER: Duration = Duration::from_secs(3);

#[tokio::test(start_paused = true)]
async fn when_its_gateway_dies_a_client_is_in_its_group_by_another_within_three_seconds() {
    let (cluster, network) = (MemoryCluster::default(), MemoryNetwork::default());
    let mut servers = Vec::new();
    for name in ["one", "other"] {
        let server = node(&cluster, name).listener(network.bind(name).unwrap());
        servers.push(server.without_sockets().start().await.unwrap());
    }
    let urls = ["memory://one", "memory://other"].map(ToOwned::to_owned);
    fail_over(servers, Arc::new(network), &urls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_gateway_dies_a_client_is_in_its_group_by_another_over_real_sockets_too() {
    let cluster = MemoryCluster::default();
    let mut servers = Vec::new();
    for name in ["one", "other"] {
        servers.push(node(&cluster, name).start().await.unwrap());
    }
    let url = |server: &RunningServer| format!("ws://{}/v1/signal", server.addresses().http.unwrap());
    let urls = [url(&servers[0]), url(&servers[1])];
    fail_over(servers, Arc::new(WsTransport::new(Limits::default())), &urls).await;
}

fn node(cluster: &MemoryCluster, name: &str) -> Server {
    let config = Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        ..Config::dev()
    };
    let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
    let server = Server::new(config).cluster(directory, bus, NodeId::parse(name).unwrap());
    server.without_media()
}

/// Two members of a group lose the first server, and find each other on the second.
async fn fail_over(mut servers: Vec<RunningServer>, transport: Arc<dyn SignalTransport>, urls: &[String; 2]) {
    let points = AccessPoints::new(urls.clone()).unwrap();
    let mut members = Vec::new();
    for name in ["ann", "bob"] {
        let client = ClientBuilder::new(transport.clone(), Arc::new(Hub::new().engine()));
        let access = Arc::new(StaticAccess::new(points.clone()));
        let engine = RtcEngine::with(Preset::new(access, client));
        let events = engine.events();
        engine.init(None).await.unwrap();
        engine.login(login(name)).await.unwrap();
        engine.join_group("g").await.unwrap();
        members.push(Member { engine, events });
    }
    drop(servers.remove(0));
    let since = Instant::now();
    for member in &mut members {
        within("the way back", async {
            while member.events.recv().await.unwrap() != Event::Reconnected {}
        })
        .await;
    }
    let [ann, bob] = &mut members[..] else {
        panic!("there are two")
    };
    ann.say("still there?").await;
    let heard = within("a message", async {
        loop {
            if let Event::Group(GroupEvent::Message(message)) = bob.events.recv().await.unwrap() {
                return message.body.as_text().unwrap();
            }
        }
    });
    assert_eq!(heard.await, "still there?");
    assert!(since.elapsed() < FAILOVER, "{:?}", since.elapsed());
}
