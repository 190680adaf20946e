use std::time::{Duration, Instant};

use hst_proto::{
    Command, ErrorCode, GOT_EVERY, HEARTBEAT, IceServer, Login, PEER_TIMEOUT, Previous, RESUME_WINDOW, Reply,
    RequestId, Resume, Resumed, VERSION, encode_got,
};

use super::{Kind, Output, Refusal, Session, SessionEvent, State, unknown};

/// A try to connect that has led to nothing by then is given up.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// A session whose client never heard of it is gone by then, counted from the try that it began with: the server may have
/// heard of that one until it was given up.
const GHOST: Duration = ATTEMPT_TIMEOUT
    .saturating_add(PEER_TIMEOUT)
    .saturating_add(RESUME_WINDOW);

/// Of the addresses at which a session is said to be so many count, and none that is longer.
const MAX_ADDRESSES: usize = 8;
const MAX_ADDRESS: usize = 512;

/// The number of a request that begins a session or goes on with one, and of the one that joins its group again. The
/// first login of an engine has taken the latter, so whatever waits to be sent has a higher one.
const ENTER: RequestId = 0;
const REJOIN: RequestId = 1;

/// The way to the server.
#[derive(Debug)]
pub(super) enum Line {
    /// There is none, and none is wanted.
    Down,
    /// All is well, or it is the first login.
    Up(Pulse),
    /// It was lost; the next try begins then.
    Waiting { until: Instant },
    /// It is being made, and the session of before taken up.
    Returning { since: Instant, aim: Aim },
}

/// When either side last showed that it is alive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    /// The last frame from the server.
    pub(super) heard: Instant,
    /// The last question whether it is there.
    asked: Instant,
    /// The last sign of life of one's own.
    shown: Instant,
}

impl Pulse {
    /// Of a connection that is there since now.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            asked: now,
            shown: now,
        }
    }

    /// When the server is to be asked whether it is there.
    fn doubt(&self) -> Instant {
        self.heard.max(self.asked) + HEARTBEAT
    }

    /// When a sign of life is due.
    fn beat(&self) -> Instant {
        self.shown + HEARTBEAT
    }
}

/// What a returning client is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// To go on with its session.
    Resume,
    /// To log in, because that one is gone.
    Login,
    /// To join its group again.
    Rejoin,
}

impl Line {
    /// Whether requests of the application may leave.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Up { .. })
    }

    /// Whether there is a new session, or is to be one, that is not in the group of the one before.
    pub(super) fn is_outside(&self) -> bool {
        let aims = [Aim::Login, Aim::Rejoin];
        matches!(self, Self::Returning { aim, .. } if aims.contains(aim))
    }
}

impl Session {
    /// The connection could not be made, or is gone. One who was logged in comes back.
    pub fn handle_disconnected(&mut self, now: Instant, why: &str) {
        match self.line {
            Line::Down | Line::Waiting { .. } => {}
            _ if self.state == State::LoggingIn || self.state == State::Exiting => {
                let message = format!("{why}: check the network and log in again");
                self.lose(Refusal::local(ErrorCode::Connect, message));
            }
            Line::Returning { since, aim } => {
                if let Some(login) = self.login.as_mut().filter(|_| aim == Aim::Login) {
                    login.unanswered = Some(since);
                }
                self.return_later(now, None);
            }
            Line::Up { .. } => self.return_later(now, None),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.line {
            Line::Down => None,
            Line::Waiting { until } => Some(*until),
            Line::Returning { since, .. } => Some(*since + ATTEMPT_TIMEOUT),
            Line::Up(pulse) => {
                let beat = pulse.beat().min(pulse.doubt()).min(pulse.heard + PEER_TIMEOUT);
                Some(self.requests.next_deadline().map_or(beat, |due| beat.min(due)))
            }
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.line {
            Line::Waiting { until } if now >= *until => self.return_now(now),
            Line::Returning { since, .. } if now >= *since + ATTEMPT_TIMEOUT => {
                self.handle_disconnected(now, "the server did not answer in time");
            }
            Line::Up(pulse) if now >= pulse.heard + PEER_TIMEOUT => {
                self.handle_disconnected(now, "the server has gone silent");
            }
            Line::Up(pulse) => {
                let is_in_doubt = now >= pulse.doubt();
                if is_in_doubt || now >= pulse.beat() {
                    pulse.shown = now;
                    // A connection that has held so long was worth the try.
                    self.backoff.reset();
                    let shown = self.confirm(1);
                    if is_in_doubt || !shown {
                        self.ping(now);
                    }
                }
                self.handle_overdue(now);
            }
            _ => {}
        }
    }

    fn handle_overdue(&mut self, now: Instant) {
        while let Some((id, kind)) = self.requests.take_overdue(now) {
            let overdue = Refusal::local(ErrorCode::OperationFailed, "the server did not answer in time");
            match kind {
                Kind::Exit => self.answer(now, id, kind, Ok(Reply::Done {})),
                // The server's view is unknown from here on: only a new session makes both agree again.
                Kind::Login | Kind::Join(_) | Kind::Leave => {
                    self.answered(id, Err(overdue.clone()));
                    return self.lose(overdue);
                }
                _ if kind.is_asked() => self.answer(now, id, kind, Err(overdue)),
                _ => {}
            }
        }
    }

    fn ping(&mut self, now: Instant) {
        if let Line::Up(pulse) = &mut self.line {
            pulse.asked = now;
        }
        self.ask(now, Kind::Ping, Command::Ping {});
    }

    /// Says how much has come, if at least so many frames were not confirmed. Whether it was said.
    pub(super) fn confirm(&mut self, at_least: u64) -> bool {
        let due = self
            .login
            .as_mut()
            .filter(|login| login.got - login.confirmed >= at_least);
        let is_due = due.is_some();
        if let Some(login) = due {
            login.confirmed = login.got;
            self.outputs.push_back(Output::Send(encode_got(login.got)));
        }
        is_due
    }

    /// Takes note of a frame's number, and says whether it is the next one.
    pub(super) fn take_number(&mut self, now: Instant, seq: Option<u64>) -> bool {
        let (Some(seq), Some(login)) = (seq, &mut self.login) else {
            return true;
        };
        if seq <= login.got {
            // It came before the connection was lost.
            return false;
        }
        if seq != login.got + 1 && !login.may_jump {
            self.handle_disconnected(now, "the server has left out a frame");
            return false;
        }
        login.got = seq;
        login.may_jump = false;
        self.confirm(GOT_EVERY);
        true
    }

    /// The connection is given up. Comes back after a random time, and not before `at_least`.
    pub(super) fn return_later(&mut self, now: Instant, at_least: Option<Duration>) {
        if self.line.is_open() {
            self.tell(SessionEvent::Reconnecting);
        }
        self.requests.pause(now);
        self.close_all(Kind::is_of_connection);
        let until = now + self.backoff.next() + at_least.unwrap_or_default();
        self.line = Line::Waiting { until };
        self.outputs.push_back(Output::Disconnect);
    }

    /// The session is at another node, where it is gone on with at once. Who is sent on from there takes his time.
    pub(super) fn handle_moved(&mut self, now: Instant, mut signal: Vec<String>) {
        signal.retain(|address| is_address(address));
        signal.truncate(MAX_ADDRESSES);
        let can_follow = self
            .login
            .as_ref()
            .is_some_and(|login| login.is_settled && login.session.is_some());
        if self.state == State::Exiting || !can_follow {
            return self.handle_disconnected(now, "the session has moved to another node");
        }
        if self.state == State::LoggedIn {
            // What was prepared for a group is at the node of before, and nobody has told what it was.
            self.outputs.push_back(Output::CloseMedia);
        }
        self.outputs.push_back(Output::Moved(signal));
        let is_sent_on = std::mem::replace(&mut self.follows, true);
        self.return_later(now, None);
        if !is_sent_on {
            self.return_now(now);
        }
    }

    fn return_now(&mut self, now: Instant) {
        let Some(login) = &mut self.login else { return };
        self.outputs.push_back(Output::Connect);
        match &login.session {
            Some(Previous { session, secret }) if login.is_settled => {
                let resume = Resume {
                    protocol: VERSION,
                    session: session.clone(),
                    secret: secret.clone(),
                    got: login.got,
                };
                login.confirmed = login.got;
                self.strive(now, Aim::Resume, Command::Resume(resume));
            }
            _ => self.log_in_again(now),
        }
    }

    /// Begins a step of coming back.
    fn strive(&mut self, now: Instant, aim: Aim, command: Command) {
        self.line = Line::Returning { since: now, aim };
        let (id, kind) = match aim {
            Aim::Resume | Aim::Login => (ENTER, Kind::Resume),
            Aim::Rejoin => (REJOIN, Kind::Rejoin),
        };
        self.requests.open_as(id, kind, command);
        self.send(now, id);
    }

    /// The present session holds all that this client does.
    pub(super) fn settle(&mut self) {
        if let Some(login) = &mut self.login {
            login.is_settled = true;
        }
    }

    /// The present session is not to be gone on with.
    pub(super) fn unsettle(&mut self) {
        if let Some(login) = &mut self.login {
            login.is_settled = false;
        }
    }

    /// The session of before is gone.
    pub(super) fn log_in_again(&mut self, now: Instant) {
        let Some(login) = &mut self.login else { return };
        let login = Login {
            // Who comes back takes his own earlier place, and nobody else's.
            force: false,
            ..login.options.to_wire(login.session.clone())
        };
        self.unsettle();
        // What was sent may have been carried out or not; what was only held back is still to be sent.
        self.fail_sent(RequestId::MAX);
        self.strive(now, Aim::Login, Command::Login(login));
    }

    /// What came of a step of coming back.
    pub(super) fn handle_step(&mut self, now: Instant, result: Result<Reply, Refusal>) {
        let Line::Returning { aim, .. } = self.line else { return };
        match (aim, result) {
            (
                Aim::Resume,
                Ok(Reply::Resumed(Resumed {
                    received,
                    missed: false,
                    ice_servers,
                })),
            ) => {
                self.learn_ice_servers(ice_servers);
                self.returned(now, Some(received), false);
            }
            (Aim::Resume, Ok(Reply::Resumed(_))) if self.is_between_states() => {
                // Whether the server has us in the group nobody can tell: a new session makes both agree.
                self.outputs.push_back(Output::Connect);
                self.log_in_again(now);
            }
            (
                Aim::Resume,
                Ok(Reply::Resumed(Resumed {
                    received, ice_servers, ..
                })),
            ) => {
                self.learn_ice_servers(ice_servers);
                if let Some(login) = &mut self.login {
                    login.may_jump = true;
                }
                self.fail_sent(received);
                self.returned(now, Some(received), true);
                self.verify_group(now);
            }
            (Aim::Resume, Err(why)) if why.is(ErrorCode::SessionGone) || may_return(&why) => {
                self.log_in_again(now);
            }
            (Aim::Login, Ok(Reply::LoggedIn(logged_in))) => {
                self.begin_session(logged_in);
                match self.group.as_ref().filter(|_| self.state == State::Joined) {
                    Some(book) => {
                        let group = book.group.as_str().to_owned();
                        self.strive(now, Aim::Rejoin, Command::Join { group });
                    }
                    None => self.returned(now, None, true),
                }
            }
            (Aim::Rejoin, Ok(Reply::Joined(joined))) => {
                self.returned(now, None, true);
                // Who has left meanwhile is not concerned any more: the server is about to hear of it.
                if self.state == State::Joined {
                    self.take_up_group(now, joined);
                }
            }
            (_, Err(why)) if why.is_retryable() || self.is_in_own_way(now, &why) => {
                self.return_later(now, why.retry_after);
            }
            (Aim::Rejoin, Err(why)) => {
                self.returned(now, None, true);
                self.removed(why);
            }
            (_, Err(why)) => self.lose(why),
            (_, Ok(_)) => self.handle_disconnected(now, "the server answered with something else"),
        }
    }

    /// Whether a login is refused because of one before whose answer was lost.
    fn is_in_own_way(&self, now: Instant, why: &Refusal) -> bool {
        let unanswered = self.login.as_ref().and_then(|login| login.unanswered);
        why.is(ErrorCode::LoginConflict) && unanswered.is_some_and(|since| now < since + GHOST)
    }

    /// The connection and a session are there again. What the server has not received is sent again.
    fn returned(&mut self, now: Instant, received: Option<RequestId>, missed: bool) {
        self.settle();
        self.follows = false;
        self.line = Line::Up(Pulse::new(now));
        self.outputs.push_back(Output::Reconnected);
        self.tell(SessionEvent::Reconnected);
        for id in self.requests.ids() {
            match received.is_some_and(|received| id <= received) {
                true => self.requests.expect(id, now),
                false => self.send(now, id),
            }
        }
        if received.is_none() {
            self.show_state_again(now);
        }
        if missed {
            self.tell(SessionEvent::Discontinuity);
            self.ask_presence_again(now);
        }
    }

    /// Those of a node that has taken the session over.
    fn learn_ice_servers(&mut self, ice_servers: Vec<IceServer>) {
        if !ice_servers.is_empty() {
            self.ice_servers = ice_servers;
        }
    }

    /// The new session does not know the text that others see.
    fn show_state_again(&mut self, now: Instant) {
        if let Some(state) = self.login.as_ref().and_then(|login| login.shown.clone()) {
            self.ask(now, Kind::Unasked, Command::SetState { state });
        }
    }

    /// Whether joining or leaving is under way, so that the two ends may think differently of the group.
    fn is_between_states(&self) -> bool {
        matches!(self.state, State::Joining | State::Leaving)
    }

    /// Requests that reached the server, or may have, will not be answered any more.
    fn fail_sent(&mut self, received: RequestId) {
        for id in self.requests.ids().into_iter().filter(|&id| id <= received) {
            let is_repeatable = matches!(self.requests.kind(id), Some(Kind::Join(_) | Kind::Leave | Kind::Exit));
            let was_sent = self.requests.was_sent(id);
            if is_repeatable || !was_sent {
                continue;
            }
            match self.requests.close(id) {
                // The media are not at fault: they are negotiated anew before they hear of it.
                Some(Kind::Offer) => {
                    self.outputs.push_back(Output::RenewMedia);
                    self.answered(id, Err(unknown()));
                }
                Some(kind) if kind.is_asked() => self.answered(id, Err(unknown())),
                _ => {}
            }
        }
    }

    fn close_all(&mut self, which: impl Fn(&Kind) -> bool) {
        for id in self.requests.ids() {
            if self.requests.kind(id).is_some_and(&which) {
                self.requests.close(id);
            }
        }
    }
}

/// Whether a session that has ended for this reason is followed by another.
pub(super) fn may_return(why: &Refusal) -> bool {
    why.is(ErrorCode::Connect) || why.is(ErrorCode::SlowReader)
}

/// Whether it can be an address of signalling, as Access names them.
fn is_address(text: &str) -> bool {
    let is_known = ["ws://", "wss://", "quic://", "memory://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    is_known && text.len() <= MAX_ADDRESS && text.bytes().all(|byte| byte.is_ascii_graphic())
}
