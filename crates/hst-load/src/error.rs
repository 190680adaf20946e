use std::io;

use thiserror::Error;

/// Why there is no load.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The system gives no socket or no thread.
    #[error("a socket or a thread is missing: {0}")]
    System(#[from] io::Error),
    /// The answer is none to this client's offer.
    #[error("the answer does not fit the offer: {0}")]
    Answer(String),
    /// A thread of the crowd has ended by a fault.
    #[error("a thread that drives clients has panicked")]
    Panicked,
}
