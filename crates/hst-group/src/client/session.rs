mod answer;
mod line;
mod verbs;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_id::UserId;
use hst_proto::{Command, ErrorCode, Foretold, IceServer, MAX_MESSAGE, Previous, Reply, RequestId};

use self::line::Line;
use super::{
    LoginOptions, Refusal, SessionEvent, State,
    backoff::Backoff,
    book::GroupBook,
    presence::PresenceBook,
    request::{Kind, Requests},
};

/// A request that is not answered by then has failed; while the connection is lost the time stands still, and begins anew for
/// one that has to be sent again. A dead connection is noticed earlier, so that what was asked over it outlives it.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(20);

/// One engine's conversation with the platform, from `init` to `destroy`, over as many connections as it takes.
///
/// A verb that the present state does not allow fails at once and changes nothing. A verb that goes out gives the number
/// of its request; its outcome comes as [`Output::Answered`]. After each call, drain
/// [`poll_output`](Self::poll_output), and call [`handle_timeout`](Self::handle_timeout) at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Session {
    state: State,
    /// Who is logged in, and how he comes back.
    login: Option<Identity>,
    /// The session of before, which may be there still: it gives way to the next login.
    left: Option<Previous>,
    line: Line,
    backoff: Backoff,
    /// Whether the present try follows the session to another node: the next such word is not followed at once.
    follows: bool,
    requests: Requests,
    group: Option<GroupBook>,
    presence: Option<PresenceBook>,
    max_message: usize,
    ice_servers: Vec<IceServer>,
    foretold: Option<Foretold>,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<Output>,
}

/// Who logs in, and the session that he has.
#[derive(Debug)]
struct Identity {
    user: UserId,
    options: LoginOptions,
    /// `None` until the first login has gone well.
    session: Option<Previous>,
    /// When a login went out that was not answered: it may have begun a session that nobody can come back to.
    unanswered: Option<Instant>,
    /// Whether all that this client does is in that session; otherwise the way back is a login.
    is_settled: bool,
    /// The number of the last frame that came in it, and of the last one that was confirmed.
    got: u64,
    confirmed: u64,
    /// Whether frames are lost, so that the next one may have any higher number.
    may_jump: bool,
    /// The text that others see beside this terminal.
    shown: Option<String>,
}

/// What the shell is to do for a session, in this order.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum Output {
    /// Make a connection, in place of the one there is; frames to be sent wait for it.
    Connect,
    /// The session is at another node: the next connections are to be made there, to one of these addresses, and elsewhere
    /// only when they do not answer.
    Moved(Vec<String>),
    /// Send this frame.
    Send(Bytes),
    /// Tell the caller of this request what came of it.
    Answered {
        /// The number that the verb gave.
        id: RequestId,
        /// What came of it.
        result: Result<Reply, Refusal>,
    },
    /// Tell the application.
    Event(SessionEvent),
    /// The server's end of this generation of media transport is gone.
    TransportLost(u32),
    /// The node that has this generation of media transport is not that of the session any more: all media need a new one,
    /// of a higher generation. The old one carries on meanwhile.
    MoveMedia(u32),
    /// The connection is there again: see whether that of the media is.
    Reconnected,
    /// What the server had of the media transport is lost, or may be: all media need a new one, of a higher generation.
    RenewMedia,
    /// Stop and close every media, sent or received: the group is left.
    CloseMedia,
    /// Close the connection.
    Disconnect,
    /// The session ended without being asked to: tell the application, close the connection.
    Lost(Refusal),
}

impl Session {
    /// An engine that was not initialised yet. Chance, which spreads the tries to reconnect, comes from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: State::Uninit,
            login: None,
            left: None,
            line: Line::Down,
            backoff: Backoff::new(seed),
            follows: false,
            requests: Requests::default(),
            group: None,
            presence: None,
            max_message: MAX_MESSAGE,
            ice_servers: Vec::new(),
            foretold: None,
            outputs: VecDeque::new(),
        }
    }

    /// Where the engine stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Who is logged in, or on his way to it.
    pub fn user(&self) -> Option<&UserId> {
        self.login.as_ref().map(|login| &login.user)
    }

    /// Which session of the login this is, by the server's name for it: after one that was lost there is another.
    pub fn id(&self) -> Option<&str> {
        let previous = self.login.as_ref()?.session.as_ref()?;
        Some(&previous.session)
    }

    /// What helps to reach the media, as the server has told its login.
    pub fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }

    /// What the server has foretold of its answer to the first offer of the login; it is given once.
    pub fn take_foretold(&mut self) -> Option<Foretold> {
        self.foretold.take()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn tell(&mut self, event: SessionEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Asks something; it leaves now, or when the connection is there again.
    fn ask(&mut self, now: Instant, kind: Kind, command: Command) -> RequestId {
        let id = self.requests.open(kind, command);
        if self.line.is_open() {
            self.send(now, id);
        }
        id
    }

    fn send(&mut self, now: Instant, id: RequestId) {
        if let Some(frame) = self.requests.send(id, now + REPLY_TIMEOUT) {
            self.outputs.push_back(Output::Send(frame));
        }
    }

    /// The session ends without being asked to.
    fn lose(&mut self, why: Refusal) {
        let was = self.state;
        if matches!(was, State::Joined | State::Leaving | State::Joining) {
            self.outputs.push_back(Output::CloseMedia);
        }
        self.end(State::Inited, &why);
        // A login under way has failed by its own outcome, and an exit has reached its aim.
        if was.is_online() {
            self.outputs.push_back(Output::Lost(why));
        }
    }

    fn end(&mut self, next: State, why: &Refusal) {
        // The server has said nothing about these, and may have carried them out.
        let unanswered = Refusal {
            server_code: None,
            ..why.clone()
        };
        for id in self.requests.ids() {
            match self.requests.close(id) {
                Some(Kind::Exit) => self.answered(id, Ok(Reply::Done {})),
                Some(kind) if kind.is_asked() => self.answered(id, Err(unanswered.clone())),
                _ => {}
            }
        }
        if !matches!(self.line, Line::Down) {
            self.outputs.push_back(Output::Disconnect);
        }
        self.line = Line::Down;
        self.left = self.login.take().and_then(|login| login.session).or(self.left.take());
        self.group = None;
        self.presence = None;
        self.state = next;
    }

    fn answered(&mut self, id: RequestId, result: Result<Reply, Refusal>) {
        self.outputs.push_back(Output::Answered { id, result });
    }
}

/// Nobody knows whether it was carried out.
fn unknown() -> Refusal {
    Refusal::local(
        ErrorCode::OperationFailed,
        "the connection was lost, and it is not known whether this was carried out",
    )
}
