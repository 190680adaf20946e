use hst_id::InvalidName;
use thiserror::Error;

/// Why a text is no [`Key`](crate::Key) or [`Subject`](crate::Subject).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("its part {part} {why}")]
pub struct InvalidKey {
    /// Which of the parts, from 0.
    pub part: usize,
    /// What is wrong with it.
    #[source]
    pub why: InvalidName,
}

/// Why a write is not known to have happened. Each variant asks for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum WriteError {
    /// The place does not stand as the writer believed, and nothing was written: read it, and decide anew.
    #[error("somebody else wrote first")]
    Conflict,
    /// The directory cannot be reached, and nothing was written: try again later.
    #[error("the directory cannot be reached")]
    Unavailable,
    /// The answer was lost, and the write may have happened: read it back.
    #[error("nobody knows whether it was written")]
    Unknown,
}

/// The directory or the bus cannot be reached; nothing happened. Trying again later may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("the cluster cannot be reached")]
pub struct Unavailable;

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum RequestError {
    /// Nobody listens to the subject. It was not executed, and whoever should listen is gone or not yet there.
    #[error("nobody listens to it")]
    NoResponders,
    /// Somebody listens but did not answer in time. It may have been executed.
    #[error("no answer in time")]
    Timeout,
    /// The bus cannot be reached: nothing was sent, and nothing is known about who listens.
    #[error("the bus cannot be reached")]
    Unavailable,
}
