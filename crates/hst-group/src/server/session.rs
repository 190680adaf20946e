mod command;
mod life;
mod passing;

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_id::{AppId, GroupId, TerminalType, UserId};
use hst_proto::{
    ClientFrame, DecodeError, ErrorCode, EventBody, Failure, Foretold, IceServer, Invite, InviteAnswer, InviteCancel,
    Login, MESSAGES_PER_SECOND, OnlinePage, Payload, Prepare, Reply, Request, RequestId, Resume, decode_client,
    encode_failure, encode_reply, frame_event,
};

pub use self::passing::PackedSession;
use super::{GroupRequest, ToMember, backlog::Backlog, rate::Rate};

/// A connection that has not logged in by then is closed.
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(10);
/// How long before the end of its token a session is warned.
pub const TOKEN_WARNING: Duration = Duration::from_secs(30);

/// The server's end of one engine: who it is, which group it is in, what it may ask now, and what it has not got yet.
///
/// It begins with a connection and, once logged in, outlives it: see [`handle_detached`](Self::handle_detached).
///
/// Call a `handle_*`, then [`poll_output`](Self::poll_output) until it is empty, and
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout). While it [is busy](Self::is_busy)
/// the shell reads no further frame, which keeps requests in order without a queue.
#[derive(Debug)]
pub struct Session {
    state: State,
    link: Link,
    /// The request whose answer comes from elsewhere, so that replies keep the order of requests. Offers are left out:
    /// the media plane may take its time.
    due: Option<RequestId>,
    /// The offers that the media plane is at work on: as many as it takes.
    offers: BTreeSet<RequestId>,
    /// The highest number of a request since login.
    received: RequestId,
    backlog: Backlog,
    messages: Rate,
    token: Option<Token>,
    /// What helps its client to reach the media here, if he does not know yet: it has come from another node.
    ice_servers: Vec<IceServer>,
    /// Why the server has ended it.
    why: Option<Failure>,
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

/// Whether there is a connection.
#[derive(Debug)]
enum Link {
    Attached { heard: Instant },
    Detached { until: Instant },
}

/// A token whose time ends.
#[derive(Debug)]
struct Token {
    ends: Instant,
    warned: bool,
}

/// What the shell is to do for a session, in this order.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum SessionOutput {
    /// Send this frame.
    Send(Bytes),
    /// Send this frame, or leave it out when much waits already.
    SendLossy(Bytes),
    /// Check who this is; the outcome goes to [`Session::handle_signed_in`].
    SignIn(SignIn),
    /// Hand the connection over to the session that it names, if the secret is right; otherwise the refusal goes to
    /// [`Session::handle_not_resumed`].
    Resume {
        /// The request's number.
        re: RequestId,
        /// What it is about.
        resume: Resume,
    },
    /// Set up a media transport for this group, for a session that is not in it yet; the answer goes to
    /// [`Session::handle_answer`].
    Prepare {
        /// The request's number.
        re: RequestId,
        /// Which.
        group: GroupId,
        /// The offer.
        prepare: Prepare,
    },
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
    /// Ask this of the platform; what comes of it goes to [`Session::handle_answer`], or for a token to
    /// [`Session::handle_renewed`].
    Ask {
        /// The request's number.
        re: RequestId,
        /// What.
        request: UserRequest,
    },
    /// Tell the group that the member has missed frames.
    Missed,
    /// Close the connection; the session waits for another.
    HangUp(CloseWhy),
    /// Send what is due, then close; and tell the group, if any, that the member is gone.
    Close(CloseWhy),
}

/// What a user asks of the platform, in a group or not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: mirrors the commands of the wire"
)]
pub enum UserRequest {
    /// To take this token in place of the one of the login.
    Renew(String),
    /// To tell a user something.
    Message {
        /// Whom.
        user: UserId,
        /// What.
        body: Payload,
    },
    /// Who is online.
    Online(OnlinePage),
    /// Not to be told of it any more.
    Unwatch,
    /// To show this text beside the terminal.
    SetState(String),
    /// To invite users.
    Invite(Invite),
    /// To answer an invitation.
    AnswerInvite(InviteAnswer),
    /// To take an invite back.
    CancelInvite(InviteCancel),
}

/// Why a session ends, or its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a shell maps every reason to its transport")]
pub enum CloseWhy {
    /// The client asked for it.
    Exit,
    /// The client does not speak the protocol.
    Protocol,
    /// The client was silent for [`PEER_TIMEOUT`](hst_proto::PEER_TIMEOUT).
    Silent,
    /// The client did not log in within [`LOGIN_DEADLINE`].
    LoginDeadline,
    /// The client has not come back within [`RESUME_WINDOW`](hst_proto::RESUME_WINDOW).
    Away,
    /// The server ended it and has said why.
    Ended,
    /// It goes on at another node.
    Moved,
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

/// Somebody was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The session's name.
    pub session: String,
    /// What it takes to resume it.
    pub secret: String,
    /// How long his token is still good; `None` is for ever.
    pub token_lasts: Option<Duration>,
    /// The most bytes of a message.
    pub max_message: usize,
    /// What helps its client to reach the media.
    pub ice_servers: Vec<IceServer>,
    /// What it may know of the answer to its first offer.
    pub foretold: Option<Foretold>,
}

impl Session {
    /// A connection was accepted, and has until `deadline` to log in.
    pub fn new(now: Instant, deadline: Instant) -> Self {
        Self {
            state: State::New { deadline },
            link: Link::Attached { heard: now },
            due: None,
            offers: BTreeSet::new(),
            received: 0,
            backlog: Backlog::default(),
            messages: Rate::new(MESSAGES_PER_SECOND),
            token: None,
            ice_servers: Vec::new(),
            why: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether the next frame has to wait for an outcome that is due.
    pub fn is_busy(&self) -> bool {
        self.due.is_some() || matches!(self.state, State::SigningIn { .. } | State::Joining { .. })
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<SessionOutput> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // Most sessions are at rest, and the room for a few outputs is large.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// A frame has come. Not to be called while the session [is busy](Self::is_busy).
    pub fn handle_frame(&mut self, now: Instant, frame: &[u8]) {
        if self.state == State::Ended {
            return;
        }
        self.link = Link::Attached { heard: now };
        match decode_client(frame) {
            Ok(ClientFrame::Got(seq)) => self.backlog.confirm(seq),
            Ok(ClientFrame::Request(Request { id, command })) => {
                if self.is_new(id)
                    && let Err(failure) = self.handle_command(now, id, command)
                {
                    self.answer(id, Err(failure));
                }
            }
            Err(DecodeError::Command { id, reason }) => {
                if self.is_new(id) {
                    self.answer(id, Err(Failure::new(ErrorCode::InvalidArgument, reason)));
                }
            }
            Err(_) => self.close(CloseWhy::Protocol),
        }
    }

    /// The group has something for this session.
    pub fn handle_group(&mut self, what: ToMember) {
        if self.state == State::Ended {
            return;
        }
        match what {
            ToMember::Event(body) => self.handle_event(body),
            ToMember::Lossy(body) => {
                if self.is_attached() {
                    let frame = frame_event(None, &body);
                    self.outputs.push_back(SessionOutput::SendLossy(frame));
                }
            }
            ToMember::Removed(body) => {
                self.state = State::Online;
                // Requests under way when the group let go of him have no other answer.
                for re in std::mem::take(&mut self.offers).into_iter().chain(self.due.take()) {
                    self.answer(re, Err(not_in_group()));
                }
                self.handle_event(body);
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
                self.answer(re, result);
            }
        }
    }

    /// The platform has an answer for this session.
    pub fn handle_answer(&mut self, re: RequestId, result: Result<Reply, Failure>) {
        if self.state != State::Ended && self.due.take_if(|due| *due == re).is_some() {
            self.answer(re, result);
        }
    }

    /// Something happened that concerns this session's user.
    pub fn handle_event(&mut self, body: EventBody) {
        if self.state == State::Ended {
            return;
        }
        let frame = self.backlog.event(body);
        self.send(frame);
    }

    /// Whether a request is to be carried out. One that came before gets the same answer once more, or still gets it.
    fn is_new(&mut self, id: RequestId) -> bool {
        if !self.is_logged_in() {
            return true;
        }
        if id > self.received {
            self.received = id;
            return true;
        }
        if let Some(frame) = self.backlog.reply_to(id) {
            self.send(frame);
        } else if self.due != Some(id) && !self.offers.contains(&id) {
            let message = "this number was used before: count upwards";
            self.send(encode_failure(id, Failure::new(ErrorCode::InvalidArgument, message)));
        }
        false
    }

    /// Answers under the next number, if there is a session that could be resumed.
    fn answer(&mut self, re: RequestId, result: Result<Reply, Failure>) {
        self.offers.remove(&re);
        let reply = match result {
            Ok(reply) => encode_reply(re, reply),
            Err(failure) => encode_failure(re, failure),
        };
        let frame = match self.is_logged_in() {
            true => self.backlog.reply(re, reply),
            false => reply,
        };
        self.send(frame);
    }

    fn send(&mut self, frame: Bytes) {
        if self.is_attached() {
            self.outputs.push_back(SessionOutput::Send(frame));
        }
    }

    fn is_logged_in(&self) -> bool {
        !matches!(self.state, State::New { .. } | State::SigningIn { .. })
    }

    fn is_attached(&self) -> bool {
        matches!(self.link, Link::Attached { .. })
    }

    fn close(&mut self, why: CloseWhy) {
        self.state = State::Ended;
        self.outputs.push_back(SessionOutput::Close(why));
    }
}

fn not_in_group() -> Failure {
    Failure::new(ErrorCode::NotInGroup, "not in a group: join one first")
}
