use hst_id::{MediaId, MediaRef, MediaType, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Drawn, Failure, GroupMessage, Invitation, InviteEnded, InviteResult, Joined, Media, Members, Payload,
    PresenceChange, Sketched,
};

/// What the server tells without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: a new event is a new protocol version"
)]
pub enum Event {
    /// Somebody joined the group.
    MemberJoined {
        /// Who.
        user: UserId,
    },
    /// Somebody left the group or was lost; what he published has ended before.
    MemberLeft {
        /// Who.
        user: UserId,
    },
    /// In a large group, in place of the two above: who joined and left since the last time.
    Members(Members),
    /// A media was published in the group.
    Published(Media),
    /// A media has ended.
    Unpublished(Media),
    /// A media is kept from the others by the server, or not any more; its publisher is told too.
    Muted(Media),
    /// The most that anybody wants of a picture of one's own has changed. It is all that there is at first.
    Wanted {
        /// What it carries.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
        /// In pixels of height; 0 when nobody looks, and without it all that there is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<u32>,
    },
    /// Of a picture that one can send in several encodings side by side, these are of use to somebody; the others need
    /// not be sent.
    Encodings {
        /// What it carries.
        #[serde(rename = "type")]
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
        /// The names of the encodings (RFC 8852).
        rids: Vec<String>,
    },
    /// The receiver's network does not carry even the smallest picture of a media, which is paused for him; or it does
    /// again.
    Starved {
        /// Which.
        #[serde(flatten)]
        key: MediaRef,
        /// Whether it is paused from now on.
        starved: bool,
    },
    /// The group takes newcomers or not.
    Locked {
        /// Whether it is closed.
        locked: bool,
    },
    /// The whole state of the group, after frames were lost.
    Snapshot(Joined),
    /// The session is out of the group without having asked for it, and goes on outside.
    Removed(Failure),
    /// The server's end of the media transport is gone; a new one needs an offer of a higher generation.
    TransportLost {
        /// The generation that was lost.
        generation: u32,
    },

    /// The session goes on at another node of the platform, and with it the media transport of this generation: a new one
    /// there needs an offer of a higher generation. The old one carries on for a while, so that nothing has to be
    /// interrupted.
    TransportMoved {
        /// The generation that is to be replaced.
        generation: u32,
    },

    /// A message to the group.
    Message(GroupMessage),
    /// A message to this user.
    UserMessage {
        /// The sender.
        from: UserId,
        /// Its number among the sender's messages to users.
        seq: u64,
        /// What he sent.
        body: Payload,
    },
    /// Something that the application's own server sends to this terminal.
    ServerMessage {
        /// Any JSON value.
        body: Payload,
    },

    /// What was done on a board that one has open, by oneself too.
    Drawn(Drawn),
    /// What somebody else is drawing on it; may be lost.
    Sketched(Sketched),

    /// Changes of who is online, for who has asked.
    Presence {
        /// In their order.
        changes: Vec<PresenceChange>,
    },

    /// Somebody invites this user.
    Invited(Invitation),
    /// What became of an own invite.
    InviteAnswered(InviteResult),
    /// An invitation is over.
    InviteEnded(InviteEnded),

    /// The token's time is nearly over: `renew` it, or the session ends.
    TokenExpiring {
        /// In how many seconds.
        seconds: u32,
    },
    /// The session goes on at another node of the platform, where it is to be resumed at once; the connection closes after
    /// this.
    Moved {
        /// Where that node's signalling is, best first.
        signal: Vec<String>,
    },
    /// The session is over; the connection closes after this.
    Ended(Failure),
}
