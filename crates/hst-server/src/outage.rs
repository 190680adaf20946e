//! What a server does while it cannot reach what its nodes agree on.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use hst_cluster::{
    Bus, Directory, Entry, Filter, Key, NodeId, Prefix, RequestError, Revision, Subject, Subscription, Unavailable,
    Watch, WatchEvent, WriteError, memory::MemoryCluster,
};
use hst_proto::{
    Audience, Class, Command, Event, Failure, Login, Online, OnlinePage, Payload, Reply, Request, RequestId,
    ServerFrame, ToGroup, decode_server, encode_client,
};
use hst_signal::{Limits, SignalConnection, memory::pair};
use hst_store::{Ban, Store, Until};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{Config, admin::Refused, apps::now, hub::Hub, node::Node, test_login::dev_login};

/// A cluster in memory that may be out of reach.
#[derive(Debug, Clone, Default)]
struct Faulty {
    inner: MemoryCluster,
    state: watch::Sender<Reach>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reach {
    #[default]
    There,
    /// It answers, and says nothing by itself.
    Silent,
    Away,
}

impl Faulty {
    fn is(&self, state: Reach) {
        self.state.send_replace(state);
    }

    fn reach(&self) -> Result<&MemoryCluster, Unavailable> {
        match *self.state.borrow() {
            Reach::There | Reach::Silent => Ok(&self.inner),
            Reach::Away => Err(Unavailable),
        }
    }

    async fn until(&self, state: Reach) {
        if self.state.subscribe().wait_for(|is| *is == state).await.is_err() {
            pending().await
        }
    }

    fn write(&self) -> Result<&MemoryCluster, WriteError> {
        self.reach().map_err(|Unavailable| WriteError::Unavailable)
    }
}

#[async_trait]
impl Directory for Faulty {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        self.write()?.create(key, value).await
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        self.write()?.update(key, value, expected).await
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        self.write()?.delete(key, expected).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.reach()?.get(key).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        self.reach()?.list(prefix).await
    }

    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        let inner = self.reach()?.watch(prefix).await?;
        let (cluster, prefix) = (self.clone(), prefix.clone());
        let is_lost = false;
        Ok(Box::new(FaultyWatch {
            cluster,
            prefix,
            inner,
            is_lost,
        }))
    }
}

/// What it has missed while the cluster was away it learns when that is back.
#[derive(Debug)]
struct FaultyWatch {
    cluster: Faulty,
    prefix: Prefix,
    inner: Box<dyn Watch>,
    is_lost: bool,
}

#[async_trait]
impl Watch for FaultyWatch {
    async fn next(&mut self) -> WatchEvent {
        if self.is_lost {
            self.cluster.until(Reach::There).await;
            if let Ok(again) = self.cluster.inner.watch(&self.prefix).await {
                (self.inner, self.is_lost) = (again, false);
            }
        }
        let inner = async {
            if *self.cluster.state.borrow() == Reach::Silent {
                self.cluster.until(Reach::There).await;
            }
            self.inner.next().await
        };
        tokio::select! {
            biased;
            () = self.cluster.until(Reach::Away) => {
                self.is_lost = true;
                WatchEvent::Resync
            }
            event = inner => event,
        }
    }
}

#[async_trait]
impl Bus for Faulty {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), Unavailable> {
        self.reach()?.publish(subject, payload).await
    }

    async fn subscribe(&self, filter: &Filter) -> Result<Box<dyn Subscription>, Unavailable> {
        self.reach()?.subscribe(filter).await
    }

    async fn request(&self, subject: &Subject, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let reached = self.reach().map_err(|Unavailable| RequestError::Unavailable)?;
        reached.request(subject, payload, timeout).await
    }
}

struct Client {
    connection: SignalConnection,
    last_id: RequestId,
    events: Vec<Event>,
}

impl Client {
    fn connect(hub: &Arc<Hub>) -> Self {
        let (connection, server) = pair(Limits::default());
        hub.serve(server, hub.place(None).unwrap());
        Self {
            connection,
            last_id: 0,
            events: Vec::new(),
        }
    }

    async fn login(&mut self, user: &str) -> Result<Reply, Failure> {
        self.ask(Command::Login(dev_login(user))).await
    }

    async fn member(hub: &Arc<Hub>, user: &str) -> Self {
        let mut client = Self::connect(hub);
        client.login(user).await.unwrap();
        let group = "g".to_owned();
        client.ask(Command::Join { group }).await.unwrap();
        client
    }

    async fn ask(&mut self, command: Command) -> Result<Reply, Failure> {
        self.last_id += 1;
        let id = self.last_id;
        let frame = encode_client(&Request { id, command });
        self.connection.sender.send(frame).await.unwrap();
        loop {
            let frame = self.connection.receiver.recv().await.unwrap();
            match decode_server(&frame).unwrap() {
                ServerFrame::Reply { result, .. } => return result,
                ServerFrame::Event { event, .. } => self.events.push(event),
            }
        }
    }

    async fn say(&mut self, text: &str) -> Result<Reply, Failure> {
        let message = ToGroup {
            body: Payload::text(text),
            to: Audience::All,
            class: Class::Reliable,
        };
        self.ask(Command::Message(message)).await
    }

    async fn online(&mut self) -> Online {
        let page = OnlinePage { after: None, limit: 9 };
        match self.ask(Command::Online(page)).await {
            Ok(Reply::Online(page)) => page,
            other => panic!("no page but {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_registered_is_read_while_the_cluster_is_out_of_reach_and_not_changed() {
    let cluster = Faulty::default();
    let node = NodeId::parse("n1").unwrap();
    let node = Node::join(Arc::new(cluster.clone()), Arc::new(cluster.clone()), node);
    let (_lifeline, hub) = Hub::in_memory_as(node.await.unwrap(), Config::dev().apps, Store::in_memory().unwrap());
    hub.clone().listen_to_nodes().await.unwrap();
    hub.registry.follow().await.unwrap();
    let app: hst_id::AppId = crate::DEV_APP_ID.parse().unwrap();
    let ban = |user: &str| Ban {
        user: user.parse().unwrap(),
        group: None,
        until: Until::Forever,
        reason: "spam".parse().unwrap(),
    };
    hub.registry.ban(&app, ban("ann")).await.unwrap();

    cluster.is(Reach::Away);
    let (ann, bob) = ("ann".parse().unwrap(), "bob".parse().unwrap());
    let refused = hub.registry.ban(&app, ban("bob")).await.unwrap_err();
    assert!(matches!(refused, Refused::Cluster(_)), "{refused:?}");
    let refused = hub.registry.unban(app.clone(), None, ann).await.unwrap_err();
    assert!(matches!(refused, Refused::Cluster(_)), "{refused:?}");
    assert_eq!(hub.apps.bans(&app), [ban("ann")]);
    assert!(hub.apps.check_ban(&app, None, &bob).is_ok());
    assert_eq!(hub.apps.store.bans(&app, now()).unwrap(), [ban("ann")]);

    cluster.is(Reach::There);
    hub.registry.ban(&app, ban("bob")).await.unwrap();
    assert_eq!(hub.apps.bans(&app).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn g8_while_the_cluster_is_out_of_reach_nobody_leaves_and_nobody_goes_offline() {
    let cluster = Faulty::default();
    let node = NodeId::parse("n1").unwrap();
    let node = Node::join(Arc::new(cluster.clone()), Arc::new(cluster.clone()), node);
    let (_lifeline, hub) = Hub::in_memory_as(node.await.unwrap(), Config::dev().apps, Store::in_memory().unwrap());
    let mut ann = Client::member(&hub, "ann").await;
    let mut bob = Client::member(&hub, "bob").await;
    assert_eq!(ann.online().await.total, 2);
    ann.ask(Command::Ping {}).await.unwrap();
    ann.events.clear();

    cluster.is(Reach::Away);
    for n in 0..12 {
        sleep(Duration::from_secs(5)).await;
        bob.say(&format!("{n}")).await.unwrap();
        ann.ask(Command::Ping {}).await.unwrap();
    }
    let texts = ann.events.iter().filter(|event| matches!(event, Event::Message(_)));
    assert_eq!(texts.count(), 12, "those who are here go on");
    assert_eq!(ann.events.len(), 12, "and nothing else is told: {:?}", ann.events);
    let mut late = Client::connect(&hub);
    let refused = late.login("cat").await.unwrap_err();
    assert!(refused.code == 302 && refused.retry_after.is_some(), "{refused:?}");

    cluster.is(Reach::There);
    late.login("cat").await.unwrap();
    assert_eq!(ann.online().await.total, 3);
    bob.ask(Command::Leave {}).await.unwrap();
    ann.ask(Command::Ping {}).await.unwrap();
    assert!(ann.events.iter().any(|event| matches!(event, Event::MemberLeft { .. })));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_the_cluster_is_out_of_reach_leaves_nothing_behind_when_it_is_back() {
    let cluster = Faulty::default();
    let node = NodeId::parse("n1").unwrap();
    let node = Node::join(Arc::new(cluster.clone()), Arc::new(cluster.clone()), node);
    let (_lifeline, hub) = Hub::in_memory_as(node.await.unwrap(), Config::dev().apps, Store::in_memory().unwrap());
    let mut ann = Client::member(&hub, "ann").await;
    cluster.is(Reach::Away);
    ann.ask(Command::Exit {}).await.unwrap();
    let held = async || {
        let (logins, groups) = (Prefix::logins(), Prefix::groups());
        let held = tokio::join!(cluster.inner.list(&logins), cluster.inner.list(&groups));
        held.0.unwrap().len() + held.1.unwrap().len()
    };
    sleep(Duration::from_secs(60)).await;
    assert_eq!(held().await, 2, "nobody could take them away");

    cluster.is(Reach::There);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(held().await, 0);
    // Her place is free, and what was owed takes nothing from who has it now.
    let _ann = Client::member(&hub, "ann").await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(held().await, 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_online_is_answered_in_time_whether_the_directory_can_be_reached_or_not() {
    let cluster = Faulty::default();
    let node = NodeId::parse("n1").unwrap();
    let node = Node::join(Arc::new(cluster.clone()), Arc::new(cluster.clone()), node);
    let (_lifeline, hub) = Hub::in_memory_as(node.await.unwrap(), Config::dev().apps, Store::in_memory().unwrap());
    let in_time = Duration::from_secs(3);
    let mut ann = Client::connect(&hub);
    ann.login("ann").await.unwrap();
    let mut dan = Client::connect(&hub);
    let company = "another".to_owned();
    let login = Login {
        company,
        ..dev_login("dan")
    };
    dan.ask(Command::Login(login)).await.unwrap();

    cluster.is(Reach::Silent);
    let page = OnlinePage { after: None, limit: 9 };
    let early = timeout(in_time, ann.ask(Command::Online(page.clone()))).await.unwrap();
    assert!(
        early.unwrap_err().retry_after.is_some(),
        "nobody has said yet who is online"
    );
    cluster.is(Reach::There);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ann.online().await.total, 1);

    cluster.is(Reach::Away);
    sleep(Duration::from_secs(5)).await;
    let known = timeout(in_time, ann.online()).await.unwrap();
    assert_eq!(known.total, 1, "nobody has gone, as far as is known");
    ann.events.clear();

    cluster.is(Reach::There);
    let mut bob = Client::connect(&hub);
    bob.login("bob").await.unwrap();
    sleep(Duration::from_secs(1)).await;
    ann.ask(Command::Ping {}).await.unwrap();
    assert_eq!(ann.events.len(), 1, "and then what is different: {:?}", ann.events);
    assert!(timeout(in_time, dan.ask(Command::Online(page))).await.unwrap().is_ok());
}
