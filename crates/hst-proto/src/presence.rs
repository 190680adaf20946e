use hst_id::{TerminalType, UserId};
use serde::{Deserialize, Serialize};

/// Which part of the users online is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlinePage {
    /// Only those behind this name; without it from the beginning, which also begins the watch anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<UserId>,
    /// The most users that are wanted; the server gives at most [`MAX_PAGE`](crate::MAX_PAGE).
    pub limit: u32,
}

/// Some of the users online in the App and company, oneself included.
///
/// Changes of users behind the last page are not told, because a page to come has them; so everybody is told of exactly
/// once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Online {
    /// In the order of their names.
    pub users: Vec<OnlineUser>,
    /// How many users there are.
    pub total: u32,
    /// Whether some are behind the last one.
    pub more: bool,
}

/// One user and where he is online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineUser {
    /// Who.
    pub user: UserId,
    /// By which classes of terminal; never empty.
    pub terminals: Vec<OnlineTerminal>,
}

/// One class of terminal by which a user is online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineTerminal {
    /// Which.
    pub terminal: TerminalType,
    /// The free text that it has set.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// The free text of its login.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extend_info: String,
}

/// A user has come online by a class of terminal, has set another text there, or has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChange {
    /// Who.
    pub user: UserId,
    /// Whether he is online by this terminal now.
    pub online: bool,
    /// Which terminal, as it is now or was last.
    #[serde(flatten)]
    pub terminal: OnlineTerminal,
}
