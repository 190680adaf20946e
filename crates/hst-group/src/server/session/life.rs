use std::time::{Duration, Instant};

use hst_proto::{
    ErrorCode, Event, Failure, LoggedIn, PEER_TIMEOUT, RESUME_WINDOW, Reply, RequestId, Resumed, encode_event,
    encode_failure, encode_reply,
};

use super::{CloseWhy, Link, Session, SessionOutput, SignedIn, State, TOKEN_WARNING, Token};

/// A session's beginning, its connections, and its end.
impl Session {
    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once the session has ended.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let link = match self.link {
            Link::Attached { heard } => heard + PEER_TIMEOUT,
            Link::Detached { until } => until,
        };
        match self.state {
            State::New { deadline } => Some(deadline.min(link)),
            State::Ended => None,
            _ => Some(self.token.as_ref().map_or(link, |token| token.due().min(link))),
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match (&self.state, &self.link) {
            (State::Ended, _) => return,
            (State::New { deadline }, _) if now >= *deadline => return self.close(CloseWhy::LoginDeadline),
            (_, Link::Detached { until }) if now >= *until => return self.close(CloseWhy::Away),
            (_, Link::Attached { heard }) if now >= *heard + PEER_TIMEOUT => self.hang_up(CloseWhy::Silent),
            _ => {}
        }
        match &mut self.token {
            Some(token) if now >= token.ends => self.handle_end(Failure::new(
                ErrorCode::TokenExpired,
                "the token's time is over: log in with a new one",
            )),
            Some(token) if now >= token.due() => {
                token.warned = true;
                let seconds = (token.ends - now).as_secs().try_into().unwrap_or(u32::MAX);
                self.handle_event(encode_event(&Event::TokenExpiring { seconds }));
            }
            _ => {}
        }
    }

    /// The outcome of [`SessionOutput::SignIn`]. A refused client may try again until the login deadline.
    pub fn handle_signed_in(&mut self, now: Instant, outcome: Result<SignedIn, Failure>) {
        let State::SigningIn { re, deadline } = self.state else {
            return;
        };
        let reply = match outcome {
            Ok(SignedIn {
                session,
                secret,
                token_lasts,
                max_message,
                ice_servers,
                foretold,
            }) => {
                self.state = State::Online;
                self.received = re;
                self.token = Token::lasting(now, token_lasts);
                let logged_in = LoggedIn {
                    session,
                    secret,
                    resume_window: RESUME_WINDOW.as_secs() as u32,
                    max_message: max_message.try_into().unwrap_or(u32::MAX),
                    ice_servers,
                    foretold,
                };
                encode_reply(re, Reply::LoggedIn(logged_in))
            }
            Err(failure) => {
                self.state = State::New { deadline };
                encode_failure(re, failure)
            }
        };
        self.send(reply);
    }

    /// [`SessionOutput::Resume`] has come to nothing. The client may log in.
    pub fn handle_not_resumed(&mut self, why: Failure) {
        if let State::SigningIn { re, deadline } = self.state {
            self.state = State::New { deadline };
            self.send(encode_failure(re, why));
        }
    }

    /// The outcome of [`UserRequest::Renew`](super::UserRequest::Renew): how long the new token is good.
    pub fn handle_renewed(&mut self, now: Instant, re: RequestId, outcome: Result<Option<Duration>, Failure>) {
        if let Ok(lasts) = outcome {
            self.token = Token::lasting(now, lasts);
        }
        self.handle_answer(re, outcome.map(|_| Reply::Done {}));
    }

    /// The connection is gone. A session that has logged in waits for another one, and nobody is told.
    pub fn handle_detached(&mut self, now: Instant) {
        match self.state {
            State::Ended => {}
            State::New { .. } | State::SigningIn { .. } => self.close(CloseWhy::Away),
            _ => {
                self.link = Link::Detached {
                    until: now + RESUME_WINDOW,
                }
            }
        }
    }

    /// Frames that go out when the client comes back, and their bytes: at most so many.
    pub fn unconfirmed(&self) -> (usize, usize) {
        self.backlog.size()
    }

    /// The client has come back over another connection with request `re`, and has everything up to `got`.
    pub fn handle_attached(&mut self, now: Instant, re: RequestId, got: u64) {
        if self.state == State::Ended {
            return;
        }
        self.link = Link::Attached { heard: now };
        let received = self.received;
        let again: Option<Vec<_>> = self.backlog.after(got).map(Iterator::collect);
        let missed = again.is_none();
        let ice_servers = self.ice_servers.clone();
        let reply = Reply::Resumed(Resumed {
            received,
            missed,
            ice_servers,
        });
        self.send(encode_reply(re, reply));
        for frame in again.unwrap_or_default() {
            self.outputs.push_back(SessionOutput::Send(frame));
        }
        if missed && self.state == State::InGroup {
            self.outputs.push_back(SessionOutput::Missed);
        }
    }

    /// The server ends the session, and the client is told why.
    pub fn handle_end(&mut self, why: Failure) {
        if self.state == State::Ended {
            return;
        }
        self.handle_event(encode_event(&Event::Ended(why.clone())));
        self.why = Some(why);
        self.close(CloseWhy::Ended);
    }

    /// Why the server has ended the session, if it has: for who comes back to it and was away.
    pub fn ended(&self) -> Option<&Failure> {
        self.why.as_ref()
    }

    fn hang_up(&mut self, why: CloseWhy) {
        match self.state {
            State::New { .. } | State::SigningIn { .. } => self.close(why),
            _ => self.outputs.push_back(SessionOutput::HangUp(why)),
        }
    }
}

impl Token {
    fn lasting(now: Instant, lasts: Option<Duration>) -> Option<Self> {
        // A moment that no clock can name never comes.
        let ends = now.checked_add(lasts?)?;
        Some(Self { ends, warned: false })
    }

    /// When the client is to be warned, or the session to be ended.
    fn due(&self) -> Instant {
        if self.warned {
            self.ends
        } else {
            self.ends.checked_sub(TOKEN_WARNING).unwrap_or(self.ends)
        }
    }
}
