//! Groups whose members come by several nodes, and the bus between these.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_cluster::{Bus, Filter, NodeId, RequestError, Subject, Subscription, Unavailable, memory::MemoryCluster};
use hst_id::MediaRef;
use hst_proto::{Audience, Class, Command, Event, Failure, Payload, Reply, ToGroup};
use hst_server::{Config, RunningServer, Server, signal::memory::MemoryNetwork};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Client, cluster::visit, config, roamer::Roamer, user};

/// Longer than anything takes that goes well, in virtual time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A bus that loses some of what groups say to each other, of a hundred messages so many.
#[derive(Debug, Clone)]
pub(crate) struct Rough {
    inner: MemoryCluster,
    lost: u64,
    dice: Arc<AtomicU64>,
}

impl Rough {
    pub(crate) fn new(seed: u64, lost: u64) -> Self {
        Self {
            inner: MemoryCluster::default(),
            lost,
            dice: Arc::new(AtomicU64::new(seed)),
        }
    }

    /// SplitMix64.
    fn roll(&self) -> u64 {
        let mut mixed = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[async_trait]
impl Bus for Rough {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        match subject.as_str().starts_with("pipe.") && self.roll() % 100 < self.lost {
            true => Ok(()),
            false => self.inner.publish(subject, payload).await,
        }
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        self.inner.subscribe(filter).await
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.inner.request(subject, payload, timeout).await
    }
}

/// Nodes of one cluster, and the network that leads to them.
pub(crate) struct Nodes {
    pub(crate) network: MemoryNetwork,
    servers: Vec<Option<RunningServer>>,
}

impl Nodes {
    pub(crate) const NAMES: [&str; 3] = ["east", "west", "north"];

    pub(crate) async fn start(count: usize) -> Self {
        Self::on(&Rough::new(0, 0), count).await
    }

    pub(crate) async fn on(bus: &Rough, count: usize) -> Self {
        Self::made(bus, count, |_| config()).await
    }

    /// Nodes that send clients to each other.
    pub(crate) async fn announced(bus: &Rough, count: usize) -> Self {
        let announced = |name: &str| Config {
            public_url: Some(format!("http://{name}").parse().unwrap()),
            ..config()
        };
        let nodes = Self::made(bus, count, announced).await;
        // Until each has heard of the others.
        // tidy: allowed, because time is virtual
        sleep(Duration::from_secs(2)).await;
        nodes
    }

    /// Nodes that send clients to each other, and whose groups keep so many messages.
    pub(crate) async fn keeping(bus: &Rough, count: usize, history: u32) -> Self {
        let keeping = |name: &str| {
            let mut config = config();
            config.public_url = Some(format!("http://{name}").parse().unwrap());
            config.apps[0].settings.limits.history = history.try_into().unwrap();
            config
        };
        let nodes = Self::made(bus, count, keeping).await;
        // Until each has heard of the others.
        // tidy: allowed, because time is virtual
        sleep(Duration::from_secs(2)).await;
        nodes
    }

    async fn made(bus: &Rough, count: usize, config: impl Fn(&str) -> Config) -> Self {
        let network = MemoryNetwork::default();
        let mut servers = Vec::new();
        for name in &Self::NAMES[..count] {
            let (directory, bus) = (Arc::new(bus.inner.clone()), Arc::new(bus.clone()));
            let server = Server::new(config(name)).without_media().without_sockets();
            let server = server.cluster(directory, bus, NodeId::parse(name).unwrap());
            let server = server.listener(network.bind(name).unwrap());
            servers.push(Some(server.start().await.unwrap()));
        }
        Self { network, servers }
    }

    pub(crate) async fn logged_in(&self, node: usize, user: &str) -> Client {
        visit(&self.network, Self::NAMES[node]).await.logged_in(user).await
    }

    pub(crate) async fn member(&self, node: usize, user: &str) -> Client {
        let mut client = self.logged_in(node, user).await;
        client.join("g").await;
        client
    }

    /// An engine that has logged in by a node.
    pub(crate) async fn roamer(&self, node: usize, user: &str) -> Roamer {
        Roamer::logged_in(&self.network, Self::NAMES[node], user).await
    }

    /// The same in the group `g`.
    pub(crate) async fn roaming(&self, node: usize, user: &str) -> Roamer {
        let mut roamer = self.roamer(node, user).await;
        roamer.join("g").await;
        roamer
    }

    /// Ends a node politely, in a task of its own.
    pub(crate) fn ending(&mut self, node: usize) -> JoinHandle<()> {
        let server = self.servers[node].take().unwrap();
        tokio::spawn(server.shutdown())
    }

    /// Without a word to anybody.
    pub(crate) fn kill(&mut self, node: usize) {
        drop(self.servers[node].take());
    }

    pub(crate) async fn shut_down(&mut self, node: usize) {
        self.servers[node].take().unwrap().shutdown().await;
    }
}

pub(crate) fn text(text: &str, to: Audience) -> Command {
    Command::Message(ToGroup {
        body: Payload::text(text),
        to,
        class: Class::Reliable,
    })
}

/// Says it to all, and waits where it goes too fast.
pub(crate) async fn say(client: &mut Client, words: &str) -> Result<u64, Failure> {
    loop {
        match client.ask(text(words, Audience::All)).await {
            Ok(Reply::Sent { seq }) => return Ok(seq),
            Ok(other) => panic!("not sent: {other:?}"),
            Err(Failure {
                retry_after: Some(pause),
                ..
            }) => {
                // tidy: allowed, because time is virtual
                sleep(Duration::from_millis(pause.into())).await;
            }
            Err(why) => return Err(why),
        }
    }
}

/// The next event that is wanted; others are passed over.
pub(crate) async fn until<T>(client: &mut Client, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = client.event().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("it does not come")
}

pub(crate) fn message(event: &Event) -> Option<(u64, String)> {
    match event {
        Event::Message(message) => Some((message.seq, message.body.as_text().unwrap())),
        _ => None,
    }
}

pub(crate) fn camera(user_name: &str) -> MediaRef {
    MediaRef {
        user: user(user_name),
        media_type: hst_id::MediaType::Video,
        media: "cam".parse().unwrap(),
    }
}

pub(crate) fn publish() -> Command {
    Command::Publish {
        media_type: hst_id::MediaType::Video,
        media: "cam".parse().unwrap(),
        name: "the camera".to_owned(),
    }
}

/// Says it, and again where nobody knows whether it was said.
pub(crate) async fn say_again(client: &mut Client, words: &str) -> u64 {
    loop {
        match say(client, words).await {
            Ok(number) => return number,
            Err(why) => assert_eq!(why.code, 302, "{why:?}"),
        }
    }
}

/// Waits until a member is told that the group is so.
pub(crate) async fn settled(client: &mut Client, members: &[&str], media: &[MediaRef]) {
    let members: Vec<_> = members.iter().map(|name| user(name)).collect();
    let found = until(client, |event| match event {
        Event::Snapshot(now) => Some((
            now.members.clone(),
            now.media.iter().map(|it| it.key.clone()).collect::<Vec<_>>(),
        )),
        _ => None,
    });
    assert_eq!(found.await, (members, media.to_vec()));
}

/// Says again and again that he is there.
pub(crate) async fn stay_until<T>(client: &mut Client, done: impl Future<Output = T>) {
    let mut done = std::pin::pin!(done);
    while timeout(Duration::from_secs(5), &mut done).await.is_err() {
        client.ask(Command::Ping {}).await.unwrap();
    }
}
