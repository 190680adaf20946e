use std::time::Duration;

use hst_proto::{ErrorCode, Failure};
use thiserror::Error;

/// Why a call failed: a number of the platform and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} (code {code})")]
pub struct Refusal {
    /// The engine's number, such as 34.
    pub code: u32,
    /// The number that the server sent, such as 1000008: then nothing has changed. `None` when the server was not asked,
    /// or has not answered: then nobody knows whether it carried out what was asked.
    pub server_code: Option<u32>,
    /// What is wrong and what to do, in English.
    pub message: String,
    /// How long to wait at least before another try, when the server says that one makes sense.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that the server was not asked about.
    pub fn local(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.number(),
            server_code: None,
            message: message.into(),
            retry_after: None,
        }
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        let passing = [ErrorCode::Connect, ErrorCode::ServerInternal];
        self.retry_after.is_some() || passing.iter().any(|code| code.number() == self.code)
    }

    /// Whether this is what the server said.
    pub(super) fn is(&self, code: ErrorCode) -> bool {
        self.server_code == Some(code.number())
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            code: ErrorCode::engine(failure.code),
            server_code: Some(failure.code),
            message: failure.message,
            retry_after: failure.retry_after.map(|ms| Duration::from_millis(ms.into())),
        }
    }
}
