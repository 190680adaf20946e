use std::time::Duration;

use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{GroupMessage, Invitation, InviteEnded, InviteResult, Media, Payload, PresenceChange};

use super::Refusal;

/// What a session tells its application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a shell must pass on every kind")]
pub enum SessionEvent {
    /// Something happened in the group.
    Group(GroupEvent),
    /// Somebody has come online, has changed his text, or has gone; told after the users online were asked for.
    Presence(PresenceChange),
    /// A user wrote to this one.
    UserMessage {
        /// The sender.
        from: UserId,
        /// Its number among his messages to users.
        seq: u64,
        /// What he sent.
        body: Payload,
    },
    /// The application's server wrote to this terminal, or to the whole group.
    ServerMessage(Payload),
    /// Somebody invites this user.
    Invited(Invitation),
    /// What became of an own invite with one of the invited.
    InviteAnswered(InviteResult),
    /// An invitation is over: stop ringing.
    InviteEnded(InviteEnded),
    /// The token ends in so long: renew it.
    TokenExpiring(Duration),
    /// The connection is lost and being made again. Calls wait; the group does not notice.
    Reconnecting,
    /// The connection is there again.
    Reconnected,
    /// Comes behind `Reconnected` when messages or invites may have been missed. Members, media and presence are right
    /// again after the events that follow it.
    Discontinuity,
}

/// What happens in the group that the engine is in. None comes after `leave` was called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// The other members at the moment of joining; comes once, before all others. In a large group these are only the
    /// first by name, and [`Count`](Self::Count) follows.
    Members(Vec<UserId>),
    /// How many members a large group has, oneself included. Not all of them were named: ask for the roster.
    Count(u32),
    /// Somebody joined.
    MemberJoined(UserId),
    /// Somebody left or was lost; his media have ended before.
    MemberLeft(UserId),
    /// A media is there; told also for those that were there before.
    Published(Media),
    /// A media has ended.
    Unpublished(Media),
    /// A media, maybe one's own, is silenced at the server or heard again.
    Muted(Media),
    /// The most that anybody wants of a picture of one's own has changed; it is all that there is at first, and again
    /// after a [`Discontinuity`](SessionEvent::Discontinuity) until the next of these. Whoever encodes need not send more.
    Wanted {
        /// What it carries.
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
        /// In pixels of height: 0 when nobody looks, `None` for all that there is.
        height: Option<u32>,
    },
    /// Of a picture of one's own that can be sent in several encodings side by side, these are of use to somebody. Before
    /// the first of these, and after a [`Discontinuity`](SessionEvent::Discontinuity), nobody knows.
    Encodings {
        /// What it carries.
        media_type: MediaType,
        /// Which of one's own of that type.
        media: MediaId,
        /// The names of the encodings.
        rids: Vec<String>,
    },
    /// A picture is paused, because one's own network does not carry even the smallest of it, or goes on.
    Starved {
        /// Which.
        key: MediaRef,
        /// Whether it is paused from now on; it is not after a [`Discontinuity`](SessionEvent::Discontinuity) of which
        /// this is not said again.
        starved: bool,
    },
    /// The group takes newcomers or not.
    Locked(bool),
    /// A message to the group.
    Message(GroupMessage),
    /// The engine is in the group no more, without having asked for it.
    Removed(Refusal),
}
