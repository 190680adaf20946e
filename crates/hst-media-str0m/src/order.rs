use std::net::SocketAddr;

use crate::relay::RelayAddress;

/// A pipe of one peer, never used twice in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PipeId(pub(crate) u32);

/// What the connection asks of the sockets beside the one for UDP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Connects; the answer is that the pipe stands, or that it has ended.
    Open { pipe: PipeId, dial: Dial },
    /// Sends a message.
    Send { pipe: PipeId, bytes: Vec<u8> },
    /// Ends it once what was sent has gone.
    Close { pipe: PipeId },
}

/// Whom a pipe leads to, and so what is spoken on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dial {
    /// The server itself over TCP, with datagrams in frames (RFC 4571).
    Server(SocketAddr),
    /// A relay, with its messages.
    Relay(RelayAddress),
}
