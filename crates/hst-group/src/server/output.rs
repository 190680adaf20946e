use std::time::Duration;

use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Class, Draw, EventBody, Failure, NewBoard, Offer, Payload, Priority, Reply, RequestId, RosterPage, Sketch, ToGroup,
};
use serde::{Deserialize, Serialize};

use super::Keep;

/// One session in one group, named by the shell; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub u64);

/// One published stream of a group, for the media plane; never used twice in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackId(pub u64);

/// What a member asks of his group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: mirrors the commands of the wire"
)]
pub enum GroupRequest {
    /// To leave it.
    Leave,
    /// Who is in it.
    Roster(RosterPage),
    /// To announce a media.
    Publish {
        /// What it carries.
        media_type: MediaType,
        /// Which of the member's own.
        media: MediaId,
        /// A free text for the others.
        name: String,
    },
    /// To take an announcement back.
    Unpublish {
        /// What it carried.
        media_type: MediaType,
        /// Which of the member's own.
        media: MediaId,
    },
    /// To receive another member's media.
    Receive(MediaRef),
    /// To receive it no more.
    StopReceive(MediaRef),
    /// To be sent a received picture only as far as it is of use.
    View {
        /// Which.
        media: MediaRef,
        /// In pixels of height; `None` is all that there is.
        height: Option<u32>,
    },
    /// To be sent a received picture before others, or after them.
    Prioritize {
        /// Which.
        media: MediaRef,
        /// How much it matters.
        priority: Priority,
    },
    /// To set up or change the media transport.
    Offer(Offer),
    /// To tell others something.
    Message(ToGroup),
    /// What was said earlier.
    History {
        /// Only before this number.
        before: Option<u64>,
        /// The most messages wanted.
        limit: u32,
    },
    /// To make a white board.
    CreateBoard(NewBoard),
    /// To end one.
    DeleteBoard(MediaId),
    /// What is on one, and what will be.
    OpenBoard {
        /// Which.
        board: MediaId,
        /// Only what lies above this.
        after: Option<u64>,
    },
    /// To be told no more of one.
    CloseBoard(MediaId),
    /// To draw on one.
    Draw(Draw),
    /// To show what is being drawn.
    Sketch(Sketch),
    /// To act on others, for who may.
    Govern(Governance),
}

/// An act on a group or its members by who may administer it: a member, or the platform itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a group must know every kind")]
pub enum Governance {
    /// Removes a member.
    Kick {
        /// Whom.
        user: UserId,
        /// For how long he may not come back.
        ban: Option<Duration>,
    },
    /// Removes a member for a reason that was found elsewhere.
    Remove {
        /// Whom.
        user: UserId,
        /// What he is told.
        why: Failure,
    },
    /// Silences a media at the server or lets it be heard again.
    Mute {
        /// Which.
        media: MediaRef,
        /// Silence or not.
        muted: bool,
    },
    /// Closes the group to newcomers or opens it.
    Lock {
        /// Closed or open.
        locked: bool,
    },
    /// Removes everybody, who are told why.
    Close(Failure),
    /// Tells all members something in the name of the platform.
    Announce(Payload),
}

/// What the shell is to do for a group, in this order.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum GroupOutput {
    /// Hand this to one member's session.
    To {
        /// Whose.
        member: MemberId,
        /// What.
        what: ToMember,
    },
    /// Hand this event to several members' sessions.
    Tell {
        /// Whose.
        to: Recipients,
        /// The event, encoded once.
        body: EventBody,
        /// Whether a slow session may lose it.
        class: Class,
        /// Whether it changes what the group keeps: whoever has a [copy](super::Kept) of that is told, too.
        is_kept: bool,
    },
    /// Tell this whoever has a [copy](super::Kept) of what the group keeps. No member is told.
    Keep(Keep),
    /// Have the media plane do this.
    Media(MediaCommand),
    /// The member is out of the group: forget his session.
    Departed(MemberId),
    /// Keep this user out for so long, also when the group has ended meanwhile.
    Ban {
        /// Whom.
        user: UserId,
        /// From now on.
        time: Duration,
    },
    /// Something that those outside who follow the group want to know.
    Happened(Happening),
}

/// To which members an event goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum Recipients {
    /// To all of them.
    All,
    /// To all but one.
    AllBut(MemberId),
    /// To these.
    Only(Vec<MemberId>),
}

/// What has happened in a group, for those outside who follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum Happening {
    /// A user joined.
    Joined(UserId),
    /// A user left or was lost.
    Left(UserId),
    /// A media was published.
    Published(MediaRef),
    /// A media has ended.
    Unpublished(MediaRef),
}

/// What a group has for a member's session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a group answers or tells")]
pub enum ToMember {
    /// The answer to a request.
    Reply {
        /// The request's number.
        re: RequestId,
        /// What came of it.
        result: Result<Reply, Failure>,
    },
    /// Something that happened.
    Event(EventBody),
    /// Something that a slow session may lose.
    Lossy(EventBody),
    /// The session is out of the group; the event says why.
    Removed(EventBody),
}

/// What the media plane is to do for a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum MediaCommand {
    /// Answer this offer; what comes of it goes to [`Group::handle_answer`](super::Group::handle_answer).
    Offer {
        /// The offering member.
        member: MemberId,
        /// The request to answer.
        re: RequestId,
        /// The client's count of its peer connections.
        generation: u32,
        /// The session description, opaque here.
        sdp: String,
        /// The m-lines that carry something; all others carry nothing.
        lines: Vec<TrackLine>,
    },
    /// Keep the track from all receivers, or do so no more.
    MuteTrack {
        /// Which.
        track: TrackId,
        /// Keep it from them or not.
        muted: bool,
    },
    /// Keep the track from one receiver, or do so no more.
    HoldTrack {
        /// The receiver.
        member: MemberId,
        /// Which.
        track: TrackId,
        /// Keep it from him or not.
        held: bool,
    },
    /// A receiver can show pictures of the track up to a height, in pixels; `None` is everything.
    ViewTrack {
        /// The receiver.
        member: MemberId,
        /// Which.
        track: TrackId,
        /// How high.
        height: Option<u32>,
    },
    /// The track's pictures matter so much to a receiver, beside others; they are all alike until it is said.
    PrioritizeTrack {
        /// The receiver.
        member: MemberId,
        /// Which.
        track: TrackId,
        /// How much.
        priority: Priority,
    },
    /// The track is over: nobody receives it any more.
    EndTrack(TrackId),
    /// The member is gone: drop his transport.
    EndPeer(MemberId),
}

/// One m-line that carries something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackLine {
    /// Its media identification tag.
    pub mid: String,
    /// Which track, and which way.
    pub role: TrackRole,
    /// Whose it is, where it is received and to be played in step with whatever else of him has this: his sounds with his pictures,
    /// but for those of a screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_step_with: Option<MemberId>,
}

/// Which track an m-line carries, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a line sends or receives")]
pub enum TrackRole {
    /// The member sends it.
    Send(TrackId),
    /// The member receives it.
    Receive(TrackId),
}
