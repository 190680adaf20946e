use hst_id::{MediaRef, UserId};
use serde::{Deserialize, Serialize};

/// The group as it is at one moment; what changes after it comes as events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The other members, or the first of them, in the order of their names.
    pub members: Vec<UserId>,
    /// How many others there are.
    pub total: u32,
    /// Everything that they publish.
    pub media: Vec<Media>,
    /// The number of the group's last message so far.
    pub last_message: u64,
    /// Whether newcomers are kept out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub locked: bool,
}

impl Joined {
    /// Whether all members are named; otherwise `roster` names the rest.
    pub fn is_complete(&self) -> bool {
        self.members.len() == self.total as usize
    }
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
    /// Whether the server keeps it from the others.
    #[serde(default, skip_serializing_if = "is_false")]
    pub muted: bool,
}

/// Which part of the group's members is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterPage {
    /// Only those behind this name; without it from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<UserId>,
    /// The most that are wanted; the server gives at most [`MAX_PAGE`](crate::MAX_PAGE).
    pub limit: u32,
}

/// Some of the group's members, oneself left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// In the order of their names.
    pub members: Vec<UserId>,
    /// How many others there are.
    pub total: u32,
    /// Whether some are behind the last one.
    pub more: bool,
}

/// What has changed in a large group's membership since the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// Who came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<UserId>,
    /// Who went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<UserId>,
    /// How many members there are now, oneself included.
    pub total: u32,
    /// Whether everybody who came or went is named; otherwise `roster` tells who is there.
    pub complete: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
