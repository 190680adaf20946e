//! The shell of one engine, which believes nothing that it is told twice or out of place.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hst_group::client::{GroupEvent, Output, Refusal, Session, SessionEvent, State};
use hst_id::{MediaRef, UserId};
use hst_proto::{GroupMessage, Reply, RequestId};

use super::{Actor, World, ledger::MessageId, network::LinkId};

pub struct Client {
    pub session: Session,
    pub link: Option<LinkId>,
    /// How many of its next connections break soon.
    pub breaks: u32,
    pub asked: BTreeSet<RequestId>,
    pub answers: BTreeMap<RequestId, Result<Reply, Refusal>>,
    pub messages_due: HashMap<RequestId, MessageId>,
    pub members: BTreeSet<UserId>,
    /// How many there are, when not all were named.
    pub count: Option<u32>,
    pub media: BTreeSet<MediaRef>,
    pub locked: bool,
    /// Messages to the group, as far as they are kept.
    pub messages: Vec<GroupMessage>,
    pub keeps_messages: bool,
    /// Everything else that the application was told.
    pub events: Vec<SessionEvent>,
    pub removed: Vec<Refusal>,
    pub lost: Vec<Refusal>,
    pub media_closed: usize,
    pub rejoined: usize,
}

impl Client {
    pub fn new(seed: u64) -> Self {
        Self {
            session: Session::new(seed),
            link: None,
            breaks: 0,
            asked: BTreeSet::new(),
            answers: BTreeMap::new(),
            messages_due: HashMap::new(),
            members: BTreeSet::new(),
            count: None,
            media: BTreeSet::new(),
            locked: false,
            messages: Vec::new(),
            keeps_messages: true,
            events: Vec::new(),
            removed: Vec::new(),
            lost: Vec::new(),
            media_closed: 0,
            rejoined: 0,
        }
    }

    pub fn result(&self, id: RequestId) -> &Result<Reply, Refusal> {
        &self.answers[&id]
    }

    /// The texts of the messages that came.
    pub fn texts(&self) -> Vec<String> {
        self.messages
            .iter()
            .map(|message| message.body.as_text().unwrap())
            .collect()
    }

    pub fn has_been_told(&self, event: &SessionEvent) -> bool {
        self.events.contains(event)
    }

    fn take(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::Members(members) => {
                self.members = members.into_iter().collect();
                self.media.clear();
                self.messages.clear();
                (self.count, self.locked) = (None, false);
            }
            GroupEvent::Count(count) => self.count = Some(count),
            GroupEvent::MemberJoined(user) => assert!(self.members.insert(user), "joined twice"),
            GroupEvent::MemberLeft(user) => {
                assert!(self.members.remove(&user), "left without being there");
                assert!(
                    self.count.is_some() || !self.media.iter().any(|m| m.user == user),
                    "left before his media ended"
                );
            }
            GroupEvent::Published(media) => {
                assert!(
                    self.count.is_some() || self.members.contains(&media.key.user),
                    "published by nobody"
                );
                assert!(self.media.insert(media.key), "published twice");
            }
            GroupEvent::Unpublished(media) => assert!(self.media.remove(&media.key), "ended without being there"),
            GroupEvent::Locked(locked) => {
                assert_ne!(self.locked, locked, "told twice");
                self.locked = locked;
            }
            GroupEvent::Message(message) if self.keeps_messages => self.messages.push(message),
            GroupEvent::Removed(why) => self.removed.push(why),
            _ => {}
        }
    }
}

impl World {
    pub(super) fn drain_client(&mut self, who: usize) {
        while let Some(output) = self.clients[who].session.poll_output() {
            let client = &mut self.clients[who];
            match output {
                Output::Connect => self.connect(who),
                Output::Send(frame) => {
                    let link = client.link.expect("a frame is sent over a connection");
                    self.transmit(link, super::End::Server, frame);
                }
                Output::Answered { id, result } => self.answered(who, id, result),
                Output::Event(SessionEvent::Group(event)) => self.tell_group_event(who, event),
                Output::Event(event) => {
                    if event == SessionEvent::Discontinuity {
                        let session = client.link.and_then(|link| self.network.links[&link].session);
                        self.ledger.client_discontinued(who, session);
                    }
                    self.clients[who].events.push(event);
                }
                Output::RenewMedia => {
                    client.rejoined += 1;
                    self.opened(who);
                }
                Output::TransportLost(_) | Output::MoveMedia(_) | Output::Moved(_) | Output::Reconnected => {}
                Output::CloseMedia => client.media_closed += 1,
                Output::Disconnect => self.hang_up(who),
                Output::Lost(why) => {
                    client.lost.push(why);
                    self.ledger.client_left(who);
                }
            }
        }
        let due = self.clients[who].session.poll_timeout();
        self.agenda.arm(Actor::Client(who), due);
    }

    fn answered(&mut self, who: usize, id: RequestId, result: Result<Reply, Refusal>) {
        let client = &mut self.clients[who];
        assert!(client.asked.contains(&id), "an answer to what was not asked");
        if let Some(message) = client.messages_due.remove(&id) {
            self.ledger.outcome(message, &result);
        } else if client.session.state() == State::Joined && matches!(result, Ok(Reply::Done {})) {
            self.opened(who);
        }
        assert!(self.clients[who].answers.insert(id, result).is_none(), "answered twice");
    }

    /// The client is in a group, as far as it knows.
    fn opened(&mut self, who: usize) {
        let session = self.clients[who]
            .link
            .and_then(|link| self.network.links[&link].session);
        if let Some(session) = session {
            self.ledger.client_joined(who, session);
        }
    }

    fn tell_group_event(&mut self, who: usize, event: GroupEvent) {
        let client = &mut self.clients[who];
        match &event {
            GroupEvent::Removed(_) => {
                assert_eq!(client.session.state(), State::LoggedIn, "removed is the last word");
                self.ledger.client_removed(who);
            }
            event => assert_eq!(client.session.state(), State::Joined, "{event:?} outside a group"),
        }
        if let GroupEvent::Message(message) = &event {
            self.ledger.delivered(who, message);
        }
        self.clients[who].take(event);
    }
}
