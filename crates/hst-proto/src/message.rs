use hst_id::UserId;
use serde::{Deserialize, Serialize};

use crate::Payload;

/// A message to other members of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToGroup {
    /// Any JSON value.
    pub body: Payload,
    /// To whom.
    #[serde(default, skip_serializing_if = "Audience::is_all")]
    pub to: Audience,
    /// What happens when a receiver is slow.
    #[serde(default, skip_serializing_if = "Class::is_reliable")]
    pub class: Class,
}

/// To which of the other members a message goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "all, some, or all but some")]
pub enum Audience {
    /// To all.
    #[default]
    All,
    /// To these; at most [`MAX_LISTED`](crate::MAX_LISTED).
    Only(Vec<UserId>),
    /// To all but these; at most [`MAX_LISTED`](crate::MAX_LISTED).
    Except(Vec<UserId>),
}

impl Audience {
    fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Whether it reaches `user`.
    pub fn reaches(&self, user: &UserId) -> bool {
        match self {
            Self::All => true,
            Self::Only(listed) => listed.contains(user),
            Self::Except(listed) => !listed.contains(user),
        }
    }
}

/// What happens to a message when a receiver is slow or away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "kept or dropped")]
pub enum Class {
    /// It is kept for him.
    #[default]
    Reliable,
    /// It is dropped, such as the position of a pointer.
    Lossy,
}

impl Class {
    fn is_reliable(&self) -> bool {
        *self == Self::Reliable
    }
}

/// A message of the group as its members get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMessage {
    /// The sender.
    pub from: UserId,
    /// Its number in the group.
    pub seq: u64,
    /// What he sent.
    pub body: Payload,
}
