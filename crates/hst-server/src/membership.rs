use std::{collections::VecDeque, sync::Arc};

use hst_cluster::Owner;
use hst_group::server::{GroupRequest, MemberId, Permissions, Rules, Seat, ToMember};
use hst_proto::{Prepare, RequestId};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, timeout},
};

use crate::{
    group::Message,
    groups::{Groups, Key},
    handle::SessionHandle,
    session::User,
};

/// How long a group may take to notice that a session has ended.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the transport of a member who comes by another node now may carry on here.
const OVERLAP: Duration = Duration::from_secs(15);

/// The session's place in a group, from its wish to join until it has left.
#[derive(Debug)]
pub(crate) struct Membership {
    id: MemberId,
    key: Key,
    group: mpsc::Sender<Message>,
    /// Messages for which the group had no room yet: a request, and that frames were missed.
    unsent: VecDeque<Message>,
    is_out: bool,
    /// The request whose refusal means that the session is not in.
    joining: Option<RequestId>,
    /// The request whose answer means that the session is out.
    leaving: Option<RequestId>,
}

/// The group is gone, by a fault.
#[derive(Debug)]
pub(crate) struct GroupLost;

impl Membership {
    /// A place that nobody has taken yet.
    pub(crate) fn new(groups: &Arc<Groups>, key: Key, rules: Rules) -> Self {
        let (id, group) = (groups.next_member(), groups.enter(key.clone(), rules));
        Self {
            id,
            key,
            group,
            unsent: VecDeque::new(),
            is_out: false,
            joining: None,
            leaving: None,
        }
    }

    /// A place that is to be taken by a member who comes from another node. What it gives is told when he can.
    pub(crate) fn expected(
        groups: &Arc<Groups>,
        key: Key,
        rules: Rules,
        seat: Seat,
        session: SessionHandle,
    ) -> (Self, oneshot::Receiver<()>) {
        let mut place = Self::new(groups, key, rules);
        let (ready, is_ready) = oneshot::channel();
        place.unsent.push_back(Message::Expect {
            member: place.id,
            seat,
            session,
            ready,
        });
        (place, is_ready)
    }

    /// Waits until he can come, and says whether he can.
    pub(crate) async fn is_expected(&mut self, ready: oneshot::Receiver<()>) -> bool {
        self.send().await.is_ok() && ready.await.is_ok()
    }

    /// The member comes by another node from now on, which calls him so. Whether that is done is a word of the group. `over` is
    /// dropped when nothing of him is here any more.
    pub(crate) fn pass(&mut self, to: Owner, called: MemberId, over: oneshot::Sender<()>) {
        self.unsent.push_back(Message::Pass {
            member: self.id,
            to,
            called,
            over,
        });
    }

    /// The member has been passed to a node, and comes by this one after all.
    pub(crate) fn again(self, id: MemberId, seat: Seat, session: SessionHandle, from: Owner) -> Self {
        let take_back = Message::TakeBack {
            member: id,
            seat,
            session,
            from,
        };
        Self {
            id,
            unsent: VecDeque::from([take_back]),
            ..self
        }
    }

    /// Keeps the group here as long as the transport of a member who has been passed on may carry on.
    pub(crate) async fn linger(self, over: oneshot::Receiver<()>) {
        if timeout(OVERLAP, over).await.is_err() {
            let _ = self.group.send(Message::Dismiss(self.id)).await;
        }
    }

    /// Which group it is in.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether it is a place in this group.
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        self.key == *key
    }

    /// Sets up media for the time when it is taken. The answer is a word for the session.
    pub(crate) fn prepare(&mut self, re: RequestId, prepare: Prepare, session: SessionHandle) {
        self.unsent.push_back(Message::Prepare {
            member: self.id,
            re,
            prepare,
            session,
        });
    }

    /// Wishes to join. The answer is a word of the group.
    pub(crate) fn join(&mut self, re: RequestId, user: &User, permissions: Permissions) {
        self.joining = Some(re);
        self.unsent.push_back(Message::Join {
            member: self.id,
            re,
            user: user.id.clone(),
            permissions,
            session: user.handle.clone(),
        });
    }

    /// Its name in the group.
    pub(crate) fn id(&self) -> MemberId {
        self.id
    }

    /// Asks the group something. Not to be called while it [is sending](Self::is_sending).
    pub(crate) fn ask(&mut self, re: RequestId, request: GroupRequest) {
        if request == GroupRequest::Leave {
            self.leaving = Some(re);
        }
        self.unsent.push_back(Message::Request {
            member: self.id,
            re,
            request,
        });
    }

    /// Asks the group how things are, because frames were missed.
    pub(crate) fn missed(&mut self) {
        self.unsent.push_back(Message::Missed(self.id));
    }

    /// Whether the next request has to wait until the group has room for the last.
    pub(crate) fn is_sending(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Hands what waits over to the group, when it has room. Cancel-safe.
    pub(crate) async fn send(&mut self) -> Result<(), GroupLost> {
        let room = self.group.reserve().await.map_err(|_| GroupLost)?;
        if let Some(message) = self.unsent.pop_front() {
            room.send(message);
        }
        if self.unsent.is_empty() {
            // Most members are at rest, and the room for a few messages is large.
            self.unsent = VecDeque::new();
        }
        Ok(())
    }

    /// Takes note of a word, and says whether the session is not in the group after it.
    pub(crate) fn ends_with(&mut self, word: &ToMember) -> bool {
        self.is_out = match word {
            ToMember::Removed(_) => true,
            ToMember::Reply { re, result } => match self.joining.take_if(|joining| joining == re) {
                Some(_) => result.is_err(),
                None => self.leaving == Some(*re),
            },
            ToMember::Event(_) | ToMember::Lossy(_) => false,
        };
        self.is_out
    }

    /// Gives the place back, if it is still taken: whoever joins afterwards, by whichever node, finds it free.
    pub(crate) async fn end(self) {
        let was_never_in = matches!(
            self.unsent.front(),
            Some(Message::Prepare { .. } | Message::Join { .. })
        );
        if !was_never_in && !self.is_out {
            let (noticed, is_noticed) = oneshot::channel();
            let member = self.id;
            let gone = async {
                let _ = self.group.send(Message::Gone { member, noticed }).await;
                let _ = is_noticed.await;
            };
            // While the group has no home nobody notices, and its next one will find him gone.
            let _ = timeout(NOTICE_TIMEOUT, gone).await;
        }
    }
}
