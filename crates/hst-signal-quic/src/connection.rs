use std::{sync::Arc, time::Duration};

use hst_signal::{CloseCode, CloseReason, Limits, RecvEnd, SignalConnection};
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream, VarInt};
use tokio::{sync::watch, time::Instant};

use crate::{receiver::Receiver, sender::Sender};

/// How long a `close` waits for the peer to take the last frames, and a receiver that saw the end of the stream for the
/// reason behind it.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What both halves hold. The connection ends when the last of them is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) connection: Connection,
    /// Why this side closes, once it does: the own receiver waits for it too.
    pub(crate) closed: Arc<watch::Sender<Option<CloseReason>>>,
    pub(crate) max_frame: usize,
}

/// `endpoint` is the client's, which serves this connection alone.
pub(crate) fn assemble(
    connection: Connection,
    (send, recv): (SendStream, RecvStream),
    endpoint: Option<Endpoint>,
    since: Instant,
    limits: Limits,
) -> SignalConnection {
    let peer = Some(connection.remote_address());
    // The prefix of a frame has 32 bits.
    let max_frame = limits.max_frame.min(u32::MAX as usize);
    let link = Link {
        connection,
        closed: Arc::default(),
        max_frame,
    };
    SignalConnection {
        sender: Box::new(Sender::new(link.clone(), send, endpoint)),
        receiver: Box::new(Receiver::new(link, recv)),
        peer,
        since,
    }
}

pub(crate) fn close(connection: &Connection, reason: &CloseReason) {
    connection.close(number(reason.code), reason.text().as_bytes());
}

pub(crate) fn number(code: CloseCode) -> VarInt {
    u32::from(code.number()).into()
}

pub(crate) fn code(number: VarInt) -> CloseCode {
    u16::try_from(number.into_inner()).map_or(CloseCode::GoingAway, CloseCode::from_number)
}

/// How receiving ends when the connection does.
pub(crate) fn end(error: &ConnectionError) -> RecvEnd {
    match error {
        // Code 0 is what quinn sends when the peer drops the connection without a word.
        ConnectionError::ApplicationClosed(close) if close.error_code != VarInt::from_u32(0) => {
            let text = String::from_utf8_lossy(&close.reason).into_owned();
            RecvEnd::Closed(CloseReason::new(code(close.error_code), text))
        }
        // Not by the sender, whose reason the receiver has: the listener was shut down.
        ConnectionError::LocallyClosed => RecvEnd::Closed(CloseCode::GoingAway.into()),
        _ => RecvEnd::Lost,
    }
}
