//! How a session goes from one node to another: what they say to each other, by a pipe of its own.
//!
//! The node that has the session *offers* it. The other one prepares: a place among its sessions, and in the session's group.
//! Then the session comes to rest, its group's home is told, and it is *packed* and sent. Whose it is says the entry of its
//! login in the directory, which the other node writes over: whatever gets lost between them, there is one answer.

mod drain;
mod reception;

pub(crate) use drain::DRAIN;

use std::{collections::BTreeSet, ops::Not};

use hst_auth::{Grants, Scope, UnixMillis};
use hst_cluster::{Login as Record, Owner, Revision, pipe::Pipe};
use hst_group::server::{MemberId, PackedSession, Seat};
use hst_id::{AppId, GroupId, MediaType, TerminalType, UserId};
use hst_proto::Failure;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{apps::TokenFacts, groups::Key as GroupKey};

/// The bytes of a packed session in one message of the pipe.
pub(crate) const CHUNK: usize = 256 * 1024;
/// The most that a packed session may have: twice what is kept for a client, because JSON may write a byte as several.
pub(crate) const MAX_PACKED: usize = 16 * 1024 * 1024;

/// With this a node begins a pipe to the one that is to have a session.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Offered {
    /// [What both speak](crate::versions).
    pub(crate) hands_over: u16,
    pub(crate) from: Owner,
    pub(crate) app: AppId,
    pub(crate) user: UserId,
    /// The group that it is in, and what it may do there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<(GroupId, Seat)>,
}

/// What the node with the session says behind that.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToTaker {
    /// The next bytes of it, as text; the last ones say so.
    Part { text: String, is_last: bool },
}

/// What the other node says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToGiver {
    /// All is prepared: the session is called so here, and so in its group.
    Ready { session: u64, called: MemberId },
    /// It is here.
    Taken,
    /// It is not taken.
    Refused(Failure),
}

/// A session as it goes over.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Packed {
    pub(crate) core: PackedSession,
    pub(crate) secret: String,
    pub(crate) terminal: TerminalType,
    pub(crate) company: String,
    pub(crate) extend_info: String,
    pub(crate) grants: PackedGrants,
    pub(crate) token_id: Option<String>,
    pub(crate) token_issued: Option<u64>,
    /// How many messages it has sent to users.
    pub(crate) messages: u64,
    #[serde(flatten)]
    pub(crate) watch: PackedWatch,
    /// The entry of its login.
    pub(crate) place: String,
    pub(crate) record: Record,
    pub(crate) revision: Revision,
}

/// Whom a session watches, as one node tells another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PackedWatch {
    /// Those up to a name.
    watch: Option<UserId>,
    /// Everybody. Nodes of the version before this could be said pass it over: to them it is nobody.
    #[serde(default, skip_serializing_if = "Not::not")]
    watches_all: bool,
}

/// What a token grants, as one node tells another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PackedGrants {
    login: Reach<UserId>,
    join: Reach<GroupId>,
    publish: Reach<BTreeSet<MediaType>>,
    subscribe: bool,
    message: bool,
    admin: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reach<T> {
    None,
    Only(T),
    Any,
}

/// A session is to go to another node, where all is prepared.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) to: Owner,
    pub(crate) pipe: Pipe,
    pub(crate) session: u64,
    pub(crate) called: MemberId,
    /// The group in which it was when it was prepared.
    pub(crate) group: Option<GroupKey>,
    /// Where clients reach that node.
    pub(crate) signal: Vec<String>,
    /// Dropped when it stays here, or has ended.
    pub(crate) outcome: oneshot::Sender<HasMoved>,
}

/// Where a session is, for whoever wants to move it.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    pub(crate) app: AppId,
    pub(crate) user: UserId,
    pub(crate) group: Option<(GroupId, Seat)>,
}

/// A session is at the other node. What this gives is dropped when its transport here has ended.
#[derive(Debug)]
pub(crate) struct HasMoved(pub(crate) Option<oneshot::Receiver<()>>);

impl PackedGrants {
    pub(crate) fn of(grants: &Grants) -> Self {
        Self {
            login: Reach::of(&grants.login),
            join: Reach::of(&grants.join),
            publish: Reach::of(&grants.publish),
            subscribe: grants.subscribe,
            message: grants.message,
            admin: grants.admin,
        }
    }

    pub(crate) fn unpack(self) -> Grants {
        Grants {
            login: self.login.unpack(),
            join: self.join.unpack(),
            publish: self.publish.unpack(),
            subscribe: self.subscribe,
            message: self.message,
            admin: self.admin,
        }
    }
}

impl<T: Clone> Reach<T> {
    fn of(scope: &Scope<T>) -> Self {
        match scope {
            Scope::None => Self::None,
            Scope::Only(one) => Self::Only(one.clone()),
            Scope::Any => Self::Any,
        }
    }

    fn unpack(self) -> Scope<T> {
        match self {
            Self::None => Scope::None,
            Self::Only(one) => Scope::Only(one),
            Self::Any => Scope::Any,
        }
    }
}

impl PackedWatch {
    pub(crate) fn of(watch: Option<&Option<UserId>>) -> Self {
        Self {
            watch: watch.cloned().flatten(),
            watches_all: watch == Some(&None),
        }
    }

    /// Everybody, or those up to a name.
    pub(crate) fn unpack(self) -> Option<Option<UserId>> {
        match self.watches_all {
            true => Some(None),
            false => self.watch.map(Some),
        }
    }
}

impl Packed {
    pub(crate) fn token(&self) -> TokenFacts {
        TokenFacts {
            id: self.token_id.clone(),
            issued_at: self.token_issued.map(UnixMillis::from_millis),
        }
    }
}
