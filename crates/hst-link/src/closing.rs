use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use quinn::{Connection, ConnectionError, VarInt};

use crate::Closed;

/// What the peers of a node are told that shuts down.
pub(crate) const NODE_ENDS: &str = "the node ends";

/// What a link is closed with: a number for the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseCode {
    /// 0: the peer dropped its link without a word.
    Dropped,
    /// 1: the node ends.
    GoingAway,
    /// 2: another link between the two nodes lives on.
    Duplicate,
    /// 3: there is no version that both speak.
    Version,
    /// 4: the name in the hello is not that of the certificate, or not the one that was dialled.
    Name,
    /// 5: the first frame is no hello.
    Hello,
    /// 6: a frame is longer than [`MAX_FRAME`](crate::MAX_FRAME).
    FrameTooLarge,
    /// Any other number: the caller's own.
    Other(u32),
}

impl CloseCode {
    /// As it is sent.
    pub fn number(self) -> u32 {
        match self {
            Self::Dropped => 0,
            Self::GoingAway => 1,
            Self::Duplicate => 2,
            Self::Version => 3,
            Self::Name => 4,
            Self::Hello => 5,
            Self::FrameTooLarge => 6,
            Self::Other(number) => number,
        }
    }

    /// As it was received.
    pub fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Dropped,
            1 => Self::GoingAway,
            2 => Self::Duplicate,
            3 => Self::Version,
            4 => Self::Name,
            5 => Self::Hello,
            6 => Self::FrameTooLarge,
            other => Self::Other(other),
        }
    }
}

/// Why one side closed a link: a code for the program, and a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// For the program.
    pub code: CloseCode,
    /// For people. What does not fit into a packet beside the code is cut off.
    pub text: String,
}

impl CloseReason {
    /// A code and a text.
    pub fn new(code: CloseCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.text, self.code.number())
    }
}

/// The end of a connection that both halves, the handle and the registry share.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) connection: Connection,
    /// Why this side closed it, which QUIC keeps to itself.
    reason: OnceLock<CloseReason>,
}

impl End {
    pub(crate) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            connection,
            reason: OnceLock::new(),
        })
    }

    /// The first reason counts.
    pub(crate) fn close(&self, reason: CloseReason) {
        let reason = self.reason.get_or_init(|| reason);
        close(&self.connection, reason);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    pub(crate) async fn closed(&self) -> Closed {
        let error = self.connection.closed().await;
        self.explain(&error)
    }

    pub(crate) fn explain(&self, error: &ConnectionError) -> Closed {
        match self.reason.get() {
            Some(reason) if *error == ConnectionError::LocallyClosed => Closed::Here(reason.clone()),
            _ => explain(error),
        }
    }
}

pub(crate) fn close(connection: &Connection, reason: &CloseReason) {
    connection.close(VarInt::from_u32(reason.code.number()), reason.text.as_bytes());
}

pub(crate) fn explain(error: &ConnectionError) -> Closed {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let number = u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX);
            let text = String::from_utf8_lossy(&close.reason);
            Closed::ByPeer(CloseReason::new(CloseCode::from_number(number), text))
        }
        // Not by a link's own part: the whole socket was shut down.
        ConnectionError::LocallyClosed => Closed::Here(CloseReason::new(CloseCode::GoingAway, NODE_ENDS)),
        ConnectionError::TimedOut => Closed::Silent,
        ConnectionError::Reset => Closed::Forgotten,
        other => Closed::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_one_code() {
        for number in (0..100).chain([u32::MAX]) {
            assert_eq!(CloseCode::from_number(number).number(), number);
        }
    }
}
