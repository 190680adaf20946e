use hst_id::{GroupId, UserId};
use serde::{Deserialize, Serialize};

use crate::Payload;

/// Invites users into a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// The inviter's own number for it, which the answers name.
    pub invite: u64,
    /// Into which group.
    pub group: GroupId,
    /// Whom; at most [`MAX_LISTED`](crate::MAX_LISTED).
    pub users: Vec<UserId>,
    /// Anything for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend_info: Option<Payload>,
}

/// The invite is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Who was not reached, because he is not online.
    pub offline: Vec<UserId>,
}

/// An invite as the invited get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The server's number for it, which the answer names.
    pub invite: u64,
    /// Into which group.
    pub group: GroupId,
    /// By whom.
    pub from: UserId,
    /// His login's free text, such as a nickname.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from_info: String,
    /// What he says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend_info: Option<Payload>,
}

/// Accepts or rejects an invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteAnswer {
    /// The number of the invitation.
    pub invite: u64,
    /// Yes or no.
    pub accept: bool,
    /// Anything for the inviter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend_info: Option<Payload>,
}

/// Takes an invite back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCancel {
    /// The inviter's own number for it.
    pub invite: u64,
    /// From whom; without it from all who have not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<UserId>>,
}

/// What became of an invite with one of the invited; each comes once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteResult {
    /// The inviter's own number for it.
    pub invite: u64,
    /// Who was invited.
    pub user: UserId,
    /// What came of it.
    pub outcome: InviteOutcome,
    /// What he says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend_info: Option<Payload>,
}

/// What an inviter hears of one whom he invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: an invite ends in one of these ways"
)]
pub enum InviteOutcome {
    /// Yes.
    Accepted,
    /// No.
    Rejected,
    /// He did not answer in time.
    TimedOut,
    /// He is not online any more.
    Offline,
}

/// An invitation is over for this terminal; it stops ringing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteEnded {
    /// The number of the invitation.
    pub invite: u64,
    /// Why.
    pub why: InviteEnd,
}

/// Why an invitation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: an invitation ends in one of these ways"
)]
pub enum InviteEnd {
    /// The same user has answered it on another terminal.
    AnsweredElsewhere,
    /// It was taken back, or its sender is gone.
    Cancelled,
    /// Nobody has answered it in time.
    TimedOut,
}
