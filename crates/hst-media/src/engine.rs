use std::{fmt, net::SocketAddr};

use async_trait::async_trait;

use crate::{MediaError, MediaPeer, PeerEvents};

/// A way to exchange media: it opens peers, one a call.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MediaEngine: fmt::Debug + Send + Sync + 'static {
    /// Opens a peer without any line, and the stream of what happens to it.
    ///
    /// Not cancel-safe: a half-opened peer is dropped, nothing else is lost.
    ///
    /// # Errors
    /// [`MediaError::Socket`] or [`MediaError::Config`].
    async fn open(&self, config: PeerConfig) -> Result<(Box<dyn MediaPeer>, PeerEvents), MediaError>;
}

/// What a peer needs to know about the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerConfig {
    /// STUN and TURN servers; none are needed when the other side has a public address.
    pub ice_servers: Vec<IceServer>,
    /// What the answer to the first offer will say, if that is known. An engine that can begins to connect with the
    /// offer; the answer holds all the same, also where it says something else.
    pub foretold: Option<Foretold>,
}

/// ICE credentials of the other side (RFC 8445 section 5.3) before it has answered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Foretold {
    /// The user name fragment.
    pub ufrag: String,
    /// The password; never shown by `Debug`.
    pub password: String,
    /// Where the other side may be, over UDP: it is at one of them.
    pub addresses: Vec<SocketAddr>,
}

impl fmt::Debug for Foretold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foretold")
            .field("ufrag", &self.ufrag)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// A STUN or TURN server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    /// Addresses such as `turn:relay.example:3478?transport=udp` (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// The TURN user name; empty for STUN.
    pub username: String,
    /// The TURN password; never shown by `Debug`.
    pub credential: String,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
