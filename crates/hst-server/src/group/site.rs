use std::collections::HashMap;

use hst_cascade::Joined;
use hst_cluster::{NodeId, Owner};
use hst_group::server::{GroupRequest, Kept, MediaCommand, MemberId, Recipients, Seat, Standing, ToMember, TrackId};
use hst_id::{GroupId, MediaRef};
use hst_proto::{Class, ErrorCode, EventBody, Failure, Prepare, Reply, RequestId};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{Message, Naming, branches::BranchId};
use crate::{
    handle::{SessionHandle, Word},
    media::RoomMedia,
};

/// A group as far as it is on this node: its sessions here, and the room of the media plane that carries their media. Who is a
/// member, and what the room is to do, is decided by the group's home, on this node or on another. When the home moves, the
/// site stays as it is.
///
/// It never waits for a session, so no member can hold up the others.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) id: GroupId,
    /// How the group as a whole stands, as far as it is known here.
    pub(crate) standing: Standing,
    /// How many members there are, if the group goes on elsewhere and all have been told everything.
    pub(crate) told: Option<usize>,
    /// A copy of what the group keeps, as far as it has come here. A home has the original.
    pub(crate) kept: Kept,
    /// Another node may have a better copy, and is let go first when the next home is looked for.
    pub(crate) hesitates: bool,
    inbox: mpsc::Receiver<Message>,
    sessions: HashMap<MemberId, Session>,
    /// Who has a transport here and may not be in the group, and the sessions that wait for an answer.
    guests: HashMap<MemberId, SessionHandle>,
    /// Who comes by another node now, and whose transport here carries on until he has one there; who waits for its end.
    passed: HashMap<MemberId, oneshot::Sender<()>>,
    media: RoomMedia,
    /// Offers that the media plane is at work on: no more than its queue takes.
    offers: JoinSet<Answered>,
    /// What is published in the group, on whichever node.
    tracks: HashMap<TrackId, Track>,
    /// The last branch of a home here. What one of before has said may still wait in the inbox: no number comes twice.
    last_branch: BranchId,
}

/// Somebody who is in the group on this node, or on his way in.
#[derive(Debug)]
struct Session {
    handle: SessionHandle,
    /// What he has in the group, as the home has told.
    seat: Seat,
    stage: Stage,
    /// What he has asked and has no answer to: one at a time, beside offers.
    asked: Vec<RequestId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Joining(RequestId),
    /// Expected from another node.
    Expected,
    In,
    Leaving(RequestId),
}

/// Somebody with whom a site comes to a new home.
#[derive(Debug)]
pub(crate) enum Comer {
    /// He was in the group.
    Back(MemberId, Seat),
    /// He asks to come in.
    New(MemberId, RequestId, Seat),
}

/// A published stream, and the node by which its publisher came.
#[derive(Debug)]
struct Track {
    media: MediaRef,
    at: Owner,
}

type Answered = (MemberId, RequestId, Result<String, Failure>);

/// What happens next at a site.
pub(crate) enum Turn {
    /// Somebody has something for the group.
    Message(Message),
    /// The media plane has answered a member's offer.
    Answered(MemberId, RequestId, Result<String, Failure>),
    /// Nobody is left who could ask anything.
    Over,
}

impl Site {
    pub(crate) fn new(id: GroupId, inbox: mpsc::Receiver<Message>, media: RoomMedia) -> Self {
        Self {
            id,
            standing: Standing::default(),
            told: None,
            kept: Kept::default(),
            hesitates: false,
            inbox,
            sessions: HashMap::new(),
            guests: HashMap::new(),
            passed: HashMap::new(),
            media,
            offers: JoinSet::new(),
            tracks: HashMap::new(),
            last_branch: BranchId::HOME,
        }
    }

    /// Waits for what happens next. What concerns this node alone is done here. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Turn {
        loop {
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(Message::Measure(naming)) => _ = naming.send(self.naming()),
                    Some(message) => return Turn::Message(message),
                    None => return Turn::Over,
                },
                Some(answered) = self.offers.join_next() => match answered {
                    Ok((member, re, answer)) => match self.guest(member) {
                        // A session that has ended needs no answer.
                        Some(guest) => _ = guest.tell(Word::Answer(re, answer.map(|sdp| Reply::Answer { sdp }))),
                        None => return Turn::Answered(member, re, answer),
                    },
                    Err(error) => tracing::error!(%error, group = %self.id, "an offer was not answered"),
                },
            }
        }
    }

    /// Whether the media plane is at work on an offer.
    pub(crate) fn has_offers(&self) -> bool {
        !self.offers.is_empty()
    }

    /// Waits for the answer to an offer, while nothing else is to be taken. Cancel-safe.
    pub(crate) async fn next_answer(&mut self) -> Turn {
        loop {
            match self.offers.join_next().await {
                Some(Ok((member, re, answer))) => return Turn::Answered(member, re, answer),
                Some(Err(error)) => tracing::error!(%error, group = %self.id, "an offer was not answered"),
                None => std::future::pending().await,
            }
        }
    }

    /// The session of somebody who is not in the group.
    fn guest(&self, member: MemberId) -> Option<&SessionHandle> {
        let guest = self.guests.get(&member);
        guest.filter(|_| !self.sessions.contains_key(&member))
    }

    /// Nobody comes in, and whoever wants to is told why.
    pub(crate) async fn refuse(mut self, why: Failure) {
        loop {
            match self.next().await {
                Turn::Message(Message::Join {
                    member, re, session, ..
                }) => {
                    let result = Err(why.clone());
                    // A session that has ended needs no answer.
                    let _ = session.tell(Word::Group(member, ToMember::Reply { re, result }));
                }
                Turn::Message(Message::Prepare { re, session, .. }) => {
                    let _ = session.tell(Word::Answer(re, Err(why.clone())));
                }
                Turn::Message(_) | Turn::Answered(..) => {}
                Turn::Over => return,
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.passed.is_empty()
    }

    /// How the group stands, as those here who are in it have seen it.
    pub(crate) fn standing_of_members(&self) -> Option<Standing> {
        // Who is on his way in may have found what a group has left behind that is over.
        let mut stages = self.sessions.values().map(|session| session.stage);
        stages.any(|stage| stage == Stage::In).then_some(self.standing)
    }

    /// A session may be told something from here on.
    pub(crate) fn enter(&mut self, member: MemberId, re: RequestId, seat: Seat, handle: SessionHandle) {
        let session = Session {
            handle,
            seat,
            stage: Stage::Joining(re),
            asked: Vec::new(),
        };
        self.sessions.insert(member, session);
    }

    /// A member is about to come from another node.
    pub(crate) fn expect(&mut self, member: MemberId, seat: Seat, handle: SessionHandle) {
        let session = Session {
            handle,
            seat,
            stage: Stage::Expected,
            asked: Vec::new(),
        };
        self.sessions.insert(member, session);
    }

    /// A member is to come by another node; `over` is dropped when nothing of him is here any more.
    pub(crate) fn begin_to_pass(&mut self, member: MemberId, over: oneshot::Sender<()>) {
        self.passed.insert(member, over);
    }

    /// A member comes by another node from now on, if that is done, and is told nothing any more by this one.
    pub(crate) fn pass(&mut self, member: MemberId, is_done: bool) {
        let has_transport = match is_done {
            true => self.sessions.remove(&member).map(|session| {
                let _ = session.handle.tell(Word::Passed(member, true));
                session.seat.has_transport()
            }),
            false => self.sessions.get(&member).map(|session| {
                let _ = session.handle.tell(Word::Passed(member, false));
                false
            }),
        };
        if !has_transport.unwrap_or(is_done) {
            self.passed.remove(&member);
        }
    }

    /// A transport has been lost, or has had its time, whose member comes by another node. Says whether it is that of one.
    pub(crate) async fn let_go(&mut self, member: MemberId) -> bool {
        let is_passed = self.passed.remove(&member).is_some();
        if is_passed {
            self.command(MediaCommand::EndPeer(member)).await;
        }
        is_passed
    }

    /// A member asks something, and is to have an answer.
    pub(crate) fn ask(&mut self, member: MemberId, re: RequestId, request: &GroupRequest) {
        if let Some(session) = self.sessions.get_mut(&member) {
            session.asked.push(re);
            if *request == GroupRequest::Leave {
                session.stage = Stage::Leaving(re);
            }
        }
    }

    /// What a member has in the group, should it go on elsewhere.
    pub(crate) fn keep(&mut self, member: MemberId, seat: Seat) {
        if let Some(session) = self.sessions.get_mut(&member) {
            session.seat = seat;
            if session.stage == Stage::Expected {
                session.stage = Stage::In;
            }
        }
    }

    /// The home is gone, and another is looked for. Of what was asked of it nobody knows whether it was done.
    pub(crate) fn move_out(&mut self) -> Vec<Comer> {
        let unknown = Failure::new(
            ErrorCode::OperationFailed,
            "the group has moved to another node meanwhile: nobody knows whether this was done",
        );
        // The next home says again what is published.
        self.tracks.clear();
        let mut comers = Vec::new();
        self.sessions.retain(|&member, session| {
            let answers = session.asked.drain(..).map(|re| {
                let result = match session.stage == Stage::Leaving(re) {
                    true => Ok(Reply::Done {}),
                    false => Err(unknown.clone()),
                };
                Word::Group(member, ToMember::Reply { re, result })
            });
            let mut is_gone = false;
            for answer in answers {
                is_gone |= session.handle.tell(answer).is_err();
            }
            match session.stage {
                _ if is_gone => false,
                Stage::Joining(re) => {
                    comers.push(Comer::New(member, re, session.seat.clone()));
                    true
                }
                Stage::In => {
                    comers.push(Comer::Back(member, session.seat.clone()));
                    true
                }
                Stage::Expected => {
                    // Where he is nobody knows now.
                    let _ = session.handle.tell(Word::GroupLost(member));
                    false
                }
                Stage::Leaving(_) => false,
            }
        });
        comers
    }

    /// A number for a branch that comes to the home here.
    pub(crate) fn next_branch(&mut self) -> BranchId {
        self.last_branch = self.last_branch.next();
        self.last_branch
    }

    /// Whether somebody is in the group here, and not only on his way.
    pub(crate) fn has_members(&self) -> bool {
        self.sessions.values().any(|session| session.stage == Stage::In)
    }

    /// The members that are here.
    pub(crate) fn members(&self) -> impl Iterator<Item = MemberId> {
        self.sessions.keys().copied()
    }

    /// A member is told nothing any more.
    pub(crate) fn forget(&mut self, member: MemberId) {
        self.sessions.remove(&member);
    }

    /// Who has prepared to come, and has not, or is not there any more.
    pub(crate) async fn dismiss(&mut self, member: MemberId) {
        if self.guests.remove(&member).is_some() {
            self.command(MediaCommand::EndPeer(member)).await;
        }
    }

    /// Tells one member something, and says whether he is at his end: a session that takes nothing any more.
    #[must_use]
    pub(crate) fn tell(&mut self, member: MemberId, what: ToMember) -> Option<MemberId> {
        let session = self.sessions.get_mut(&member)?;
        if let ToMember::Reply { re, result } = &what {
            session.asked.retain(|asked| asked != re);
            if session.stage == Stage::Joining(*re) && result.is_ok() {
                session.stage = Stage::In;
            }
        }
        session.handle.tell(Word::Group(member, what)).err()?;
        self.sessions.remove(&member);
        Some(member)
    }

    /// Tells several members something, and says who of them are at their end.
    #[must_use]
    pub(crate) fn tell_all(&mut self, to: &Recipients, body: &EventBody, class: Class) -> Vec<MemberId> {
        let mut gone = Vec::new();
        let mut tell = |member: MemberId, session: &Session| {
            // Until the home says that he comes by this node, he is told by another; and until it lets him in, nobody tells him.
            if matches!(session.stage, Stage::Expected | Stage::Joining(_)) {
                return;
            }
            let what = match class {
                Class::Reliable => ToMember::Event(body.clone()),
                Class::Lossy => ToMember::Lossy(body.clone()),
            };
            if session.handle.tell(Word::Group(member, what)).is_err() {
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
        for member in &gone {
            self.sessions.remove(member);
        }
        gone
    }

    /// Sets up a transport that carries nothing, for somebody who is not in the group.
    pub(crate) async fn prepare(&mut self, member: MemberId, re: RequestId, prepare: Prepare, session: SessionHandle) {
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

    /// The room is one with that of the group at the other node until what this gives is dropped.
    pub(crate) fn join(&self, node: &NodeId) -> Option<Joined> {
        self.media.join(node)
    }

    /// Has the room do something.
    pub(crate) async fn command(&mut self, command: MediaCommand) {
        if let MediaCommand::EndTrack(track) = &command {
            self.tracks.remove(track);
        }
        let offer = match &command {
            MediaCommand::Offer { member, re, .. } => Some((*member, *re)),
            _ => None,
        };
        let handle_of = |member| {
            let member_of = self.sessions.get(&member).map(|session| &session.handle);
            member_of.or_else(|| self.guests.get(&member))
        };
        let foretold = offer
            .and_then(|(member, _)| handle_of(member))
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

    /// A media is published in the group, by somebody who came by this node or by another. It is over when the room is told
    /// that its track is.
    pub(crate) fn publish(&mut self, track: TrackId, media: MediaRef, at: Owner) {
        self.tracks.insert(track, Track { media, at });
    }

    /// What is published in the group, and where.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = (TrackId, &MediaRef, &Owner)> {
        self.tracks.iter().map(|(&id, track)| (id, &track.media, &track.at))
    }

    fn naming(&self) -> Naming {
        let members = self
            .sessions
            .iter()
            .map(|(&id, session)| (id, session.seat.user.clone()));
        let tracks = self.tracks.iter().map(|(&id, track)| (id, track.media.clone()));
        Naming {
            members: members.collect(),
            tracks: tracks.collect(),
            figures: self.media.figures(),
        }
    }
}

impl Drop for Site {
    /// A group ends when it is empty. If it ends by a fault, those who are in it or on their way must not wait for it.
    fn drop(&mut self) {
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Join { member, session, .. } = message {
                // One that is gone need not be told.
                let _ = session.tell(Word::GroupLost(member));
            }
        }
        for (member, session) in self.sessions.drain() {
            let _ = session.handle.tell(Word::GroupLost(member));
        }
    }
}

#[cfg(test)]
mod tests;
