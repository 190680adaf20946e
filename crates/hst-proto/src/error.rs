use thiserror::Error;

use crate::RequestId;

/// Why a frame could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not even a request number could be read: the peer does not speak this protocol.
    #[error("not a frame of this protocol: {reason}")]
    Frame {
        /// The parser's words, printable and short.
        reason: String,
    },
    /// The request has a number but asks nothing known: it can be answered, and others go on.
    #[error("request {id} is not understood: {reason}")]
    Command {
        /// The number to answer.
        id: RequestId,
        /// The parser's words, printable and short.
        reason: String,
    },
}
