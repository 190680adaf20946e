use std::collections::BTreeMap;

use hst_cluster::Owner;
use hst_group::server::{
    GroupRequest, Keep, MediaCommand, MemberId, Recipients, Seat, Stamp, Standing, ToMember, TrackId,
};
use hst_id::{AppId, GroupId, MediaRef, UserId};
use hst_proto::{Class, EventBody, Failure, RequestId};
use serde::{Deserialize, Serialize};

/// How a branch introduces itself to the home of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// [What both speak](crate::versions). New words that a neighbour may pass over need no new one.
    pub(crate) version: u16,
    pub(crate) app: AppId,
    pub(crate) group: GroupId,
    /// The home's number for the group, as the directory has it.
    pub(crate) number: u64,
    /// The node of the branch.
    pub(crate) from: Owner,
    /// How the group stood elsewhere, as far as the branch has seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) standing: Option<Standing>,
    /// How many members there were, if the branch has heard everything that was said where the group was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) told: Option<usize>,
    /// Up to which change the branch has a copy of what the group keeps, if it has a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<Stamp>,
}

/// What a branch has for the home of a group. Members are named as the branch names them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToHome {
    /// Somebody was in the group when it was elsewhere, and had this.
    Return { member: MemberId, seat: Seat },
    /// All who come back by this branch have been named.
    Returned,
    /// A session asks to come in.
    Join {
        member: MemberId,
        re: RequestId,
        seat: Seat,
    },
    /// A member asks something.
    Ask {
        member: MemberId,
        re: RequestId,
        request: GroupRequest,
    },
    /// A member's session has ended, or has left before it knew that it was in.
    Gone(MemberId),
    /// A member's session goes on at another node, which calls him so.
    Pass {
        member: MemberId,
        to: Owner,
        called: MemberId,
    },
    /// This user was passed to that node, and his session is here after all.
    TakeBack {
        member: MemberId,
        user: UserId,
        from: Owner,
    },
    /// All that there is to say was said.
    Silent,
    /// A member's session has missed frames.
    Missed(MemberId),
    /// The media plane has answered an offer.
    Answered {
        member: MemberId,
        re: RequestId,
        answer: Result<String, Failure>,
    },
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
}

/// Something that a branch has said and that this version does not understand.
#[derive(Debug)]
pub(crate) struct Strange {
    pub(crate) error: serde_json::Error,
    /// Who waits for an answer to it, by which request.
    pub(crate) asked: Option<(MemberId, RequestId)>,
}

impl ToHome {
    pub(crate) fn read(word: &[u8]) -> Result<Self, Strange> {
        serde_json::from_slice(word).map_err(|error| {
            let asked = serde_json::from_slice::<BTreeMap<String, Asked>>(word).ok();
            let asked = asked.and_then(|kinds| kinds.into_values().next());
            Strange {
                error,
                asked: asked.map(|Asked { member, re }| (member, re)),
            }
        })
    }
}

/// Whoever asks, whatever he asks.
#[derive(Deserialize)]
struct Asked {
    member: MemberId,
    re: RequestId,
}

/// What the home of a group has for a branch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToBranch {
    /// Tell one of your members this.
    To { member: MemberId, what: ToMember },
    /// Tell several of yours this. By then the last message has this number.
    Tell {
        to: Recipients,
        body: EventBody,
        class: Class,
        last_message: u64,
        /// Whether it changes what the group keeps.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_kept: bool,
    },
    /// This is for your copy of what the group keeps.
    Keep(Keep),
    /// Have your room do this.
    Media(MediaCommand),
    /// The last that there is for one of your members: he comes by another node from now on, if it is done.
    Passed { member: MemberId, is_done: bool },
    /// The group is about to go on at another node: say what you are to say, and then nothing until it is there.
    Closing,
    /// The group goes on at another node. If so many members come there, nobody will have noticed.
    Over { members: Option<usize> },
    /// He is not in the group any more.
    Departed(MemberId),
    /// He has this in the group, should it go on elsewhere.
    Seat { member: MemberId, seat: Seat },
    /// The group stands so, should it go on elsewhere.
    Stands(Standing),
    /// This is published, by somebody who came by that node.
    Published { track: TrackId, media: MediaRef, at: Owner },
}

/// As words go between nodes.
pub(crate) fn encode(words: &impl Serialize) -> bytes::Bytes {
    serde_json::to_vec(words)
        .expect("names, numbers and texts are JSON")
        .into()
}
