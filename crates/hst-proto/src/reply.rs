use hst_id::MediaId;
use serde::{Deserialize, Serialize};

use crate::{BoardPart, GroupMessage, Invited, Joined, LoggedIn, Online, Resumed, Roster};

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
    /// To `resume`.
    Resumed(Resumed),
    /// To `join`.
    Joined(Joined),
    /// To `roster`.
    Roster(Roster),
    /// To `offer`.
    Answer {
        /// The server's session description, with all its candidates.
        sdp: String,
    },
    /// To `message`: it has its place in the group's order. To `user_message`: it is on its way to the user.
    Sent {
        /// Its number in the group, or among the sender's messages to users; counted from 1.
        seq: u64,
    },
    /// To `history`.
    History {
        /// In the order of their numbers.
        messages: Vec<GroupMessage>,
    },
    /// To `create_board`.
    BoardCreated {
        /// By what it is published, opened and drawn on.
        board: MediaId,
    },
    /// To `open_board`.
    Board(BoardPart),
    /// To `online`.
    Online(Online),
    /// To `invite`.
    Invited(Invited),
}
