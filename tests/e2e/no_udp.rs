//! Native engines in networks that let no UDP through to the media: over TCP to the server itself, and over its relay by
//! each way that leads there.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
};

use hst_rtc::{Event, MediaType, media::PeerState};
use hst_server::{Config, RunningServer, Server, Tls};
use hst_tests::{
    gate::Gate,
    house::{Member, live, within},
    path::{detour, rewriting},
    secure::Certificate,
};
use tokio::{net::UdpSocket, time::Instant};

/// Set aside for documentation (RFC 5737): nothing is there.
const NOWHERE: [u8; 4] = [203, 0, 113, 7];

/// A server with a relay, and its certificate.
struct Place {
    server: RunningServer,
    certificate: Certificate,
}

impl Place {
    /// One whose media are said to be at this address.
    async fn open(media: impl Into<IpAddr>) -> Self {
        let certificate = Certificate::of("127.0.0.1");
        let config = Config {
            bind: ([127, 0, 0, 1], 0).into(),
            node_ips: vec![media.into()],
            tls: Tls::Files {
                cert: certificate.cert.clone(),
                key: certificate.key.clone(),
            },
            turn: Some(([127, 0, 0, 1], 0).into()),
            workers: Some(NonZeroUsize::MIN),
            ..Config::dev()
        };
        Self {
            server: Server::new(config).start().await.unwrap(),
            certificate,
        }
    }

    fn media(&self) -> SocketAddr {
        self.server.addresses().media[0]
    }

    /// Somebody who is told everything with these changes, and has joined.
    async fn member(&self, user: &str, changes: Vec<[String; 2]>, early: bool) -> Member {
        let origin = format!("wss://{}", self.server.addresses().http.unwrap());
        let carrying = |transport| rewriting(transport, changes);
        let visitor = self.certificate.visitor(&origin, early, carrying).await;
        visitor.come_in(user, "g").await
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
    // Without TLS, though it is at the port of HTTPS.
    let over_tcp = vec![
        change("?transport=udp", "?transport=none"),
        change("\"turns:", "\"stuns:"),
    ];
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
