use hst_id::{MediaId, MediaRef, MediaType};
use hst_proto::{EventBody, Failure, Offer, Payload, Reply, RequestId};

/// One session in one group, named by the shell; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// One published stream of a group, for the media plane; never used twice in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

/// What a member asks of his group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: mirrors the commands of the wire"
)]
pub enum GroupRequest {
    /// To leave it.
    Leave,
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
    /// To set up or change the media transport.
    Offer(Offer),
    /// To tell all others something.
    Message(Payload),
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
        members: Vec<MemberId>,
        /// The event, encoded once.
        body: EventBody,
    },
    /// Have the media plane do this.
    Media(MediaCommand),
    /// The member is out of the group: forget his session.
    Departed(MemberId),
}

/// What a group has for a member's session.
#[derive(Debug, Clone)]
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
}

/// What the media plane is to do for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The track is over: nobody receives it any more.
    EndTrack(TrackId),
    /// The member is gone: drop his transport.
    EndPeer(MemberId),
}

/// One m-line that carries something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackLine {
    /// Its media identification tag.
    pub mid: String,
    /// Which track, and which way.
    pub role: TrackRole,
}

/// Which track an m-line carries, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a line sends or receives")]
pub enum TrackRole {
    /// The member sends it.
    Send(TrackId),
    /// The member receives it.
    Receive(TrackId),
}
