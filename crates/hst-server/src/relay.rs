//! The way in for clients that reach neither the media's UDP ports nor its TCP ones: a TURN relay, which leads to the media
//! of this node and nowhere else.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use hst_proto::IceServer;
use hst_turn::{Client, LIFETIME, Peers, Relay, Secret};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UdpSocket,
    sync::mpsc,
    time::Instant,
};

use crate::{Origin, StartError, admission::Place, handle::SessionId, hub::Hub};

mod service;
mod stream;

use service::{Arrival, Service};

/// What clients on connections have said and was not looked at. When it is full, their connections are not read.
const ARRIVALS: usize = 1024;

/// The relay, seen from those who lead clients to it.
#[derive(Debug)]
pub(crate) struct RelayDoor {
    secret: Secret,
    urls: Vec<String>,
    arrivals: mpsc::Sender<Arrival>,
    last_stream: AtomicU64,
}

/// Where a relay is.
#[derive(Debug)]
pub(crate) struct RelayPlan<'a> {
    /// Where it listens for UDP.
    pub(crate) bind: SocketAddr,
    /// Where clients see the server: over TCP and TLS the relay is there, too.
    pub(crate) origin: &'a Origin,
    /// Where clients are told to find the media, and where the media threads listen.
    pub(crate) candidates: &'a [IpAddr],
    pub(crate) media: &'a [SocketAddr],
}

impl RelayDoor {
    /// Begins to relay for the sessions of this node. Says where it listens for UDP, too.
    pub(crate) async fn open(
        plan: RelayPlan<'_>,
        own: &[IpAddr],
        hub: &Arc<Hub>,
    ) -> Result<(Self, SocketAddr), StartError> {
        let bind = plan.bind;
        let failed = |source| StartError::Bind {
            what: "the relay, UDP",
            address: bind,
            source,
        };
        let socket = UdpSocket::bind(bind).await.map_err(failed)?;
        let udp = socket.local_addr().map_err(failed)?;
        let secret = Secret::random();
        let peers = peers(plan.candidates, plan.media, own);
        let sessions = hub.clone();
        let is_live = move |name: &str| {
            // The transport of one that is at another node now may carry on for a while.
            let is_here = |id| sessions.sessions.get(id).is_some() || sessions.sessions.elsewhere(id).is_some();
            SessionId::parse(name).is_some_and(is_here)
        };
        let relay = Relay::new(Instant::now().into_std(), unix(), secret.clone(), peers, is_live);
        let (arrivals, arrived) = mpsc::channel(ARRIVALS);
        let service = Service::new(relay, socket, arrived, plan.candidates.to_vec());
        hub.life.spawn(service.run(hub.life.clone()));
        let door = Self {
            secret,
            urls: urls(plan.origin, udp.port()),
            arrivals,
            last_stream: AtomicU64::new(0),
        };
        Ok((door, udp))
    }

    /// What a session's client needs to use the relay; good as long as the session is, and for its `LIFETIME` at most.
    pub(crate) fn ice_servers(&self, session: SessionId) -> Vec<IceServer> {
        let credentials = self.secret.credentials(&session.to_string(), unix() + LIFETIME);
        vec![IceServer {
            urls: self.urls.clone(),
            username: credentials.username,
            credential: credentials.password,
        }]
    }

    /// Serves a client that has come over a connection, until either ends it.
    pub(crate) async fn serve<S>(&self, stream: S, addr: SocketAddr, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let number = self.last_stream.fetch_add(1, Ordering::Relaxed);
        let client = Client {
            addr: SocketAddr::new(addr.ip().to_canonical(), addr.port()),
            stream: Some(number),
        };
        stream::serve(stream, client, place, self.arrivals.clone()).await;
    }
}

/// The addresses of the relay, the most direct first.
fn urls(origin: &Origin, udp: u16) -> Vec<String> {
    let host = origin.host();
    let tcp = origin.port();
    let mut urls = vec![
        format!("turn:{host}:{udp}?transport=udp"),
        format!("turn:{host}:{tcp}?transport=tcp"),
    ];
    if origin.is_secure() {
        urls.push(format!("turns:{host}:{tcp}?transport=tcp"));
    }
    urls
}

/// The media addresses that clients are told, and where they are found from here.
///
/// An address of this machine is found where it is. One of a translation in front of it is not to be reached from behind:
/// it is found on loopback, one of IPv6 and many of IPv4.
fn peers(candidates: &[IpAddr], media: &[SocketAddr], own: &[IpAddr]) -> Peers {
    let mut peers = Peers::default();
    for media in media {
        let mut outside = 9;
        for &ip in candidates {
            let is_here = own.contains(&ip) || ip.is_loopback();
            let place = match ip {
                _ if is_here => ip,
                // Behind a translation, and bound to one address: there it is.
                _ if !media.ip().is_unspecified() && media.ip().is_ipv4() == ip.is_ipv4() => media.ip(),
                IpAddr::V4(_) => {
                    outside += 1;
                    Ipv4Addr::new(127, 0, 0, outside).into()
                }
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            if !peers.permit((ip, media.port()).into(), (place, media.port()).into()) {
                tracing::warn!(%ip, "the relay does not lead to this media address, for it has another at the same place");
            }
        }
    }
    peers
}

fn unix() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_where_the_relay_is_seen_from_outside() {
        let told = |origin: &str| urls(&origin.parse().unwrap(), 3478);
        assert_eq!(
            told("https://rtc.example.org"),
            [
                "turn:rtc.example.org:3478?transport=udp",
                "turn:rtc.example.org:443?transport=tcp",
                "turns:rtc.example.org:443?transport=tcp",
            ]
        );
        assert_eq!(
            told("http://[2001:db8::1]:7880"),
            [
                "turn:[2001:db8::1]:3478?transport=udp",
                "turn:[2001:db8::1]:7880?transport=tcp"
            ]
        );
    }
}
