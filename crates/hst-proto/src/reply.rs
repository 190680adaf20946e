use hst_id::{MediaRef, UserId};
use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// What a request was answered with when it went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: a new reply is a new protocol version"
)]
pub enum Reply {
    /// It is done; there is nothing more to say.
    Done {},
    /// To `login`.
    LoggedIn(LoggedIn),
    /// To `join`.
    Joined(Joined),
    /// To `offer`.
    Answer {
        /// The server's session description, with all its candidates.
        sdp: String,
    },
    /// To `message`: it has its place in the group's order.
    Sent {
        /// Its number in the group, counted from 1.
        seq: u64,
    },
}

/// A session has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The server's name for the session, for its logs.
    pub session: String,
}

/// The group as it is at the moment of joining; later changes come as events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The other members.
    pub members: Vec<UserId>,
    /// What they publish.
    pub media: Vec<Media>,
}

/// A published media and its free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Which.
    #[serde(flatten)]
    pub key: MediaRef,
    /// The publisher's free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Why a request was refused, or a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A number of [`ErrorCode`]; an unknown one is to be shown as it is.
    pub code: u32,
    /// What is wrong and what to do, in English.
    pub message: String,
}

impl Failure {
    /// A refusal with its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.number(),
            message: message.into(),
        }
    }
}
