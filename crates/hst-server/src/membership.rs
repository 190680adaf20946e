use std::sync::Arc;

use hst_group::server::{GroupRequest, MemberId, Permissions, ToMember};
use hst_id::UserId;
use hst_proto::RequestId;
use tokio::sync::mpsc;

use crate::{
    group::Message,
    groups::{Groups, Key},
};

/// What a group has said and the session has not yet passed on. When it is full, the group cuts the session.
const WORDS: usize = 1024;

/// The session's place in a group, from its wish to join until it has left.
#[derive(Debug)]
pub(crate) struct Membership {
    id: MemberId,
    group: mpsc::Sender<Message>,
    words: mpsc::Receiver<ToMember>,
    /// A message for which the group had no room yet.
    unsent: Option<Message>,
    /// The request whose refusal means that the session is not in.
    joining: Option<RequestId>,
    /// The request whose answer means that the session is out.
    leaving: Option<RequestId>,
}

/// What happened next between a session and its group.
#[derive(Debug)]
pub(crate) enum News {
    /// The message that waited is with the group.
    Sent,
    /// The group says something.
    Word(ToMember),
    /// The group has dropped the session, which reads too slowly.
    Out,
    /// The group itself is gone, by a fault.
    GroupLost,
}

impl Membership {
    /// Wishes to join. The answer is a word of the group.
    pub(crate) fn join(groups: &Arc<Groups>, key: Key, re: RequestId, user: UserId, permissions: Permissions) -> Self {
        let (session, words) = mpsc::channel(WORDS);
        let (id, group) = (groups.next_member(), groups.enter(key));
        let join = Message::Join {
            member: id,
            re,
            user,
            permissions,
            session,
        };
        let (unsent, joining) = (Some(join), Some(re));
        Self {
            id,
            group,
            words,
            unsent,
            joining,
            leaving: None,
        }
    }

    /// Asks the group something. Not to be called while it [is sending](Self::is_sending).
    pub(crate) fn ask(&mut self, re: RequestId, request: GroupRequest) {
        if request == GroupRequest::Leave {
            self.leaving = Some(re);
        }
        self.unsent = Some(Message::Request {
            member: self.id,
            re,
            request,
        });
    }

    /// Whether the next request has to wait until the group has room for the last.
    pub(crate) fn is_sending(&self) -> bool {
        self.unsent.is_some()
    }

    /// Waits for what happens next. Cancel-safe.
    pub(crate) async fn news(&mut self) -> News {
        tokio::select! {
            word = self.words.recv() => match word {
                Some(word) => News::Word(word),
                None if self.group.is_closed() => News::GroupLost,
                None => News::Out,
            },
            room = self.group.reserve(), if self.unsent.is_some() => {
                if let (Ok(room), Some(message)) = (room, self.unsent.take()) {
                    room.send(message);
                }
                News::Sent
            }
        }
    }

    /// Takes note of a word, and says whether the session is not in the group after it.
    pub(crate) fn ends_with(&mut self, word: &ToMember) -> bool {
        let ToMember::Reply { re, result } = word else {
            return false;
        };
        match self.joining.take_if(|joining| joining == re) {
            Some(_) => result.is_err(),
            None => self.leaving == Some(*re),
        }
    }

    /// Gives the place back, if it is still taken.
    pub(crate) async fn end(self) {
        let was_never_in = matches!(self.unsent, Some(Message::Join { .. }));
        if !was_never_in && !self.words.is_closed() {
            let _ = self.group.send(Message::Gone(self.id)).await;
        }
    }
}
