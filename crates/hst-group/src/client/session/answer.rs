use std::time::{Duration, Instant};

use hst_id::{GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Command, ErrorCode, Event, Failure, Joined, LoggedIn, MAX_PAGE, OnlinePage, Previous, Reply, RequestId, RosterPage,
    ServerFrame, decode_server,
};

use super::{
    GroupBook, Kind, Output, Refusal, Session, SessionEvent, State,
    line::{Line, may_return},
};
use crate::client::GroupEvent;

/// What the server says.
impl Session {
    /// A frame has come. One that makes no sense ends the connection.
    pub fn handle_frame(&mut self, now: Instant, frame: &[u8]) {
        if let Line::Up(pulse) = &mut self.line {
            pulse.heard = now;
        } else if !matches!(self.line, Line::Returning { .. }) {
            return;
        }
        match decode_server(frame) {
            Ok(ServerFrame::Reply { re, seq, result }) => {
                if self.take_number(now, seq)
                    && let Some(kind) = self.requests.close(re)
                {
                    self.answer(now, re, kind, result.map_err(Refusal::from));
                }
            }
            Ok(ServerFrame::Event { seq, event }) => {
                if self.take_number(now, seq) {
                    self.handle_event(now, event);
                }
            }
            Err(e) => {
                // It would come again in the same session.
                self.unsettle();
                self.handle_disconnected(now, &format!("the server sent what is {e}"));
            }
        }
    }

    pub(super) fn answer(&mut self, now: Instant, id: RequestId, kind: Kind, result: Result<Reply, Refusal>) {
        match kind {
            Kind::Unasked | Kind::Ping => return,
            Kind::Verify => return self.handle_verified(result),
            Kind::Resume | Kind::Rejoin => return self.handle_step(now, result),
            Kind::OnlineAgain(page) => return self.handle_page_again(now, &page, result),
            Kind::Login => return self.handle_logged_in(id, result),
            Kind::Exit => {
                self.answered(id, result);
                let why = Refusal::local(ErrorCode::NotLoggedIn, "the session has ended");
                return self.end(State::Inited, &why);
            }
            Kind::Join(group) => return self.handle_joined(id, group, result),
            Kind::Leave => {
                self.state = State::LoggedIn;
                self.group = None;
                // Who was put out meanwhile has left, too.
                return self.answered(id, Ok(Reply::Done {}));
            }
            Kind::Publish(media_type, media, name) => {
                if let (Ok(_), Some(book)) = (&result, &mut self.group) {
                    book.published.insert((media_type, media), name);
                }
            }
            Kind::Receive(key) => {
                if let (Ok(_), Some(book)) = (&result, &mut self.group) {
                    book.receives.insert(key);
                }
            }
            Kind::Online(page) => {
                if let (Ok(Reply::Online(online)), Some(book)) = (&result, &mut self.presence) {
                    // The caller gets the page itself; what is different in it is no news beside that.
                    book.adopt(&page, online.clone());
                }
            }
            Kind::Offer | Kind::Other => {}
        }
        self.answered(id, result);
    }

    fn handle_logged_in(&mut self, id: RequestId, result: Result<Reply, Refusal>) {
        match result {
            Ok(Reply::LoggedIn(logged_in)) => {
                self.begin_session(logged_in);
                self.settle();
                self.left = None;
                self.state = State::LoggedIn;
                self.answered(id, Ok(Reply::Done {}));
            }
            Ok(_) => {
                let why = Refusal::local(
                    ErrorCode::ServerInternal,
                    "the server answered a login with something else",
                );
                self.answered(id, Err(why.clone()));
                self.end(State::Inited, &why);
            }
            Err(why) => {
                self.answered(id, Err(why.clone()));
                self.end(State::Inited, &why);
            }
        }
    }

    pub(super) fn begin_session(&mut self, logged_in: LoggedIn) {
        let LoggedIn {
            session,
            secret,
            max_message,
            ice_servers,
            foretold,
            ..
        } = logged_in;
        self.max_message = max_message as usize;
        self.ice_servers = ice_servers;
        self.foretold = foretold;
        if let Some(login) = &mut self.login {
            login.session = Some(Previous { session, secret });
            login.unanswered = None;
            (login.got, login.confirmed, login.may_jump) = (0, 0, false);
        }
    }

    fn handle_joined(&mut self, id: RequestId, group: GroupId, result: Result<Reply, Refusal>) {
        let own = self.user().cloned();
        match (result, own) {
            (Ok(Reply::Joined(joined)), Some(own)) => {
                self.state = State::Joined;
                let (book, events) = GroupBook::open(group, own, joined);
                self.group = Some(book);
                self.answered(id, Ok(Reply::Done {}));
                self.tell_group(events);
            }
            (result, _) => {
                self.state = State::LoggedIn;
                self.answered(id, result);
            }
        }
    }

    /// The group as it is after something may have been missed: what changed is told, and what this engine did there is
    /// done again.
    pub(super) fn take_up_group(&mut self, now: Instant, joined: Joined) {
        let Some(book) = &mut self.group else { return };
        let events = book.adopt(joined);
        let published: Vec<((MediaType, MediaId), String)> = book
            .published
            .iter()
            .map(|(key, name)| (key.clone(), name.clone()))
            .collect();
        let receives: Vec<MediaRef> = book.receives.iter().cloned().collect();
        self.tell_group(events);
        for ((media_type, media), name) in published {
            let command = Command::Publish {
                media_type,
                media,
                name,
            };
            self.ask(now, Kind::Unasked, command);
        }
        for key in receives {
            self.ask(now, Kind::Unasked, Command::Receive(key));
        }
        self.outputs.push_back(Output::RenewMedia);
    }

    /// The engine is out of the group without having asked for it.
    pub(super) fn removed(&mut self, why: Refusal) {
        if self.state == State::Joined {
            self.state = State::LoggedIn;
            self.group = None;
            self.outputs.push_back(Output::CloseMedia);
            self.tell(SessionEvent::Group(GroupEvent::Removed(why)));
        }
    }

    /// Frames are lost. Until the server tells how the group is, what is told of it may not fit what is known; and it
    /// may have put this engine out.
    pub(super) fn verify_group(&mut self, now: Instant) {
        if let Some(book) = self.group.as_mut().filter(|_| self.state == State::Joined) {
            book.distrust();
            let page = RosterPage { after: None, limit: 1 };
            self.ask(now, Kind::Verify, Command::Roster(page));
        }
    }

    fn handle_verified(&mut self, result: Result<Reply, Refusal>) {
        if let Err(why) = result
            && why.is(ErrorCode::NotInGroup)
        {
            self.removed(why);
        }
    }

    pub(super) fn ask_presence_again(&mut self, now: Instant) {
        if self.presence.is_some() {
            self.ask_page_again(now, None);
        }
    }

    fn ask_page_again(&mut self, now: Instant, after: Option<UserId>) {
        let page = OnlinePage {
            after,
            limit: MAX_PAGE as u32,
        };
        self.ask(now, Kind::OnlineAgain(page.clone()), Command::Online(page));
    }

    fn handle_page_again(&mut self, now: Instant, page: &OnlinePage, result: Result<Reply, Refusal>) {
        let (Ok(Reply::Online(online)), Some(book)) = (result, &mut self.presence) else {
            return;
        };
        let last = online
            .users
            .last()
            .filter(|_| online.more)
            .map(|last| last.user.clone());
        for change in book.adopt(page, online) {
            self.tell(SessionEvent::Presence(change));
        }
        if let Some(last) = last {
            self.ask_page_again(now, Some(last));
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Ended(failure) => self.handle_ended(now, failure),
            Event::Moved { signal } => self.handle_moved(now, signal),
            Event::TokenExpiring { seconds } => {
                self.tell(SessionEvent::TokenExpiring(Duration::from_secs(seconds.into())));
            }
            Event::Presence { changes } => {
                let Some(book) = &mut self.presence else { return };
                let news: Vec<_> = changes.into_iter().filter_map(|change| book.change(change)).collect();
                for change in news {
                    self.tell(SessionEvent::Presence(change));
                }
            }
            Event::UserMessage { from, seq, body } => self.tell(SessionEvent::UserMessage { from, seq, body }),
            Event::ServerMessage { body } => self.tell(SessionEvent::ServerMessage(body)),
            Event::Invited(invitation) => self.tell(SessionEvent::Invited(invitation)),
            Event::InviteAnswered(result) => self.tell(SessionEvent::InviteAnswered(result)),
            Event::InviteEnded(ended) => self.tell(SessionEvent::InviteEnded(ended)),
            // After `leave` was called the group is no more of the application's concern.
            _ if self.state != State::Joined => {}
            // And before the engine is in it again, the answer that says so has it all.
            _ if self.line.is_outside() => {}
            Event::TransportLost { generation } => self.outputs.push_back(Output::TransportLost(generation)),
            Event::TransportMoved { generation } => self.outputs.push_back(Output::MoveMedia(generation)),
            Event::Removed(failure) => self.removed(failure.into()),
            Event::Snapshot(joined) => self.take_up_group(now, joined),
            event => self.handle_group_event(event),
        }
    }

    fn handle_group_event(&mut self, event: Event) {
        let Some(book) = &mut self.group else { return };
        let events = match event {
            Event::Message(message) => vec![GroupEvent::Message(message)],
            Event::Wanted {
                media_type,
                media,
                height,
            } => vec![GroupEvent::Wanted {
                media_type,
                media,
                height,
            }],
            Event::Encodings {
                media_type,
                media,
                rids,
            } => vec![GroupEvent::Encodings {
                media_type,
                media,
                rids,
            }],
            Event::Starved { key, starved } => vec![GroupEvent::Starved { key, starved }],
            // The snapshot to come has it.
            _ if !book.is_trusted() => return,
            Event::MemberJoined { user } => book.member_joined(user),
            Event::MemberLeft { user } => book.member_left(user),
            Event::Members(change) => book.members_changed(change),
            Event::Published(media) => vec![book.published(media)],
            Event::Unpublished(media) => vec![book.unpublished(media)],
            Event::Muted(media) => vec![book.muted(media)],
            Event::Locked { locked } => book.locked(locked).into_iter().collect(),
            _ => return,
        };
        self.tell_group(events);
    }

    /// The server has ended the session. Whoever it was not meant for comes back.
    fn handle_ended(&mut self, now: Instant, failure: Failure) {
        let why = Refusal::from(failure);
        if matches!(self.state, State::LoggingIn | State::Exiting) || !may_return(&why) {
            return self.lose(why);
        }
        self.unsettle();
        self.return_later(now, why.retry_after);
    }

    fn tell_group(&mut self, events: Vec<GroupEvent>) {
        for event in events {
            self.tell(SessionEvent::Group(event));
        }
    }
}
