use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_id::{AppId, GroupId, TerminalType, UserId};
use hst_proto::{
    Command, DecodeError, ErrorCode, Event, Failure, LoggedIn, Login, MAX_NAME_TEXT, PEER_TIMEOUT, Reply, Request,
    RequestId, VERSION, decode_client, encode_event, encode_failure, encode_reply, frame_event,
};

use super::{GroupRequest, ToMember};

/// A connection that has not logged in by then is closed.
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(10);

/// The server's end of one connection: who it is, which group it is in, and what it may ask now.
///
/// Call a `handle_*`, then [`poll_output`](Self::poll_output) until it is empty, and
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout). While it [is busy](Self::is_busy)
/// the shell reads no further frame, which keeps requests in order without a queue.
#[derive(Debug)]
pub struct Session {
    state: State,
    /// The request that the group has not answered yet, so that replies keep the order of requests. Offers are left
    /// out: the media plane may take its time.
    due: Option<RequestId>,
    last_heard: Instant,
    last_event: u64,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<SessionOutput>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    New { deadline: Instant },
    SigningIn { re: RequestId, deadline: Instant },
    Online,
    Joining { re: RequestId },
    InGroup,
    Leaving { re: RequestId },
    Ended,
}

/// What the shell is to do for a session, in this order.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum SessionOutput {
    /// Send this frame.
    Send(Bytes),
    /// Check who this is; the outcome goes to [`Session::handle_signed_in`].
    SignIn(SignIn),
    /// Ask to join this group; its words come to [`Session::handle_group`].
    Join {
        /// Which.
        group: GroupId,
        /// The request's number.
        re: RequestId,
    },
    /// Ask this of the group that the session is in.
    Group {
        /// The request's number.
        re: RequestId,
        /// What.
        request: GroupRequest,
    },
    /// Send what is due, then close; and tell the group, if any, that the member is gone.
    Close(CloseWhy),
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a shell maps every reason to its transport")]
pub enum CloseWhy {
    /// The client asked for it.
    Exit,
    /// The client does not speak the protocol.
    Protocol,
    /// The client was silent for [`PEER_TIMEOUT`].
    Silent,
    /// The client did not log in within [`LOGIN_DEADLINE`].
    LoginDeadline,
    /// The server ended it and has said why.
    Ended,
}

/// Somebody who wants to log in; the names are well-formed, the token is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// His App.
    pub app: AppId,
    /// Who he says he is.
    pub user: UserId,
    /// His terminal.
    pub terminal: TerminalType,
    /// What he brings to prove it, and the rest of his login.
    pub login: Login,
}

impl Session {
    /// A connection was accepted.
    pub fn new(now: Instant) -> Self {
        Self {
            state: State::New {
                deadline: now + LOGIN_DEADLINE,
            },
            due: None,
            last_heard: now,
            last_event: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Whether the next frame has to wait for an outcome that is due.
    pub fn is_busy(&self) -> bool {
        self.due.is_some() || matches!(self.state, State::SigningIn { .. } | State::Joining { .. })
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once the session has ended.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silent = self.last_heard + PEER_TIMEOUT;
        match self.state {
            State::New { deadline } => Some(deadline.min(silent)),
            State::Ended => None,
            _ => Some(silent),
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Ended => {}
            State::New { deadline } if now >= deadline => self.close(CloseWhy::LoginDeadline),
            _ if now >= self.last_heard + PEER_TIMEOUT => self.close(CloseWhy::Silent),
            _ => {}
        }
    }

    /// A frame has come. Not to be called while the session [is busy](Self::is_busy).
    pub fn handle_frame(&mut self, now: Instant, frame: &[u8]) {
        if self.state == State::Ended {
            return;
        }
        self.last_heard = now;
        match decode_client(frame) {
            Ok(Request { id, command }) => {
                if let Err(failure) = self.handle_command(id, command) {
                    self.refuse(id, failure);
                }
            }
            Err(DecodeError::Command { id, reason }) => {
                self.refuse(id, Failure::new(ErrorCode::InvalidArgument, reason));
            }
            Err(_) => self.close(CloseWhy::Protocol),
        }
    }

    /// The outcome of [`SessionOutput::SignIn`]: the session's name, or why not. A refused client may try again until
    /// the login deadline.
    pub fn handle_signed_in(&mut self, outcome: Result<String, Failure>) {
        let State::SigningIn { re, deadline } = self.state else {
            return;
        };
        match outcome {
            Ok(session) => {
                self.state = State::Online;
                self.reply(re, Reply::LoggedIn(LoggedIn { session }));
            }
            Err(failure) => {
                self.state = State::New { deadline };
                self.refuse(re, failure);
            }
        }
    }

    /// The group has something for this session.
    pub fn handle_group(&mut self, what: ToMember) {
        if self.state == State::Ended {
            return;
        }
        match what {
            ToMember::Event(body) => {
                self.last_event += 1;
                self.outputs
                    .push_back(SessionOutput::Send(frame_event(self.last_event, &body)));
            }
            ToMember::Reply { re, result } => {
                self.due.take_if(|due| *due == re);
                match self.state {
                    State::Joining { re: due } if due == re => {
                        self.state = if result.is_ok() { State::InGroup } else { State::Online };
                    }
                    State::Leaving { re: due } if due == re => self.state = State::Online,
                    _ => {}
                }
                match result {
                    Ok(reply) => self.reply(re, reply),
                    Err(failure) => self.refuse(re, failure),
                }
            }
        }
    }

    /// The server ends the session, and the client is told why.
    pub fn handle_end(&mut self, why: Failure) {
        if self.state == State::Ended {
            return;
        }
        self.handle_group(ToMember::Event(encode_event(&Event::Ended(why))));
        self.close(CloseWhy::Ended);
    }

    fn handle_command(&mut self, re: RequestId, command: Command) -> Result<(), Failure> {
        if let State::New { deadline } = self.state {
            return match command {
                Command::Login(login) => self.login(re, login, deadline),
                _ => Err(Failure::new(ErrorCode::SessionNotLoggedIn, "log in first")),
            };
        }
        match command {
            Command::Login(_) => Err(Failure::new(
                ErrorCode::NotInitialised,
                "this connection is logged in already",
            )),
            Command::Ping {} => {
                self.reply(re, Reply::Done {});
                Ok(())
            }
            Command::Exit {} => {
                self.reply(re, Reply::Done {});
                self.close(CloseWhy::Exit);
                Ok(())
            }
            Command::Join { group } => self.join(re, &group),
            Command::Leave {} => {
                self.ask_group(re, GroupRequest::Leave)?;
                self.state = State::Leaving { re };
                Ok(())
            }
            Command::Publish {
                media_type,
                media,
                name,
            } => self.ask_group(
                re,
                GroupRequest::Publish {
                    media_type,
                    media,
                    name,
                },
            ),
            Command::Unpublish { media_type, media } => {
                self.ask_group(re, GroupRequest::Unpublish { media_type, media })
            }
            Command::Receive(key) => self.ask_group(re, GroupRequest::Receive(key)),
            Command::StopReceive(key) => self.ask_group(re, GroupRequest::StopReceive(key)),
            Command::Offer(offer) => self.ask_group(re, GroupRequest::Offer(offer)),
            Command::Message { body } => self.ask_group(re, GroupRequest::Message(body)),
        }
    }

    fn login(&mut self, re: RequestId, login: Login, deadline: Instant) -> Result<(), Failure> {
        if login.protocol != VERSION {
            let message = format!("protocol {} is not spoken here: use {VERSION}", login.protocol);
            return Err(Failure::new(ErrorCode::InvalidArgument, message));
        }
        if login.company.len().max(login.extend_info.len()) > MAX_NAME_TEXT {
            let message = format!("company and extend_info have at most {MAX_NAME_TEXT} bytes");
            return Err(Failure::new(ErrorCode::InvalidArgument, message));
        }
        let user = UserId::parse(&login.user)
            .map_err(|e| Failure::new(ErrorCode::IllegalUserId, format!("the User ID {e}")))?;
        let app =
            AppId::parse(&login.app).map_err(|e| Failure::new(ErrorCode::UnknownApp, format!("the App ID {e}")))?;
        self.state = State::SigningIn { re, deadline };
        let terminal = login.terminal.clone();
        self.outputs.push_back(SessionOutput::SignIn(SignIn {
            app,
            user,
            terminal,
            login,
        }));
        Ok(())
    }

    fn join(&mut self, re: RequestId, group: &str) -> Result<(), Failure> {
        if self.state == State::InGroup {
            return Err(Failure::new(
                ErrorCode::JoinedTwice,
                "in a group already: leave it first",
            ));
        }
        let group =
            GroupId::parse(group).map_err(|e| Failure::new(ErrorCode::InvalidArgument, format!("the Group ID {e}")))?;
        self.state = State::Joining { re };
        self.outputs.push_back(SessionOutput::Join { group, re });
        Ok(())
    }

    fn ask_group(&mut self, re: RequestId, request: GroupRequest) -> Result<(), Failure> {
        if self.state != State::InGroup {
            return Err(Failure::new(ErrorCode::NotInGroup, "not in a group: join one first"));
        }
        if !matches!(request, GroupRequest::Offer(_)) {
            self.due = Some(re);
        }
        self.outputs.push_back(SessionOutput::Group { re, request });
        Ok(())
    }

    fn reply(&mut self, re: RequestId, reply: Reply) {
        self.outputs.push_back(SessionOutput::Send(encode_reply(re, reply)));
    }

    fn refuse(&mut self, re: RequestId, failure: Failure) {
        self.outputs.push_back(SessionOutput::Send(encode_failure(re, failure)));
    }

    fn close(&mut self, why: CloseWhy) {
        self.state = State::Ended;
        self.outputs.push_back(SessionOutput::Close(why));
    }
}
