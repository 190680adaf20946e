use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hst_media::{MediaEngine, MediaError, MediaPeer, PeerConfig, PeerEvents, peer_events};
use rtc::{ice::mdns::MulticastDnsMode, shared::error::Error};
use webrtc::peer_connection::{
    PeerConnectionBuilder, RTCConfigurationBuilder, RTCIceServer, SettingEngineBuilder, SrtpProtectionProfile,
};

use crate::{
    codecs::configure,
    feedback::Feedback,
    peer::WebRtcPeer,
    shared::{Handler, Shared},
};

/// After how long without a sign of life a peer is [`Disconnected`](hst_media::PeerState::Disconnected).
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
/// After how long more it is [`Failed`](hst_media::PeerState::Failed).
const FAILED_AFTER: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(1);

/// The native [`MediaEngine`]: real WebRTC over UDP, by the crate `webrtc`.
#[derive(Debug, Clone)]
pub struct WebRtcEngine {
    bind: Vec<SocketAddr>,
}

impl WebRtcEngine {
    /// An engine that reaches other hosts over every IPv4 interface, and this host over loopback.
    pub fn new() -> Self {
        Self::bound_to([(Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::LOCALHOST, 0).into()])
    }

    /// An engine whose peers use these local addresses alone. An unspecified address stands for every interface of
    /// its family but loopback; port 0 for any free port.
    pub fn bound_to(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            bind: addresses.into_iter().collect(),
        }
    }
}

impl Default for WebRtcEngine {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl MediaEngine for WebRtcEngine {
    async fn open(&self, config: PeerConfig) -> Result<(Box<dyn MediaPeer>, PeerEvents), MediaError> {
        let (sender, events) = peer_events();
        let shared = Arc::new(Shared::new(sender));
        let (media, registry) = configure(Feedback::new(shared.clone())).map_err(engine_error)?;
        let servers = config.ice_servers.into_iter().map(|server| RTCIceServer {
            urls: server.urls,
            username: server.username,
            credential: server.credential,
        });
        let settings = SettingEngineBuilder::new()
            // Ciphers with their authentication built in cost a fraction of the others.
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_ice_timeouts(Some(DISCONNECTED_AFTER), Some(FAILED_AFTER), Some(KEEPALIVE))
            .with_host_acceptance_min_wait(Some(Duration::ZERO))
            // A restart is for a network that has changed: sockets of the old one reach nobody any more.
            .with_discard_local_candidates_during_ice_restart(true)
            // The other side is a server with a real address; asking the local network for names is of no use.
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .build();
        let connecting = PeerConnectionBuilder::new()
            .with_configuration(
                RTCConfigurationBuilder::new()
                    .with_ice_servers(servers.collect())
                    .build(),
            )
            .with_media_engine(media)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler(shared.clone())))
            .with_udp_addrs(self.bind.clone())
            .build();
        // On the heap: the stack's own future has 20 KB.
        let connection = Box::pin(connecting).await.map_err(open_error)?;
        Ok((Box::new(WebRtcPeer::new(Arc::new(connection), shared)), events))
    }
}

/// What can go wrong at the beginning: the sockets, or else what the configuration says of ICE servers.
fn open_error(error: Error) -> MediaError {
    match error {
        Error::Other(_) | Error::Io(_) => MediaError::Socket(io::Error::other(error)),
        error => MediaError::Config(error.into()),
    }
}

pub(crate) fn engine_error(error: Error) -> MediaError {
    match error {
        Error::ErrConnectionClosed => MediaError::Closed,
        error => MediaError::Engine(error.into()),
    }
}
