use std::error::Error as StdError;

use thiserror::Error;

/// Why nobody knows where the services are.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Nobody answers there. Check the address and the network, or try again later.
    #[error("the access service at {address} can't be reached")]
    Unreachable {
        /// Whom it was asked.
        address: String,
        /// What the network said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No answer in time. Try again later.
    #[error("the access service at {address} did not answer in time")]
    TimedOut {
        /// Whom it was asked.
        address: String,
    },
    /// It is there, but can't answer now. Try again later.
    #[error("the access service at {address} is not available now (HTTP status {status})")]
    Unavailable {
        /// Whom it was asked.
        address: String,
        /// What it said instead of an answer.
        status: u16,
    },
    /// It answered no, with the platform's code and reason. Check the App ID.
    #[error("the access service refused with code {code}: {message}")]
    Refused {
        /// The platform's error code.
        code: i64,
        /// Its own words.
        message: String,
    },
    /// What answers there is no access service, or not one of a version that is understood. Check the address.
    #[error("what answers at {address} is no access service: {reason}")]
    NotAccess {
        /// Whom it was asked.
        address: String,
        /// What was wrong with the answer.
        reason: &'static str,
    },
    /// It knows no service for this app. Ask those who run the platform.
    #[error("the access service names no signalling address")]
    NoSignal,
}

impl AccessError {
    /// Whether the same question may be answered later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Unavailable { .. }
        )
    }
}
