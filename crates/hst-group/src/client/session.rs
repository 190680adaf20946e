use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_id::{AppId, GroupId, MediaId, MediaRef, MediaType, TerminalType, UserId};
use hst_proto::{
    Command, ErrorCode, Event, HEARTBEAT, Login, MAX_MESSAGE, Offer, PEER_TIMEOUT, Payload, Reply, Request, RequestId,
    ServerFrame, VERSION, decode_server, encode_client,
};

use super::{
    GroupEvent, Refusal, State,
    request::{Kind, Requests},
};

/// A request that is not answered by then has failed.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// One engine's conversation with the platform, from `init` to `destroy`.
///
/// A verb that the present state does not allow fails at once and changes nothing. A verb that goes out gives the number
/// of its request; its outcome comes as [`Output::Answered`]. After each call, drain
/// [`poll_output`](Self::poll_output), and call [`handle_timeout`](Self::handle_timeout) at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Session {
    state: State,
    user: Option<UserId>,
    requests: Requests,
    /// When the connection last carried a frame in each direction; `None` without a connection.
    traffic: Option<Traffic>,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy)]
struct Traffic {
    heard: Instant,
    pinged: Instant,
}

/// What the shell is to do for a session, in this order.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum Output {
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
    Event(GroupEvent),
    /// The server's end of this generation of media transport is gone.
    TransportLost(u32),
    /// Stop and close every media, sent or received: the group is left.
    CloseMedia,
    /// Close the connection.
    Disconnect,
    /// The session ended without being asked to: tell the application, close the connection.
    Lost(Refusal),
}

/// What a login needs.
#[derive(Clone, Default)]
pub struct LoginOptions {
    /// The App ID.
    pub app: String,
    /// A token of the App.
    pub token: String,
    /// The User ID.
    pub user: String,
    /// The class of terminal; `web` when not given.
    pub terminal: TerminalType,
    /// The organisation inside the App.
    pub company: String,
    /// Whether an earlier login gives way.
    pub force: bool,
    /// A free text for others, such as a nickname.
    pub extend_info: String,
}

impl LoginOptions {
    /// A login with what every login needs.
    pub fn new(app: impl Into<String>, token: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            token: token.into(),
            user: user.into(),
            ..Self::default()
        }
    }
}

impl std::fmt::Debug for LoginOptions {
    /// Keeps the token out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginOptions")
            .field("app", &self.app)
            .field("user", &self.user)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// An engine before `init`.
    pub fn new() -> Self {
        Self {
            state: State::Uninit,
            user: None,
            requests: Requests::default(),
            traffic: None,
            outputs: VecDeque::new(),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Who is logged in, or logging in.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let heartbeat = self.traffic.map(|t| (t.pinged + HEARTBEAT).min(t.heard + PEER_TIMEOUT));
        [heartbeat, self.requests.next_deadline()].into_iter().flatten().min()
    }

    /// `init` begins: the shell asks Access for the addresses.
    ///
    /// # Errors
    /// Code 2 when the engine is initialised already.
    pub fn init(&mut self) -> Result<(), Refusal> {
        self.state.must_be(State::Uninit, "init")?;
        self.state = State::Initing;
        Ok(())
    }

    /// `init` has ended.
    pub fn handle_inited(&mut self, is_ok: bool) {
        if self.state == State::Initing {
            self.state = if is_ok { State::Inited } else { State::Uninit };
        }
    }

    /// `login`: the shell connects and sends what comes out.
    ///
    /// # Errors
    /// Code 2 before `init` or when logged in, 1 for a malformed App ID, 1000006 for a malformed User ID.
    pub fn login(&mut self, now: Instant, options: LoginOptions) -> Result<RequestId, Refusal> {
        self.state.must_be(State::Inited, "login")?;
        AppId::parse(&options.app)
            .map_err(|e| Refusal::local(ErrorCode::InvalidArgument, format!("the App ID {e}")))?;
        let user = UserId::parse(&options.user)
            .map_err(|e| Refusal::local(ErrorCode::IllegalUserId, format!("the User ID {e}")))?;
        self.state = State::LoggingIn;
        self.user = Some(user);
        self.traffic = Some(Traffic {
            heard: now,
            pinged: now,
        });
        let LoginOptions {
            app,
            token,
            user,
            terminal,
            company,
            force,
            extend_info,
        } = options;
        let login = Login {
            protocol: VERSION,
            app,
            token,
            user,
            terminal,
            company,
            force,
            extend_info,
        };
        Ok(self.send(now, Kind::Login, Command::Login(login)))
    }

    /// `joinGroup`.
    ///
    /// # Errors
    /// Code 2 before `init` or in a group, 35 before login, 1 for a malformed Group ID.
    pub fn join(&mut self, now: Instant, group: &str) -> Result<RequestId, Refusal> {
        self.state.must_be(State::LoggedIn, "joining a group")?;
        let group = GroupId::parse(group)
            .map_err(|e| Refusal::local(ErrorCode::InvalidArgument, format!("the Group ID {e}")))?;
        self.state = State::Joining;
        Ok(self.send(
            now,
            Kind::Join,
            Command::Join {
                group: group.as_str().to_owned(),
            },
        ))
    }

    /// `leaveGroup`: every media is closed and no group event comes from here on.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn leave(&mut self, now: Instant) -> Result<RequestId, Refusal> {
        self.state.must_be(State::Joined, "leaving the group")?;
        self.state = State::Leaving;
        self.outputs.push_back(Output::CloseMedia);
        Ok(self.send(now, Kind::Leave, Command::Leave {}))
    }

    /// `exit`: leaves the group first when needed. The caller need not wait for the outcome, which may never come.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 when not logged in.
    pub fn exit(&mut self, now: Instant) -> Result<RequestId, Refusal> {
        if !self.state.is_online() {
            self.state.must_be(State::LoggedIn, "exit")?;
        }
        if self.state == State::Joined {
            self.outputs.push_back(Output::CloseMedia);
        }
        self.state = State::Exiting;
        Ok(self.send(now, Kind::Exit, Command::Exit {}))
    }

    /// `destroy`: leave and exit by itself, and back to before `init`. Whoever waits for an outcome gets code 2.
    pub fn destroy(&mut self, now: Instant) {
        if self.state.is_online() {
            self.outputs.push_back(Output::CloseMedia);
            self.send(now, Kind::Unasked, Command::Exit {});
        }
        self.end(
            State::Uninit,
            &Refusal::local(ErrorCode::NotInitialised, "the engine was destroyed"),
        );
    }

    /// Announces a media of one's own.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn publish(
        &mut self,
        now: Instant,
        media_type: MediaType,
        media: MediaId,
        name: String,
    ) -> Result<RequestId, Refusal> {
        self.in_group(
            now,
            "publishing",
            Command::Publish {
                media_type,
                media,
                name,
            },
        )
    }

    /// Takes an announcement back.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn unpublish(&mut self, now: Instant, media_type: MediaType, media: MediaId) -> Result<RequestId, Refusal> {
        self.in_group(now, "stopping to publish", Command::Unpublish { media_type, media })
    }

    /// Wants another member's media.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn receive(&mut self, now: Instant, key: MediaRef) -> Result<RequestId, Refusal> {
        self.in_group(now, "receiving", Command::Receive(key))
    }

    /// Wants it no more.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn stop_receive(&mut self, now: Instant, key: MediaRef) -> Result<RequestId, Refusal> {
        self.in_group(now, "stopping to receive", Command::StopReceive(key))
    }

    /// Sets up or changes the media transport.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn offer(&mut self, now: Instant, offer: Offer) -> Result<RequestId, Refusal> {
        self.in_group(now, "negotiating media", Command::Offer(offer))
    }

    /// Sends a message to all others in the group.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1 when it is too large.
    pub fn message(&mut self, now: Instant, body: Payload) -> Result<RequestId, Refusal> {
        if self.state == State::Joined && body.as_json().len() > MAX_MESSAGE {
            let message = format!("a message has at most {MAX_MESSAGE} bytes of JSON");
            return Err(Refusal::local(ErrorCode::InvalidArgument, message));
        }
        self.in_group(now, "sending a message", Command::Message { body })
    }

    /// A frame has come. One that makes no sense ends the session, as does the server's word.
    pub fn handle_frame(&mut self, now: Instant, frame: &[u8]) {
        let Some(traffic) = &mut self.traffic else { return };
        traffic.heard = now;
        match decode_server(frame) {
            Ok(ServerFrame::Reply { re, result }) => {
                if let Some(kind) = self.requests.close(re) {
                    self.answer(re, kind, result.map_err(Refusal::from));
                }
            }
            Ok(ServerFrame::Event { event, .. }) => self.handle_event(event),
            Err(e) => self.lose(Refusal::local(
                ErrorCode::Connect,
                format!("the server sent what is {e}"),
            )),
        }
    }

    /// The connection could not be made, or is gone.
    pub fn handle_disconnected(&mut self, why: &str) {
        if self.traffic.is_some() {
            self.lose(Refusal::local(
                ErrorCode::Connect,
                format!("{why}: check the network and log in again"),
            ));
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(traffic) = &mut self.traffic else { return };
        if now >= traffic.heard + PEER_TIMEOUT {
            return self.handle_disconnected("the server has gone silent");
        }
        if now >= traffic.pinged + HEARTBEAT {
            traffic.pinged = now;
            self.send(now, Kind::Unasked, Command::Ping {});
        }
        while let Some((id, kind)) = self.requests.take_overdue(now) {
            let overdue = Refusal::local(ErrorCode::OperationFailed, "the server did not answer in time");
            match kind {
                // The server's view is unknown from here on: only a new session makes both agree again.
                Kind::Login | Kind::Join | Kind::Leave => {
                    self.outputs.push_back(Output::Answered {
                        id,
                        result: Err(overdue),
                    });
                    return self.handle_disconnected("the server did not answer in time");
                }
                Kind::Exit => self.answer(id, kind, Ok(Reply::Done {})),
                Kind::Unasked | Kind::Other => self.answer(id, kind, Err(overdue)),
            }
        }
    }

    fn answer(&mut self, id: RequestId, kind: Kind, result: Result<Reply, Refusal>) {
        let mut over = false;
        match (kind, self.state) {
            (Kind::Unasked, _) => return,
            (Kind::Login, State::LoggingIn) if result.is_ok() => self.state = State::LoggedIn,
            (Kind::Login, State::LoggingIn) => over = true,
            (Kind::Join, State::Joining) => {
                self.state = if result.is_ok() { State::Joined } else { State::LoggedIn };
            }
            (Kind::Leave, State::Leaving) => self.state = State::LoggedIn,
            (Kind::Exit, State::Exiting) => over = true,
            _ => {}
        }
        let snapshot = match &result {
            Ok(Reply::Joined(joined)) if self.state == State::Joined => Some(joined.clone()),
            _ => None,
        };
        self.outputs.push_back(Output::Answered { id, result });
        if let Some(joined) = snapshot {
            self.tell(GroupEvent::Members(joined.members));
            for media in joined.media {
                self.tell(GroupEvent::Published(media));
            }
        }
        if over {
            self.end(
                State::Inited,
                &Refusal::local(ErrorCode::NotLoggedIn, "the session has ended"),
            );
        }
    }

    fn handle_event(&mut self, event: Event) {
        let told = match event {
            Event::Ended(failure) => return self.lose(failure.into()),
            // After `leave` was called the group is no more of the application's concern.
            _ if self.state != State::Joined => return,
            Event::TransportLost { generation } => {
                return self.outputs.push_back(Output::TransportLost(generation));
            }
            Event::MemberJoined { user } => GroupEvent::MemberJoined(user),
            Event::MemberLeft { user } => GroupEvent::MemberLeft(user),
            Event::Published(media) => GroupEvent::Published(media),
            Event::Unpublished(media) => GroupEvent::Unpublished(media),
            Event::Message { from, seq, body } => GroupEvent::Message { from, seq, body },
        };
        self.tell(told);
    }

    fn tell(&mut self, event: GroupEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn in_group(&mut self, now: Instant, call: &str, command: Command) -> Result<RequestId, Refusal> {
        self.state.must_be(State::Joined, call)?;
        Ok(self.send(now, Kind::Other, command))
    }

    fn send(&mut self, now: Instant, kind: Kind, command: Command) -> RequestId {
        let id = self.requests.open(kind, now + REPLY_TIMEOUT);
        self.outputs
            .push_back(Output::Send(encode_client(&Request { id, command })));
        id
    }

    /// The session ends without being asked to.
    fn lose(&mut self, why: Refusal) {
        let was = self.state;
        if was == State::Joined || was == State::Leaving || was == State::Joining {
            self.outputs.push_back(Output::CloseMedia);
        }
        self.end(State::Inited, &why);
        // A login under way has failed by its own outcome, and an exit has reached its aim.
        if was.is_online() {
            self.outputs.push_back(Output::Lost(why));
        }
    }

    fn end(&mut self, next: State, why: &Refusal) {
        for (id, kind) in self.requests.take_all() {
            let result = match kind {
                Kind::Unasked => continue,
                Kind::Exit => Ok(Reply::Done {}),
                _ => Err(why.clone()),
            };
            self.outputs.push_back(Output::Answered { id, result });
        }
        self.disconnect(next);
    }

    fn disconnect(&mut self, next: State) {
        if self.traffic.take().is_some() {
            self.outputs.push_back(Output::Disconnect);
        }
        self.user = None;
        self.state = next;
    }
}
