use std::{error::Error as StdError, io};

use thiserror::Error;

use crate::{CloseCode, CloseReason};

/// An error of the transport's own library, for a person to read.
type Source = Box<dyn StdError + Send + Sync>;

/// Why no connection was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The scheme is not this transport's: try another one.
    #[error("no transport here speaks this URL's scheme")]
    Unsupported,
    /// The URL is broken: correct it.
    #[error("this is no signalling URL: {0}")]
    InvalidUrl(&'static str),
    /// Nobody answers at the address, or the name has none.
    #[error("the server cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The server is there but has no room or is not ready: come back later.
    #[error("the server is busy")]
    Busy(#[source] Source),
    /// Who answers does not speak our protocol, or not at this path: use another URL.
    #[error("the server refused the connection")]
    Refused(#[source] Source),
    /// The server's certificate is not trusted, or no encryption could be agreed upon.
    #[error("no secure connection to the server")]
    Tls(#[source] Source),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Timeout,
}

impl ConnectError {
    /// Whether the same attempt may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy(_) | Self::Timeout => true,
            Self::Unsupported | Self::InvalidUrl(_) | Self::Refused(_) | Self::Tls(_) => false,
        }
    }
}

/// Why no connection was accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// Nobody will connect any more.
    #[error("the listener is closed")]
    Closed,
    /// The system could not hand over a connection, for example because too many files are open: try again, after a
    /// pause.
    #[error("the system handed over no connection")]
    Io(#[source] io::Error),
}

impl AcceptError {
    /// Whether another call may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

/// Why a frame was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The frame is above the limit. Nothing was sent, and the connection lives on.
    #[error("the frame has {len} bytes: at most {max} are allowed")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The most bytes a frame may have.
        max: usize,
    },
    /// The frame is not UTF-8, and this transport carries text only. Nothing was sent, and the connection lives on.
    #[error("the frame is not UTF-8 text")]
    NotText,
    /// The connection has ended; the receiver knows why.
    #[error("the connection has ended")]
    Closed,
}

/// How receiving ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecvEnd {
    /// A side closed the connection and said why.
    #[error("closed ({0})")]
    Closed(CloseReason),
    /// The connection broke, or the peer dropped it without a word.
    #[error("the connection was lost")]
    Lost,
    /// The peer sent a frame above the limit.
    #[error("the peer sent a frame of more than {max} bytes")]
    TooLarge {
        /// The most bytes a frame may have.
        max: usize,
    },
    /// The peer broke the transport's own protocol.
    #[error("the peer broke the transport's protocol: {0}")]
    Malformed(&'static str),
}

impl RecvEnd {
    /// Whether a new connection may fare better.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Closed(reason) => reason.code.is_retryable(),
            Self::Lost => true,
            Self::TooLarge { .. } | Self::Malformed(_) => false,
        }
    }

    /// The reason to close with, if the peer made a mistake it should learn of.
    pub fn answer(&self) -> Option<CloseReason> {
        match self {
            Self::Closed(_) | Self::Lost => None,
            Self::TooLarge { max } => Some(CloseReason::new(
                CloseCode::TooLarge,
                format!("a frame may have {max} bytes"),
            )),
            Self::Malformed(what) => Some(CloseReason::new(CloseCode::ProtocolError, *what)),
        }
    }
}

/// Somebody listens under this name already.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("somebody listens at memory://{0} already")]
pub struct NameTaken(pub String);
