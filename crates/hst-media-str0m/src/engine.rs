use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hst_media::{MediaEngine, MediaError, MediaPeer, PeerConfig, PeerEvents, peer_events};
use rustls::ClientConfig;
use str0m::{
    RtcConfig,
    crypto::{self, CryptoProvider},
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    codecs::configure,
    command::COMMAND_CAPACITY,
    connection::Connection,
    driver,
    link::{Life, Link},
    network::Network,
    peer::Str0mPeer,
    relay::relays,
    tls::RelayTls,
};

/// How often the path is checked, at least.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// How many checks without an answer end a path for str0m: more than it takes until the peer has failed.
const CHECKS: usize = 24;
/// How often the other side's reports are read.
const STATS_INTERVAL: Duration = Duration::from_secs(1);

/// The native [`MediaEngine`] that connects fast: WebRTC by the crate `str0m`, over UDP or where that
/// leads nowhere over TCP and relays.
#[derive(Debug, Clone)]
pub struct Str0mEngine {
    bind: SocketAddr,
    tls: RelayTls,
    template: RtcConfig,
}

impl Str0mEngine {
    /// An engine that reaches whatever IPv4 address the system has a route to, this host included.
    pub fn new() -> Self {
        Self::bound_to((Ipv4Addr::UNSPECIFIED, 0).into())
    }

    /// An engine whose peers use this local address alone. An unspecified address stands for every address of its
    /// family; port 0 for any free port.
    pub fn bound_to(address: SocketAddr) -> Self {
        let provider: Arc<CryptoProvider> = Arc::new(crypto::from_feature_flags());
        let mut template = RtcConfig::new()
            .set_crypto_provider(provider.clone())
            .set_rtp_mode(true)
            .set_stats_interval(Some(STATS_INTERVAL))
            .clear_codecs();
        template.set_max_stun_rto(KEEPALIVE);
        template.set_max_stun_retransmits(CHECKS);
        configure(template.codec_config());
        // One certificate for all peers: making one takes longer than a handshake.
        if let Some(certificate) = provider.dtls_provider.generate_certificate() {
            template = template.set_dtls_cert(certificate);
        }
        Self {
            bind: address,
            tls: RelayTls::default(),
            template,
        }
    }

    /// Judges relays that are reached over TLS by a configuration of your own, in place of the platform's roots.
    #[must_use]
    pub fn with_tls(self, config: Arc<ClientConfig>) -> Self {
        Self {
            tls: RelayTls::new(config),
            ..self
        }
    }
}

impl Default for Str0mEngine {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl MediaEngine for Str0mEngine {
    async fn open(&self, config: PeerConfig) -> Result<(Box<dyn MediaPeer>, PeerEvents), MediaError> {
        let relays = relays(&config.ice_servers)?;
        let socket = UdpSocket::bind(self.bind).await.map_err(MediaError::Socket)?;
        let (network, news) = Network::new(socket, self.tls.clone()).map_err(MediaError::Socket)?;
        let now = Instant::now();
        let (sender, events) = peer_events();
        let link = watch::Sender::new(Link::Waiting);
        let watched = link.subscribe();
        let (commands, queue) = mpsc::channel(COMMAND_CAPACITY);
        let rtc = self.template.clone().build(now.into_std());
        let life = Life::new(sender, link, now);
        let connection = Connection::new(rtc, life, network.bound(), config.foretold, relays, now);
        tokio::spawn(driver::run(connection, network, news, queue));
        Ok((Box::new(Str0mPeer::new(commands, watched)), events))
    }
}
