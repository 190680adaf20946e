use std::collections::HashMap;

use hst_group::server::{Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, ToMember};
use hst_id::{GroupId, UserId};
use hst_proto::{ErrorCode, EventBody, Failure, RequestId};
use tokio::{sync::mpsc, task::JoinSet};

use crate::media::RoomMedia;

/// What comes to a group.
#[derive(Debug)]
pub(crate) enum Message {
    /// A session asks to come in.
    Join {
        member: MemberId,
        re: RequestId,
        user: UserId,
        permissions: Permissions,
        /// Where the group's words for it go. When it is full, the session is cut as a slow reader.
        session: mpsc::Sender<ToMember>,
    },
    /// A member asks something.
    Request {
        member: MemberId,
        re: RequestId,
        request: GroupRequest,
    },
    /// A member's session has ended, or has left before it knew that it was in.
    Gone(MemberId),
    /// The media plane has lost a member's transport.
    TransportLost { member: MemberId, generation: u32 },
}

/// One group at work: it never waits for a session, so no member can hold up the others.
#[derive(Debug)]
pub(crate) struct GroupTask {
    core: Group,
    inbox: mpsc::Receiver<Message>,
    sessions: HashMap<MemberId, mpsc::Sender<ToMember>>,
    media: RoomMedia,
    /// Offers that the media plane is at work on: no more than its queue takes.
    offers: JoinSet<Answered>,
}

type Answered = (MemberId, RequestId, Result<String, Failure>);

impl GroupTask {
    pub(crate) fn new(id: GroupId, inbox: mpsc::Receiver<Message>, media: RoomMedia) -> Self {
        Self {
            core: Group::new(id),
            inbox,
            sessions: HashMap::new(),
            media,
            offers: JoinSet::new(),
        }
    }

    /// Runs until nobody is left who could ask anything.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => self.handle(message),
                    None => return,
                },
                Some(answered) = self.offers.join_next() => match answered {
                    Ok((member, re, answer)) => self.core.handle_answer(member, re, answer),
                    Err(error) => tracing::error!(%error, group = %self.core.id(), "an offer was not answered"),
                },
            }
            while let Some(output) = self.core.poll_output() {
                self.perform(output).await;
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Join {
                member,
                re,
                user,
                permissions,
                session,
            } => {
                self.sessions.insert(member, session);
                self.core.handle_join(member, re, user, permissions);
            }
            Message::Request { member, re, request } => self.core.handle_request(member, re, request),
            Message::Gone(member) => self.core.handle_gone(member),
            Message::TransportLost { member, generation } => self.core.handle_transport_lost(member, generation),
        }
    }

    async fn perform(&mut self, output: GroupOutput) {
        match output {
            GroupOutput::To { member, what } => self.tell(member, what),
            GroupOutput::Tell { members, body } => self.tell_all(&members, &body),
            GroupOutput::Media(command) => self.command(command).await,
            GroupOutput::Departed(member) => {
                self.sessions.remove(&member);
            }
        }
    }

    fn tell_all(&mut self, members: &[MemberId], body: &EventBody) {
        for &member in members {
            self.tell(member, ToMember::Event(body.clone()));
        }
    }

    fn tell(&mut self, member: MemberId, what: ToMember) {
        let Some(session) = self.sessions.get(&member) else {
            return;
        };
        if session.try_send(what).is_err() {
            // It is too slow, or its task has died. Without its sender the session knows that it is out.
            self.sessions.remove(&member);
            self.core.handle_gone(member);
        }
    }

    async fn command(&mut self, command: MediaCommand) {
        let offer = match &command {
            MediaCommand::Offer { member, re, .. } => Some((*member, *re)),
            MediaCommand::EndTrack(_) | MediaCommand::EndPeer(_) => None,
        };
        let answered = self.media.command(command).await;
        if let Some((member, re)) = offer {
            self.offers.spawn(async move {
                let gone = |_| Err(Failure::new(ErrorCode::ServerInternal, "the media plane has ended"));
                (member, re, answered.await.unwrap_or_else(gone))
            });
        }
    }
}
