use hst_id::{MediaId, MediaRef, MediaType, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Draw, Invite, InviteAnswer, InviteCancel, Login, NewBoard, Offer, OnlinePage, Payload, Prepare, Priority, Resume,
    RosterPage, Sketch, ToGroup,
};

/// A client's own number for one request; the reply names it again.
pub type RequestId = u32;

/// Asks for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Echoed by the reply. In a session each is higher than the one before.
    pub id: RequestId,
    /// What is asked.
    #[serde(rename = "do")]
    pub command: Command,
}

/// Everything that a client can ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: a new command is a new protocol version"
)]
pub enum Command {
    /// Begins a session. Answered by `logged_in`.
    Login(Login),
    /// Goes on with a session over this connection. Answered by `resumed`.
    Resume(Resume),
    /// Shows a newer token, so that the session outlives the one that it began with. Answered by `done`.
    Renew {
        /// A token of the same App that admits the same user.
        token: String,
    },
    /// Ends the session, and the group membership with it. Answered by `done`, then the connection closes.
    Exit {},
    /// Says that the client is alive. Answered by `done`.
    Ping {},

    /// Sets up the media transport for a group before it is joined. Answered by `answer`.
    Prepare(Prepare),
    /// Enters a group, which is made when nobody is in it yet. Answered by `joined`.
    Join {
        /// The text of a group id, checked by the server.
        group: String,
    },
    /// Leaves the group; everything published and received there ends. Answered by `done`.
    Leave {},
    /// Asks who is in the group. Answered by `roster`.
    Roster(RosterPage),

    /// Announces a media of one's own to the group. Answered by `done`.
    Publish {
        /// What it carries.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
        /// A free text shown to the others.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
    },
    /// Takes an announcement back. Answered by `done`, also when there is no such media.
    Unpublish {
        /// What it carried.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
    },
    /// Wants another member's media. Answered by `done`; it flows once an offer names a line for it.
    Receive(MediaRef),
    /// Wants it no more. Answered by `done`, also when it was not received.
    StopReceive(MediaRef),
    /// Says how much of a received picture is of use, which is all of it from `receive` on. Answered by `done`.
    View {
        /// Which.
        #[serde(flatten)]
        media: MediaRef,
        /// In pixels of height; 0 wants nothing of it for now, and without it all that there is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<u32>,
    },
    /// Says how much a received picture matters beside the others, which is `high` of a screen share and `normal` of all
    /// else from `receive` on. Answered by `done`.
    Prioritize {
        /// Which.
        #[serde(flatten)]
        media: MediaRef,
        /// How much.
        priority: Priority,
    },
    /// Sets up or changes the media transport. Answered by `answer`.
    Offer(Offer),

    /// Sends a message to other members of the group. Answered by `sent`.
    Message(ToGroup),
    /// Sends a message to a user of the App who is online. Answered by `sent`.
    UserMessage {
        /// To whom, on all his terminals.
        user: UserId,
        /// Any JSON value.
        body: Payload,
    },
    /// Asks for earlier messages of the group, where it keeps any. Answered by `history`.
    History {
        /// Only those before this number; without it the latest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// The most that are wanted.
        limit: u32,
    },

    /// Makes a white board of the group; `publish` then shows it. Answered by `board_created`.
    CreateBoard(NewBoard),
    /// Ends a board for everybody. Answered by `done`, also when there is no such board.
    DeleteBoard {
        /// Which.
        board: MediaId,
    },
    /// Asks what is on a published board, and to be told of what is drawn from then on. Answered by `board`.
    OpenBoard {
        /// Which.
        board: MediaId,
        /// Only what lies above this, as the answer before has said; without it from the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Wants to be told no more. Answered by `done`, also when it was not open.
    CloseBoard {
        /// Which.
        board: MediaId,
    },
    /// Draws on a board, or changes it in another way. Answered by `done`.
    Draw(Draw),
    /// Shows what is being drawn. Answered by `done`.
    Sketch(Sketch),

    /// Asks who is online, and from then on to be told of changes. Answered by `online`.
    Online(OnlinePage),
    /// Is no longer interested in who is online. Answered by `done`.
    Unwatch {},
    /// Sets the free text that others see beside this terminal. Answered by `done`.
    SetState {
        /// Replaces the text before.
        state: String,
    },

    /// Invites users into a group. Answered by `invited`.
    Invite(Invite),
    /// Accepts or rejects an invite. Answered by `done`.
    AnswerInvite(InviteAnswer),
    /// Takes an invite back from those who have not answered. Answered by `done`.
    CancelInvite(InviteCancel),

    /// Removes a member from the group, for who may administer. Answered by `done`.
    Kick {
        /// Whom.
        user: UserId,
        /// For how many seconds he may not come back; without it he may at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ban: Option<u32>,
    },
    /// Silences a member's media at the server or lets it be heard again, for who may administer. Answered by `done`.
    Mute {
        /// Which.
        #[serde(flatten)]
        media: MediaRef,
        /// Silence or not.
        muted: bool,
    },
    /// Closes the group to newcomers or opens it, for who may administer. Answered by `done`.
    Lock {
        /// Closed or open.
        locked: bool,
    },
}
