use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// Why a request was refused, or a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A number of [`ErrorCode`]; an unknown one is to be shown as it is.
    pub code: u32,
    /// What is wrong and what to do, in English.
    pub message: String,
    /// In how many milliseconds another try makes sense; without it the client decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Failure {
    /// A refusal with its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.number(),
            message: message.into(),
            retry_after: None,
        }
    }

    /// Asks the client to try again no sooner than in so many milliseconds.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after = Some(milliseconds);
        self
    }
}
