mod branch;
mod branches;
mod copying;
mod home;
mod site;
mod words;

use std::collections::HashMap;

use hst_cluster::{Owner, pipe::Pipe};
use hst_group::server::{Governance, GroupRequest, MemberId, Permissions, Seat, Stamp, Standing, TrackId};
use hst_id::{MediaRef, UserId};
use hst_proto::{Failure, Media, Prepare, RequestId};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, oneshot},
    time::Duration,
};

#[cfg(test)]
pub(crate) use self::words::ToBranch;
pub(crate) use self::{
    branch::Branch,
    branches::BranchId,
    home::Home,
    site::Site,
    words::{Greeting, ToHome, encode},
};
use crate::{handle::SessionHandle, media::RoomFigures};

/// How long media still cross as they did when a group goes on elsewhere: by then they cross anew.
pub(crate) const GOING: Duration = Duration::from_secs(2);

/// What comes to a group.
#[derive(Debug)]
pub(crate) enum Message {
    /// A session asks to come in.
    Join {
        member: MemberId,
        re: RequestId,
        user: UserId,
        permissions: Permissions,
        /// Where the group's words for it go.
        session: SessionHandle,
    },
    /// A session that may join later sets up its media transport.
    Prepare {
        member: MemberId,
        re: RequestId,
        prepare: Prepare,
        session: SessionHandle,
    },
    /// A member asks something.
    Request {
        member: MemberId,
        re: RequestId,
        request: GroupRequest,
    },
    /// A member's session has ended, or has left before it knew that it was in.
    Gone {
        member: MemberId,
        /// Dropped when whoever joins from now on, by whichever node, finds him gone.
        noticed: oneshot::Sender<()>,
    },
    /// A member of the group is expected, whose session comes from another node.
    Expect {
        member: MemberId,
        seat: Seat,
        session: SessionHandle,
        /// Told when the group's home can send him here.
        ready: oneshot::Sender<()>,
    },
    /// A member's session goes on at another node, which calls him so.
    Pass {
        member: MemberId,
        to: Owner,
        called: MemberId,
        /// Dropped when his transport here is gone, or nobody waits for it.
        over: oneshot::Sender<()>,
    },
    /// A member was passed to that node, and his session stays here after all.
    TakeBack {
        member: MemberId,
        seat: Seat,
        session: SessionHandle,
        from: Owner,
    },
    /// The transport of a member who was passed on has had its time.
    Dismiss(MemberId),
    /// A member's session has missed frames.
    Missed(MemberId),
    /// The media plane has lost a member's transport.
    TransportLost { member: MemberId, generation: u32 },
    /// The media plane knows which encodings of a picture are of use.
    Encodings { track: TrackId, rids: Vec<String> },
    /// The media plane has paused a picture for a member whose network does not carry it, or goes on.
    Starved {
        member: MemberId,
        track: TrackId,
        starved: bool,
    },
    /// The platform acts on the group.
    Govern {
        act: Governance,
        outcome: oneshot::Sender<Result<(), Failure>>,
    },
    /// The platform wants to know who is here.
    Look(oneshot::Sender<GroupView>),
    /// The platform wants to know what flows on this node.
    Measure(oneshot::Sender<Naming>),
    /// Another node has members of this group, and reaches it by this pipe.
    Branch {
        at: Owner,
        pipe: Box<Pipe>,
        /// How the group stood elsewhere, as far as that node has seen it.
        standing: Option<Standing>,
        /// How many members there were, if it has heard everything that was said there.
        told: Option<usize>,
        /// Up to which change that node has a copy of what the group keeps.
        kept: Option<Stamp>,
        /// What both speak.
        words: u16,
        inbox: mpsc::Sender<Self>,
    },
    /// A branch has something for the group.
    Said(BranchId, ToHome),
    /// A member who came by a branch asks something that this version does not understand.
    Strange(BranchId, MemberId, RequestId),
    /// So many words have come to a branch.
    Heard(BranchId, u64),
    /// A branch is gone.
    BranchGone(BranchId),
    /// Another node has the group now.
    Lost,
}

/// A group as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupView {
    pub(crate) members: Vec<UserId>,
    pub(crate) media: Vec<Media>,
    pub(crate) locked: bool,
}

/// The names of all that a group's room on this node has figures of, and the way to these.
#[derive(Debug)]
pub(crate) struct Naming {
    pub(crate) members: HashMap<MemberId, UserId>,
    pub(crate) tracks: HashMap<TrackId, MediaRef>,
    /// None where the server carries no media.
    pub(crate) figures: Option<RoomFigures>,
}
