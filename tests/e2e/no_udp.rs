//! Native engines in networks that let no UDP through to the media: over TCP to the server itself, and over its relay by
//! each way that leads there.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    sync::Arc,
};

use hst_access::{AccessPoints, StaticAccess};
use hst_media_str0m::Str0mEngine;
use hst_rtc::{
    ClientBuilder, Event, MediaType, Preset, RtcEngine,
    media::PeerState,
    signal::{Limits, SignalTransport},
};
use hst_server::{Config, RunningServer, Server, Tls};
use hst_signal_ws::WsTransport;
use hst_tests::{
    gate::Gate,
    house::{Member, live, login, within},
    path::{detour, rewriting},
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use tokio::{net::UdpSocket, time::Instant};

/// Set aside for documentation (RFC 5737): nothing is there.
const NOWHERE: [u8; 4] = [203, 0, 113, 7];

/// A server with a relay, and how it is trusted.
struct Place {
    server: RunningServer,
    trust: Arc<ClientConfig>,
    _folder: tempfile::TempDir,
}

impl Place {
    /// One whose media are said to be at this address.
    async fn open(media: impl Into<IpAddr>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(made.cert.der().clone()).unwrap();
        let trust = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let config = Config {
            bind: ([127, 0, 0, 1], 0).into(),
            node_ips: vec![media.into()],
            tls: Tls::Files { cert, key },
            turn: Some(([127, 0, 0, 1], 0).into()),
            workers: Some(NonZeroUsize::MIN),
            ..Config::dev()
        };
        Self {
            server: Server::new(config).start().await.unwrap(),
            trust: Arc::new(trust),
            _folder: folder,
        }
    }

    fn media(&self) -> SocketAddr {
        self.server.addresses().media[0]
    }

    /// Somebody who is told everything with these changes, and has joined.
    async fn member(&self, user: &str, changes: Vec<[String; 2]>, early: bool) -> Member {
        let transport = WsTransport::new(Limits::default()).with_tls(self.trust.clone());
        let transport: Arc<dyn SignalTransport> = rewriting(Arc::new(transport), changes);
        let media = Arc::new(Str0mEngine::new().with_tls(self.trust.clone()));
        let url = format!("wss://{}/v1/signal", self.server.addresses().http.unwrap());
        let access = Arc::new(StaticAccess::new(AccessPoints::new([url]).unwrap()));
        let client = ClientBuilder::new(transport, media).early_media(early);
        let engine = RtcEngine::with(Preset::new(access, client));
        let events = engine.events();
        within("init", engine.init(None)).await.unwrap();
        within("login", engine.login(login(user))).await.unwrap();
        within("join", engine.join_group("g")).await.unwrap();
        Member { engine, events }
    }
}

/// A UDP socket that swallows everything, where TCP leads on to the media; and what has to be told to lead there, in answers and
/// before them.
async fn wall(media: SocketAddr) -> (Gate, UdpSocket, Vec<[String; 2]>) {
    let gate = Gate::to(media).await;
    let hole = UdpSocket::bind(gate.address()).await.unwrap();
    let foretold = [media, gate.address()].map(|address| address.to_string());
    let changes = vec![detour(media, gate.address()), foretold];
    (gate, hole, changes)
}

/// Sees what somebody shows under this name.
async fn sees(shows: &Member, sees: &mut Member, name: &str) {
    let begun = Instant::now();
    let film = shows.engine.publish(MediaType::Video, name, live("film.ivf").await);
    within("publishing", film).await.unwrap();
    let mut key = sees.published().await;
    while key.media.as_str() != name {
        key = sees.published().await;
    }
    let mut film = within("receiving", sees.engine.receive(key)).await.unwrap();
    within("a picture", film.read()).await.unwrap();
    println!("a picture of {name} after {:?}", begun.elapsed());
    for _ in 0..30 {
        within("a picture", film.read()).await.unwrap();
    }
}

async fn reconnected(member: &mut Member) {
    loop {
        if let Event::Transport(PeerState::Connected) = within("a state", member.events.recv()).await.unwrap() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_udp_sees_the_others_over_tcp_and_again_after_the_connection_was_cut() {
    let place = Place::open([127, 0, 0, 1]).await;
    let (gate, _hole, changes) = wall(place.media()).await;
    let mut ann = place.member("ann", changes, false).await;
    let mut ben = place.member("ben", Vec::new(), true).await;
    sees(&ann, &mut ben, "there").await;
    sees(&ben, &mut ann, "back").await;

    gate.open(place.media());
    let cut = Instant::now();
    reconnected(&mut ann).await;
    println!("interrupted for {:?}", cut.elapsed());
    sees(&ann, &mut ben, "there-again").await;
    sees(&ben, &mut ann, "back-again").await;
    place.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reaches_nothing_but_the_relay_sees_the_others_through_it_over_udp_tcp_and_tls() {
    let place = Place::open(NOWHERE).await;
    let change = |from: &str, to: &str| [from.to_owned(), to.to_owned()];
    let mut ben = place.member("ben", Vec::new(), true).await;
    let over_tcp = vec![change("?transport=udp", "?transport=none")];
    // Only what begins with "turns:" is left.
    let over_tls = vec![change("\"turn:", "\"stun:")];
    for (user, changes) in [("udp", Vec::new()), ("tcp", over_tcp), ("tls", over_tls)] {
        let mut ann = place.member(user, changes, true).await;
        sees(&ann, &mut ben, &format!("there-over-{user}")).await;
        sees(&ben, &mut ann, &format!("back-over-{user}")).await;
        within("leaving", ann.engine.leave_group()).await.unwrap();
    }
    place.server.shutdown().await;
}
