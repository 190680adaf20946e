use std::{io, ops::RangeInclusive};

use quinn::{ConnectionError, TransportErrorCode};
use rustls::pki_types::pem;
use thiserror::Error;

use crate::{CloseCode, CloseReason};

/// Why a text is no [`NodeName`](crate::NodeName).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a node's name is a DNS name in lower case")]
pub struct InvalidName;

/// Why an [`Identity`](crate::Identity) was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file is no PEM, or holds nothing of what it should.
    #[error("this is not the PEM of {what}")]
    Pem {
        /// Which of the files.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        cause: pem::Error,
    },
    /// There is no certificate, no root, or the private key belongs to another certificate.
    #[error("certificate, key and roots do not fit together")]
    Unusable(#[source] rustls::Error),
    /// Every peer would refuse the certificate: it is for another name, of another authority, or not valid now.
    #[error("no peer would accept the certificate")]
    Unfit(#[source] rustls::Error),
}

/// Why [`Links`](crate::Links) were not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The range of versions is empty.
    #[error("there is no version from {} to {}", .0.start(), .0.end())]
    Versions(RangeInclusive<u16>),
    /// The address cannot be had.
    #[error("the UDP port cannot be opened")]
    Io(#[from] io::Error),
}

/// Why a dialled link does not stand.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A node has no link to itself.
    #[error("this is the node's own name")]
    Itself,
    /// A link to this node stands already, or another call is dialling it.
    #[error("a link to this node stands, or is being dialled")]
    Standing,
    /// Nothing can be sent to the address from this socket.
    #[error("nothing can be sent to this address")]
    Address,
    /// Nobody answered in time.
    #[error("nobody answered in time")]
    Timeout,
    /// The peer has too many handshakes under way.
    #[error("the peer is busy")]
    Busy,
    /// Who answered has no certificate of the cluster, or not for the dialled name.
    #[error("the peer's certificate is refused: {0}")]
    Untrusted(String),
    /// Who answered refuses the certificate of this node.
    #[error("the peer refuses the certificate of this node: {0}")]
    Rejected(String),
    /// One side closed the link before it stood, and says why.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl ConnectError {
    /// Whether the same call may succeed later, with nothing changed by hand.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Standing | Self::Timeout | Self::Busy => true,
            Self::Itself | Self::Address | Self::Untrusted(_) | Self::Rejected(_) => false,
            Self::Closed(closed) => closed.is_retryable(),
        }
    }
}

/// Why a datagram was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendDatagramError {
    /// It does not fit into a packet of the present path. Nothing is split.
    #[error("a datagram of {len} bytes; the path takes {max}")]
    TooLarge {
        /// Its bytes.
        len: usize,
        /// The most that the path takes now.
        max: usize,
    },
    /// The link has ended.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Why a frame was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendFrameError {
    /// It is longer than [`MAX_FRAME`](crate::MAX_FRAME).
    #[error("a frame of {len} bytes; {max} are the most")]
    TooLarge {
        /// Its bytes.
        len: usize,
        /// The most.
        max: usize,
    },
    /// The link has ended.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// How a link ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Closed {
    /// This side closed it.
    #[error("closed here: {0}")]
    Here(CloseReason),
    /// The peer closed it.
    #[error("closed by the peer: {0}")]
    ByPeer(CloseReason),
    /// Nothing was heard of the peer for [`IDLE`](crate::IDLE).
    #[error("the peer has fallen silent")]
    Silent,
    /// The peer knows nothing of the link: its program was started anew.
    #[error("the peer has forgotten the link")]
    Forgotten,
    /// One side broke the rules of QUIC.
    #[error("the connection is broken: {0}")]
    Broken(String),
}

impl Closed {
    /// Whether the node may be dialled again, with nothing changed by hand. Who reads `false` asks an operator.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Here(reason) | Self::ByPeer(reason) => {
                !matches!(reason.code, CloseCode::Version | CloseCode::Name | CloseCode::Hello)
            }
            Self::Silent | Self::Forgotten | Self::Broken(_) => true,
        }
    }
}

/// Why the handshake failed; `None` where the connection ended like any other.
pub(crate) fn handshake(error: &ConnectionError) -> Option<ConnectError> {
    match error {
        ConnectionError::TimedOut => Some(ConnectError::Timeout),
        ConnectionError::TransportError(error) if is_about_certificates(error.code) => {
            Some(ConnectError::Untrusted(error.reason.clone()))
        }
        ConnectionError::ConnectionClosed(close) if is_about_certificates(close.error_code) => Some(
            ConnectError::Rejected(String::from_utf8_lossy(&close.reason).into_owned()),
        ),
        ConnectionError::ConnectionClosed(close) if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
            Some(ConnectError::Busy)
        }
        _ => None,
    }
}

/// The alerts of TLS that are about certificates and their signatures (RFC 8446, section 6.2), as QUIC wraps them (RFC 9001, section 4.8).
fn is_about_certificates(code: TransportErrorCode) -> bool {
    matches!(u64::from(code), 0x12a..=0x131 | 0x133 | 0x174)
}
