use std::collections::HashMap;

use hst_group::server::{
    Governance, Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Recipients, Rules, ToMember,
    TrackId,
};
use hst_id::{GroupId, MediaRef, UserId};
use hst_proto::{Class, ErrorCode, EventBody, Failure, Media, Prepare, Reply, RequestId};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    follow::Follow,
    handle::{SessionHandle, Word},
    media::{RoomFigures, RoomMedia},
};

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
    Gone(MemberId),
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
    /// The platform wants to know what flows here.
    Measure(oneshot::Sender<Naming>),
    /// Another node has the group now.
    Lost(Failure),
}

/// A group as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupView {
    pub(crate) members: Vec<UserId>,
    pub(crate) media: Vec<Media>,
    pub(crate) locked: bool,
}

/// The names of all that a group's room has figures of, and the way to these.
#[derive(Debug)]
pub(crate) struct Naming {
    pub(crate) members: HashMap<MemberId, UserId>,
    pub(crate) tracks: HashMap<TrackId, MediaRef>,
    /// None where the server carries no media.
    pub(crate) figures: Option<RoomFigures>,
}

/// One group at work: it never waits for a session, so no member can hold up the others.
#[derive(Debug)]
pub(crate) struct GroupTask {
    core: Group,
    inbox: mpsc::Receiver<Message>,
    sessions: HashMap<MemberId, SessionHandle>,
    media: RoomMedia,
    follow: Follow,
    /// Offers that the media plane is at work on: no more than its queue takes.
    offers: JoinSet<Answered>,
    /// Who has a transport here and may not be in the group, and the sessions that wait for an answer.
    guests: HashMap<MemberId, SessionHandle>,
    /// Why nobody may come in, if the group is not on this node.
    refusal: Option<Failure>,
}

type Answered = (MemberId, RequestId, Result<String, Failure>);

impl GroupTask {
    pub(crate) fn new(
        id: GroupId,
        rules: Rules,
        inbox: mpsc::Receiver<Message>,
        media: RoomMedia,
        follow: Follow,
    ) -> Self {
        Self {
            core: Group::new(id, rules),
            inbox,
            sessions: HashMap::new(),
            media,
            follow,
            offers: JoinSet::new(),
            guests: HashMap::new(),
            refusal: None,
        }
    }

    /// One that is not on this node: whoever comes is told so.
    pub(crate) fn refusing(mut self, why: Failure) -> Self {
        self.refusal = Some(why);
        self
    }

    /// Runs until nobody is left who could ask anything.
    pub(crate) async fn run(mut self) {
        loop {
            let due = self.core.poll_timeout();
            let timeout = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(Message::Prepare { member, re, prepare, session }) => {
                        self.prepare(member, re, prepare, session).await;
                    }
                    Some(Message::Gone(member)) => {
                        self.handle(Message::Gone(member));
                        self.dismiss(member).await;
                    }
                    Some(message) => self.handle(message),
                    None => return,
                },
                Some(answered) = self.offers.join_next() => match answered {
                    Ok((member, re, answer)) => self.answered(member, re, answer),
                    Err(error) => tracing::error!(%error, group = %self.core.id(), "an offer was not answered"),
                },
                () = timeout => self.core.handle_timeout(now()),
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
                if let Some(why) = &self.refusal {
                    let result = Err(why.clone());
                    // A session that has ended needs no answer.
                    let _ = session.tell(Word::Group(member, ToMember::Reply { re, result }));
                    return;
                }
                self.sessions.insert(member, session);
                self.core.handle_join(now(), member, re, user, permissions);
            }
            // Taken care of by the loop.
            Message::Prepare { .. } => {}
            Message::Request { member, re, request } => self.core.handle_request(now(), member, re, request),
            Message::Gone(member) => self.core.handle_gone(now(), member),
            Message::Missed(member) => self.core.handle_missed(member),
            Message::TransportLost { member, generation } => self.core.handle_transport_lost(member, generation),
            Message::Encodings { track, rids } => self.core.handle_encodings(track, rids),
            Message::Starved { member, track, starved } => self.core.handle_starved(member, track, starved),
            Message::Govern { act, outcome } => {
                // Whoever asked may have given up.
                let _ = outcome.send(self.core.handle_governance(now(), act));
            }
            Message::Look(view) => {
                let _ = view.send(GroupView {
                    members: self.core.users().cloned().collect(),
                    media: self.core.media().collect(),
                    locked: self.core.is_locked(),
                });
            }
            Message::Measure(naming) => {
                let members = self.core.members().map(|(id, user)| (id, user.clone()));
                let _ = naming.send(Naming {
                    members: members.collect(),
                    tracks: self.core.tracks().collect(),
                    figures: self.media.figures(),
                });
            }
            Message::Lost(why) => {
                // It goes on elsewhere, and nobody can be in two groups of one name.
                let _ = self.core.handle_governance(now(), Governance::Close(why.clone()));
                self.refusal = Some(why);
            }
        }
    }

    async fn perform(&mut self, output: GroupOutput) {
        match output {
            GroupOutput::To { member, what } => self.tell(member, what),
            GroupOutput::Tell { to, body, class } => self.tell_all(&to, &body, class),
            GroupOutput::Media(command) => self.command(command).await,
            GroupOutput::Departed(member) => {
                self.sessions.remove(&member);
                self.dismiss(member).await;
            }
            GroupOutput::Ban { user, time } => self.follow.ban(user, time),
            GroupOutput::Happened(happening) => self.follow.happened(happening).await,
        }
    }

    /// Sets up a transport that carries nothing, for somebody who is not in the group.
    async fn prepare(&mut self, member: MemberId, re: RequestId, prepare: Prepare, session: SessionHandle) {
        if let Some(why) = &self.refusal {
            // A session that has ended needs no answer.
            let _ = session.tell(Word::Answer(re, Err(why.clone())));
            return;
        }
        self.guests.insert(member, session);
        let Prepare { generation, sdp, .. } = prepare;
        self.command(MediaCommand::Offer {
            member,
            re,
            generation,
            sdp,
            lines: Vec::new(),
        })
        .await;
    }

    /// A member's offer goes by the core, a guest's does not.
    fn answered(&mut self, member: MemberId, re: RequestId, answer: Result<String, Failure>) {
        match self
            .guests
            .get(&member)
            .filter(|_| !self.sessions.contains_key(&member))
        {
            // A session that has ended needs no answer.
            Some(guest) => _ = guest.tell(Word::Answer(re, answer.map(|sdp| Reply::Answer { sdp }))),
            None => self.core.handle_answer(member, re, answer),
        }
    }

    /// Who has prepared to come, and has not, or is not there any more.
    async fn dismiss(&mut self, member: MemberId) {
        if self.guests.remove(&member).is_some() {
            self.command(MediaCommand::EndPeer(member)).await;
        }
    }

    fn tell_all(&mut self, to: &Recipients, body: &EventBody, class: Class) {
        let word = |member| {
            let what = match class {
                Class::Reliable => ToMember::Event(body.clone()),
                Class::Lossy => ToMember::Lossy(body.clone()),
            };
            Word::Group(member, what)
        };
        let mut gone = Vec::new();
        let mut tell = |member: MemberId, session: &SessionHandle| {
            if session.tell(word(member)).is_err() {
                gone.push(member);
            }
        };
        match to {
            Recipients::All => self
                .sessions
                .iter()
                .for_each(|(&member, session)| tell(member, session)),
            Recipients::AllBut(one) => {
                let others = self.sessions.iter().filter(|&(member, _)| member != one);
                others.for_each(|(&member, session)| tell(member, session));
            }
            Recipients::Only(members) => {
                let named = members.iter().filter_map(|member| self.sessions.get_key_value(member));
                named.for_each(|(&member, session)| tell(member, session));
            }
        }
        gone.into_iter().for_each(|member| self.lose(member));
    }

    fn tell(&mut self, member: MemberId, what: ToMember) {
        let Some(session) = self.sessions.get(&member) else {
            return;
        };
        if session.tell(Word::Group(member, what)).is_err() {
            self.lose(member);
        }
    }

    /// A session that takes nothing any more is at its end.
    fn lose(&mut self, member: MemberId) {
        self.sessions.remove(&member);
        self.core.handle_gone(now(), member);
    }

    async fn command(&mut self, command: MediaCommand) {
        let offer = match &command {
            MediaCommand::Offer { member, re, .. } => Some((*member, *re)),
            _ => None,
        };
        let session = offer.and_then(|(member, _)| self.sessions.get(&member).or_else(|| self.guests.get(&member)));
        let foretold = session
            .filter(|session| session.offers_first())
            .map(|session| session.id);
        let answered = self.media.command(command, foretold).await;
        if let Some((member, re)) = offer {
            self.offers.spawn(async move {
                let gone = |_| Err(Failure::new(ErrorCode::ServerInternal, "the media plane has ended"));
                (member, re, answered.await.unwrap_or_else(gone))
            });
        }
    }
}

impl Drop for GroupTask {
    /// A group ends when it is empty. If it ends by a fault, those who are in it or on their way must not wait for it.
    fn drop(&mut self) {
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Join { member, session, .. } = message {
                self.sessions.insert(member, session);
            }
        }
        for (member, session) in self.sessions.drain() {
            // One that is gone need not be told.
            let _ = session.tell(Word::GroupLost(member));
        }
    }
}

/// The group is another node's by now.
pub(crate) fn moved() -> Failure {
    Failure::new(
        ErrorCode::GroupElsewhere,
        "the group has moved to another node: join again",
    )
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
