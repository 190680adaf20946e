//! The door of the server: connections before login, and who is let in.

use std::collections::VecDeque;

use bytes::Bytes;
use hst_group::server::{LOGIN_DEADLINE, Session, SessionOutput, SignIn, SignedIn};
use hst_id::UserId;
use hst_proto::{ErrorCode, Failure, Resume};

use super::{
    Actor, World,
    network::LinkId,
    server::{Seat, Server, SessionId},
};

/// A connection before login.
pub struct Greeting {
    core: Session,
    unread: VecDeque<Bytes>,
}

impl World {
    pub(super) fn accept(&mut self, link: LinkId) {
        let core = Session::new(self.now, self.now + LOGIN_DEADLINE);
        let unread = VecDeque::new();
        self.server.greetings.insert(link, Greeting { core, unread });
        self.drain_greeting(link);
    }

    /// A frame has come from somebody at the door.
    pub(super) fn greet(&mut self, link: LinkId, frame: Bytes) {
        greeting_of(&mut self.server, link).unread.push_back(frame);
        self.drain_greeting(link);
    }

    pub(super) fn fire_greeting(&mut self, link: LinkId) {
        if let Some(greeting) = self.server.greetings.get_mut(&link) {
            if greeting.core.poll_timeout().is_some_and(|due| due <= self.now) {
                greeting.core.handle_timeout(self.now);
            }
            self.drain_greeting(link);
        }
    }

    fn drain_greeting(&mut self, link: LinkId) {
        while let Some(greeting) = self.server.greetings.get_mut(&link) {
            let Some(output) = greeting.core.poll_output() else {
                if !greeting.core.is_busy()
                    && let Some(frame) = greeting.unread.pop_front()
                {
                    greeting.core.handle_frame(self.now, &frame);
                    continue;
                }
                let due = greeting.core.poll_timeout();
                return self.agenda.arm(Actor::Greeting(link), due);
            };
            match output {
                SessionOutput::Send(frame) => drop(self.push(link, frame)),
                SessionOutput::SignIn(who) => match self.sign_in(&who, link) {
                    Ok(signed_in) => return self.begin(link, who.user, signed_in),
                    Err(failure) => {
                        let now = self.now;
                        greeting_of(&mut self.server, link)
                            .core
                            .handle_signed_in(now, Err(failure));
                    }
                },
                SessionOutput::Resume { re, resume } => match self.find(&resume) {
                    Ok(id) => {
                        let greeting = self.server.greetings.remove(&link).unwrap();
                        return self.attach(id, link, re, resume.got, greeting.unread);
                    }
                    Err(failure) => greeting_of(&mut self.server, link).core.handle_not_resumed(failure),
                },
                SessionOutput::Close(_) | SessionOutput::HangUp(_) => {
                    self.server.greetings.remove(&link);
                    self.let_go(link);
                }
                other => panic!("a session asks too early: {other:?}"),
            }
        }
    }

    fn sign_in(&mut self, who: &SignIn, link: LinkId) -> Result<SignedIn, Failure> {
        if let Some(why) = &self.server.refuses {
            self.server.refused += 1;
            return Err(why.clone());
        }
        let token = &who.login.token;
        if token == "bad" || self.server.accepts_only.as_ref().is_some_and(|only| only != token) {
            return Err(Failure::new(ErrorCode::TokenRefused, "no"));
        }
        if let Some(previous) = &who.login.previous {
            let (session, secret) = (previous.session.clone(), previous.secret.clone());
            let resume = Resume {
                protocol: 1,
                session,
                secret,
                got: 0,
            };
            if let Ok(id) = self.find(&resume) {
                self.end_session(id, Failure::new(ErrorCode::SessionGone, "another session was begun"));
            }
        }
        match self.server.online.get(&who.user) {
            Some(&id) if who.login.force => {
                self.end_session(id, Failure::new(ErrorCode::LoginConflict, "logged in elsewhere"));
            }
            Some(_) => return Err(Failure::new(ErrorCode::LoginConflict, "online already")),
            None => {}
        }
        self.server.last_session += 1;
        let id = SessionId(self.server.last_session);
        self.server.online.insert(who.user.clone(), id);
        self.network.links.get_mut(&link).unwrap().session = Some(id);
        Ok(SignedIn {
            session: format!("s{}", id.0),
            secret: secret(id),
            token_lasts: self.server.token_lasts,
            max_message: self.server.rules.max_message,
            ice_servers: Vec::new(),
            foretold: None,
        })
    }

    fn begin(&mut self, link: LinkId, user: UserId, signed_in: SignedIn) {
        let Greeting { mut core, unread } = self.server.greetings.remove(&link).unwrap();
        core.handle_signed_in(self.now, Ok(signed_in));
        let of = &self.network.links[&link];
        let id = of.session.unwrap();
        let seat = Seat::new(core, of.who, user, link, unread, self.now);
        self.server.sessions.insert(id, seat);
        self.drain_session(id);
    }

    fn find(&self, resume: &Resume) -> Result<SessionId, Failure> {
        let gone = Failure::new(ErrorCode::SessionGone, "log in");
        let number = resume.session.strip_prefix('s').and_then(|number| number.parse().ok());
        let Some(id) = number.map(SessionId).filter(|&id| secret(id) == resume.secret) else {
            return Err(gone);
        };
        if self.server.sessions.contains_key(&id) {
            return Ok(id);
        }
        let ended = self
            .server
            .ended
            .iter()
            .find(|(of, _, until)| *of == id && *until > self.now);
        Err(ended.map_or(gone, |(_, why, _)| why.clone()))
    }
}

fn greeting_of(server: &mut Server, link: LinkId) -> &mut Greeting {
    server.greetings.get_mut(&link).expect("it is at the door still")
}

fn secret(id: SessionId) -> String {
    format!(
        "{:032x}",
        u128::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    )
}
