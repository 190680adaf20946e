//! The whole house in one process: a server, the ways into it, and people who come in by them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future::Future,
    net::SocketAddr,
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hst_access::{AccessPoints, StaticAccess};
use hst_auth::{AppId, AppSecret, TokenIssuer, TokenRequest, UnixMillis};
use hst_media_webrtc::WebRtcEngine;
use hst_proto::MAX_MESSAGE_LIMIT;
use hst_rtc::{
    ClientBuilder, Event, Events, GroupEvent, LoginOptions, Payload, Preset, RtcEngine, UserId,
    media::{Looped, MediaEngine, MediaSource, Paced, memory::Hub, open_source},
    signal::{AnyTransport, Limits, SignalTransport, memory::MemoryNetwork},
};
use hst_server::{
    App, ClusterConfig, Config, DEV_APP_ID, DEV_APP_SECRET, RunningServer, Server,
    cluster::{Bus, Directory, NodeId},
    nats::Options as NatsOptions,
};
use hst_signal_quic::QuicTransport;
use hst_signal_ws::WsTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    link::Link,
    path::{Path, rewriting},
};

/// Longer than anything takes that goes well, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A second App of the house, beside that of development: its messages may be as large as any App's.
pub const OTHER_APP_ID: &str = "other-app";
const OTHER_APP_SECRET: &str = "0123456789abcdef";

/// How one comes into the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Without any socket: the server has none, and carries no media.
    Memory,
    /// Over a WebSocket alone.
    WebSocket,
    /// Over QUIC alone.
    Quic,
    /// As everybody does who changes nothing: by Access over HTTP, which names QUIC first and a WebSocket behind it.
    Preset,
}

/// A server at work, and one door that leads to it.
#[derive(Debug)]
pub struct House {
    /// The server.
    pub server: RunningServer,
    door: Door,
    transport: Arc<dyn SignalTransport>,
    points: AccessPoints,
}

impl House {
    /// Opens a house whose media are at the end of a path.
    pub async fn at_the_end_of_a_path() -> (Self, Path) {
        let config = Config {
            node_ips: vec![[127, 0, 0, 1].into()],
            workers: Some(NonZeroUsize::MIN),
            ..Config::dev()
        };
        let mut house = Self::open_with(Door::Quic, config).await;
        let path = Path::to(house.server.addresses().media[0]).await;
        house.transport = path.lead(house.transport);
        (house, path)
    }

    /// Opens a house whose media are at the end of a cable that loses this share of the datagrams in each direction.
    pub async fn at_the_end_of_a_cable(loss: f64) -> (Self, Link) {
        let config = Config {
            node_ips: vec![[127, 0, 0, 1].into()],
            workers: Some(NonZeroUsize::MIN),
            ..Config::dev()
        };
        let mut house = Self::open_with(Door::Quic, config).await;
        let link = Link::lossy(&house.server, Duration::ZERO, loss).await;
        // The answer to a login foretells where the media are, as `"ip:port"`.
        let foretold = link.detour.clone().map(|candidate| {
            let mut words = candidate.split(' ').map(str::to_owned);
            let [ip, port] = [words.next(), words.next()].map(Option::unwrap);
            format!("\"{ip}:{port}\"")
        });
        house.transport = rewriting(house.transport, vec![link.detour.clone(), foretold]);
        (house, link)
    }

    /// Opens a house with this door.
    pub async fn open(door: Door) -> Self {
        Self::open_with(door, Config::dev()).await
    }

    /// Opens a house that is a node of the cluster on this NATS server, with a QUIC door.
    pub async fn node(nats: &str, name: &str) -> Self {
        let mut cluster = ClusterConfig::new(NatsOptions::new([nats]));
        cluster.node = NodeId::parse(name).unwrap();
        let config = Config {
            cluster: Some(cluster),
            ..Config::dev()
        };
        Self::open_with(Door::Quic, config).await
    }

    /// Opens a house that is a node of a cluster by these seams, with a QUIC door.
    pub async fn node_by(directory: Arc<dyn Directory>, bus: Arc<dyn Bus>, name: &str) -> Self {
        let name = NodeId::parse(name).unwrap();
        Self::open_as(Door::Quic, Config::dev(), |server| server.cluster(directory, bus, name)).await
    }

    async fn open_with(door: Door, config: Config) -> Self {
        Self::open_as(door, config, |server| server).await
    }

    async fn open_as(door: Door, mut config: Config, furnish: impl FnOnce(Server) -> Server) -> Self {
        let id = AppId::parse(OTHER_APP_ID).unwrap();
        config.bind = "127.0.0.1:0".parse().unwrap();
        let mut other = App::new(id, &AppSecret::parse(OTHER_APP_SECRET).unwrap());
        other.settings.limits.message_bytes = u32::try_from(MAX_MESSAGE_LIMIT).unwrap().try_into().unwrap();
        config.apps.push(other);
        let server = furnish(Server::new(config));
        if door == Door::Memory {
            let network = MemoryNetwork::default();
            let server = server.listener(network.bind("server").unwrap());
            return Self {
                server: server.without_sockets().without_media().start().await.unwrap(),
                door,
                transport: Arc::new(network),
                points: AccessPoints::new(["memory://server"]).unwrap(),
            };
        }
        let server = server.start().await.unwrap();
        let scheme = match door {
            Door::WebSocket => "ws://",
            Door::Quic => "quic://",
            Door::Preset | Door::Memory => "",
        };
        let [http, quic] = [server.addresses().http, server.addresses().quic].map(Option::unwrap);
        let named = doors_of(http, quic).await;
        Self {
            server,
            door,
            transport: sockets(),
            points: AccessPoints::new(named.into_iter().filter(|url| url.starts_with(scheme))).unwrap(),
        }
    }

    /// The address of its Access service.
    pub fn access_url(&self) -> String {
        format!("http://{}", self.server.addresses().http.unwrap())
    }

    /// The addresses of signalling that its door goes by, best first.
    pub fn signal_urls(&self) -> &[String] {
        self.points.signal()
    }

    /// What goes by its door, without an engine.
    pub fn transport(&self) -> &Arc<dyn SignalTransport> {
        &self.transport
    }

    /// Somebody who has logged in and joined with this media engine.
    pub async fn member_by(&self, media: Arc<dyn MediaEngine>, user: &str, group: &str) -> Member {
        let access = Arc::new(StaticAccess::new(self.points.clone()));
        let client = ClientBuilder::new(self.transport.clone(), media);
        let engine = RtcEngine::with(Preset::new(access, client));
        let member = Member {
            events: engine.events(),
            engine,
        };
        within("init", member.engine.init(None)).await.unwrap();
        member.come_in(user, group).await
    }

    /// An engine that is not initialised yet.
    pub fn engine(&self) -> RtcEngine {
        let access = Arc::new(StaticAccess::new(self.points.clone()));
        let media: Arc<dyn MediaEngine> = match self.door {
            Door::Memory => Arc::new(Hub::new().engine()),
            Door::WebSocket | Door::Quic => Arc::new(WebRtcEngine::new()),
            Door::Preset => return RtcEngine::new(),
        };
        let client = ClientBuilder::new(self.transport.clone(), media);
        RtcEngine::with(Preset::new(access, client))
    }

    /// Initialises an engine for this house.
    ///
    /// # Errors
    /// As [`RtcEngine::init`].
    pub async fn init(&self, engine: &RtcEngine) -> Result<(), hst_rtc::Error> {
        match self.door {
            Door::Preset => engine.init(Some(&self.access_url())).await,
            Door::Memory | Door::WebSocket | Door::Quic => engine.init(None).await,
        }
    }

    /// Somebody who has an initialised engine.
    pub async fn visitor(&self) -> Member {
        let engine = self.engine();
        let member = Member {
            events: engine.events(),
            engine,
        };
        within("init", self.init(&member.engine)).await.unwrap();
        member
    }

    /// Somebody who has logged in and joined.
    pub async fn member(&self, user: &str, group: &str) -> Member {
        self.visitor().await.come_in(user, group).await
    }
}

/// Somebody with an initialised engine, who knows these addresses of signalling alone.
pub async fn visitor_of(signal: &[String]) -> Member {
    let access = Arc::new(StaticAccess::new(AccessPoints::new(signal.iter().cloned()).unwrap()));
    let client = ClientBuilder::new(sockets(), Arc::new(WebRtcEngine::new()));
    let engine = RtcEngine::with(Preset::new(access, client));
    let member = Member {
        events: engine.events(),
        engine,
    };
    within("init", member.engine.init(None)).await.unwrap();
    member
}

fn sockets() -> Arc<dyn SignalTransport> {
    Arc::new(AnyTransport::new(vec![
        Arc::new(QuicTransport::new(Limits::default())),
        Arc::new(WsTransport::new(Limits::default())),
    ]))
}

/// The addresses of signalling of the node with these sockets. Access names other nodes, too, and their doors lead elsewhere.
pub async fn doors_of(http: SocketAddr, quic: SocketAddr) -> Vec<String> {
    let mut named = signal_urls(http).await;
    named.retain(|url| [http, quic].iter().any(|it| url.contains(&format!(":{}", it.port()))));
    named
}

impl Member {
    /// Logs in and joins.
    #[must_use]
    pub async fn come_in(self, user: &str, group: &str) -> Self {
        let member = self;
        within("login", member.engine.login(login(user))).await.unwrap();
        within("join", member.engine.join_group(group)).await.unwrap();
        member
    }
}

/// What `GET /v1/access` names.
async fn signal_urls(http: SocketAddr) -> Vec<String> {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let request = format!("GET /v1/access HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    serde_json::from_value(body["signal"].clone()).unwrap()
}

/// Somebody in the house.
#[derive(Debug)]
pub struct Member {
    /// His engine.
    pub engine: RtcEngine,
    /// All that it told since it was made.
    pub events: Events,
}

impl Member {
    /// The next thing that happens in his group.
    pub async fn event(&mut self) -> GroupEvent {
        loop {
            match within("an event", self.events.recv()).await.unwrap() {
                Event::Group(event) => return event,
                Event::Transport(_) => {}
                other => panic!("no event of the group but {other:?}"),
            }
        }
    }

    /// Waits until a media is published, and says which.
    pub async fn published(&mut self) -> hst_rtc::MediaRef {
        loop {
            if let GroupEvent::Published(media) = self.event().await {
                return media.key;
            }
        }
    }

    /// Sends a text to his group.
    pub async fn say(&self, text: &str) -> u64 {
        let sent = self.engine.send_group_message(Payload::text(text));
        within("a message", sent).await.unwrap()
    }
}

/// A login that is accepted.
pub fn login(user: &str) -> LoginOptions {
    LoginOptions::new(DEV_APP_ID, token(DEV_APP_ID, DEV_APP_SECRET), user)
}

/// A login of the house's other App.
pub fn other_login(user: &str) -> LoginOptions {
    LoginOptions::new(OTHER_APP_ID, token(OTHER_APP_ID, OTHER_APP_SECRET), user)
}

/// A good token.
pub fn token(app: &str, secret: &str) -> String {
    let issuer = TokenIssuer::legacy_001(AppId::parse(app).unwrap(), &AppSecret::parse(secret).unwrap());
    issuer
        .issue(&TokenRequest::default(), UnixMillis::from(SystemTime::now()))
        .unwrap()
}

/// A User ID.
pub fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// A file of `tests/media`.
pub fn media_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("media").join(name)
}

/// A file of `tests/media` as a camera or a microphone would be: it goes round, at the speed of life.
pub async fn live(name: &str) -> Box<dyn MediaSource> {
    Box::new(Paced::new(Looped::new(open_source(media_file(name)).await.unwrap())))
}

/// Waits for something, and fails the test when it does not come.
///
/// # Panics
/// When it takes longer than [`DEADLINE`].
pub async fn within<T>(what: &str, something: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, something).await {
        Ok(done) => done,
        Err(_) => panic!("{what} did not come within {DEADLINE:?}"),
    }
}
