use std::time::Instant;

use hst_id::{AppId, GroupId, MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Command, ErrorCode, Invite, InviteAnswer, InviteCancel, Offer, OnlinePage, Payload, Prepare, Priority, RequestId,
    RosterPage, ToGroup,
};

use super::{
    Identity, Kind, LoginOptions, Output, PresenceBook, Refusal, Session, State,
    line::{Line, Pulse},
};

/// What the application asks for.
impl Session {
    /// `init` begins: the shell asks the Access service.
    ///
    /// # Errors
    /// Code 2 when the engine is initialised already.
    pub fn init(&mut self) -> Result<(), Refusal> {
        self.state.must_be(State::Uninit, "init")?;
        self.state = State::Initing;
        Ok(())
    }

    /// The Access service has answered, or not.
    pub fn handle_inited(&mut self, found: bool) {
        if self.state == State::Initing {
            self.state = if found { State::Inited } else { State::Uninit };
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
        self.line = Line::Up(Pulse::new(now));
        self.outputs.push_back(Output::Connect);
        let login = options.to_wire(self.left.clone());
        self.login = Some(Identity {
            user,
            options,
            session: None,
            unanswered: None,
            is_settled: false,
            got: 0,
            confirmed: 0,
            may_jump: false,
            shown: None,
        });
        Ok(self.ask(now, Kind::Login, Command::Login(login)))
    }

    /// Shows a newer token; one who comes back logs in with it, too.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn renew(&mut self, now: Instant, token: String) -> Result<RequestId, Refusal> {
        let command = Command::Renew { token: token.clone() };
        let sent = self.online(now, "renewing the token", Kind::Other, command)?;
        if let Some(login) = &mut self.login {
            login.options.token = token;
        }
        Ok(sent)
    }

    /// Sets up the media transport for the group that is to be joined next.
    ///
    /// # Errors
    /// Code 2 before `init` or in a group, 35 before login, 1 for a malformed Group ID.
    pub fn prepare(&mut self, now: Instant, prepare: Prepare) -> Result<RequestId, Refusal> {
        self.must_prepare(&prepare.group)?;
        Ok(self.ask(now, Kind::Offer, Command::Prepare(prepare)))
    }

    /// Whether media may be prepared for this group now.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn must_prepare(&self, group: &str) -> Result<(), Refusal> {
        self.state.must_be(State::LoggedIn, "preparing media")?;
        parse_group(group).map(|_| ())
    }

    /// `joinGroup`.
    ///
    /// # Errors
    /// Code 2 before `init` or in a group, 35 before login, 1 for a malformed Group ID.
    pub fn join(&mut self, now: Instant, group: &str) -> Result<RequestId, Refusal> {
        self.state.must_be(State::LoggedIn, "joining a group")?;
        let id = parse_group(group)?;
        self.state = State::Joining;
        let group = group.to_owned();
        Ok(self.ask(now, Kind::Join(id), Command::Join { group }))
    }

    /// `leaveGroup`: every media is closed and no group event comes from here on.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub fn leave(&mut self, now: Instant) -> Result<RequestId, Refusal> {
        self.state.must_be(State::Joined, "leaving the group")?;
        self.state = State::Leaving;
        let id = self.ask(now, Kind::Leave, Command::Leave {});
        // Behind the command: a media engine may take its time.
        self.outputs.push_back(Output::CloseMedia);
        Ok(id)
    }

    /// `exit`: leaves the group first when needed. The caller need not wait for the outcome, which may never come.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 when not logged in.
    pub fn exit(&mut self, now: Instant) -> Result<RequestId, Refusal> {
        self.must_be_online("exit")?;
        let was_joined = std::mem::replace(&mut self.state, State::Exiting) == State::Joined;
        let id = self.ask(now, Kind::Exit, Command::Exit {});
        if was_joined {
            self.outputs.push_back(Output::CloseMedia);
        }
        if !self.line.is_open() {
            // Nobody hears it, and the server will notice by itself.
            let why = Refusal::local(ErrorCode::NotLoggedIn, "the session has ended");
            self.end(State::Inited, &why);
        }
        Ok(id)
    }

    /// `destroy`: leave and exit by itself, and back to before `init`. Whoever waits for an outcome gets code 2.
    pub fn destroy(&mut self, now: Instant) {
        // Behind a login under way, too: otherwise its session would wait for somebody to come.
        if self.state.is_online() || self.state == State::LoggingIn {
            self.ask(now, Kind::Unasked, Command::Exit {});
        }
        if self.state.is_online() {
            self.outputs.push_back(Output::CloseMedia);
        }
        let why = Refusal::local(ErrorCode::NotInitialised, "the engine was destroyed");
        self.end(State::Uninit, &why);
    }

    /// Announces a media of one's own.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn publish(
        &mut self,
        now: Instant,
        media_type: MediaType,
        media: MediaId,
        name: String,
    ) -> Result<RequestId, Refusal> {
        let kind = Kind::Publish(media_type, media.clone(), name.clone());
        let command = Command::Publish {
            media_type,
            media,
            name,
        };
        self.in_group(now, "publishing", kind, command)
    }

    /// Takes an announcement back.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn unpublish(&mut self, now: Instant, media_type: MediaType, media: MediaId) -> Result<RequestId, Refusal> {
        let media_id = media.clone();
        let command = Command::Unpublish { media_type, media };
        let sent = self.in_group(now, "stopping to publish", Kind::Other, command)?;
        if let Some(book) = &mut self.group {
            book.published.remove(&(media_type, media_id));
        }
        Ok(sent)
    }

    /// Wants another member's media.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn receive(&mut self, now: Instant, key: MediaRef) -> Result<RequestId, Refusal> {
        self.in_group(now, "receiving", Kind::Receive(key.clone()), Command::Receive(key))
    }

    /// Wants it behind a join that is under way, in the same flight. It fails when the join does.
    ///
    /// # Errors
    /// Code 2 when no join is under way, 30 when too much waits for the server.
    pub fn receive_with_join(&mut self, now: Instant, key: MediaRef) -> Result<RequestId, Refusal> {
        self.state.must_be(State::Joining, "receiving with a join")?;
        self.check_room()?;
        Ok(self.ask(now, Kind::Receive(key.clone()), Command::Receive(key)))
    }

    /// Wants it no more.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn stop_receive(&mut self, now: Instant, key: MediaRef) -> Result<RequestId, Refusal> {
        let command = Command::StopReceive(key.clone());
        let sent = self.in_group(now, "stopping to receive", Kind::Other, command)?;
        if let Some(book) = &mut self.group {
            book.receives.remove(&key);
        }
        Ok(sent)
    }

    /// Says how much of a received picture is of use, in pixels of height: 0 wants nothing of it for now, `None` all. It
    /// is all from `receive` on, and again in a session that takes the place of a lost one.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn view(&mut self, now: Instant, media: MediaRef, height: Option<u32>) -> Result<RequestId, Refusal> {
        self.in_group(now, "viewing", Kind::Other, Command::View { media, height })
    }

    /// Says how much a received picture matters beside the others. From `receive` on that is [`Priority::High`] of a
    /// screen share and [`Priority::Normal`] of all else, and again in a session that takes the place of a lost one.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn prioritize(&mut self, now: Instant, media: MediaRef, priority: Priority) -> Result<RequestId, Refusal> {
        let command = Command::Prioritize { media, priority };
        self.in_group(now, "setting a priority", Kind::Other, command)
    }

    /// Sets up or changes the media transport; on the way into a group, too, so that both leave in one flight.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn offer(&mut self, now: Instant, offer: Offer) -> Result<RequestId, Refusal> {
        if self.state != State::Joining {
            self.state.must_be(State::Joined, "negotiating media")?;
        }
        self.check_room()?;
        Ok(self.ask(now, Kind::Offer, Command::Offer(offer)))
    }

    /// Sends a message to others in the group.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1 when it is too large, 30 when too much waits for the server.
    pub fn message(&mut self, now: Instant, message: ToGroup) -> Result<RequestId, Refusal> {
        if self.state == State::Joined {
            self.check_size(&message.body)?;
        }
        self.in_group(now, "sending a message", Kind::Other, Command::Message(message))
    }

    /// Asks for a page of the group's members.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn roster(&mut self, now: Instant, page: RosterPage) -> Result<RequestId, Refusal> {
        self.in_group(now, "asking for the members", Kind::Other, Command::Roster(page))
    }

    /// Asks for earlier messages of the group.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn history(&mut self, now: Instant, before: Option<u64>, limit: u32) -> Result<RequestId, Refusal> {
        let command = Command::History { before, limit };
        self.in_group(now, "asking for earlier messages", Kind::Other, command)
    }

    /// Removes a member from the group, for `ban` seconds at least.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn kick(&mut self, now: Instant, user: UserId, ban: Option<u32>) -> Result<RequestId, Refusal> {
        self.in_group(now, "removing a member", Kind::Other, Command::Kick { user, ban })
    }

    /// Silences a member's media at the server, or lets it be heard again.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn mute(&mut self, now: Instant, media: MediaRef, muted: bool) -> Result<RequestId, Refusal> {
        self.in_group(now, "silencing a media", Kind::Other, Command::Mute { media, muted })
    }

    /// Closes the group to newcomers, or opens it.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 30 when too much waits for the server.
    pub fn lock(&mut self, now: Instant, locked: bool) -> Result<RequestId, Refusal> {
        self.in_group(now, "locking the group", Kind::Other, Command::Lock { locked })
    }

    /// Sends a message to a user who is online.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1 when it is too large, 30 when too much waits for the server.
    pub fn user_message(&mut self, now: Instant, user: UserId, body: Payload) -> Result<RequestId, Refusal> {
        if self.state.is_online() {
            self.check_size(&body)?;
        }
        self.online(
            now,
            "sending a message",
            Kind::Other,
            Command::UserMessage { user, body },
        )
    }

    /// Asks for a page of the users online. From the first page on changes come as events.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn online_page(&mut self, now: Instant, page: OnlinePage) -> Result<RequestId, Refusal> {
        let kind = Kind::Online(page.clone());
        let begins = page.after.is_none();
        let sent = self.online(now, "asking who is online", kind, Command::Online(page));
        if sent.is_ok() && (begins || self.presence.is_none()) {
            self.presence = Some(PresenceBook::default());
        }
        sent
    }

    /// Is no longer interested in who is online.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn unwatch(&mut self, now: Instant) -> Result<RequestId, Refusal> {
        let sent = self.online(now, "ending the watch", Kind::Other, Command::Unwatch {})?;
        self.presence = None;
        Ok(sent)
    }

    /// Sets the free text that others see beside this terminal, also after the session was lost and begun anew.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn set_state(&mut self, now: Instant, state: String) -> Result<RequestId, Refusal> {
        let command = Command::SetState { state: state.clone() };
        let sent = self.online(now, "setting the state", Kind::Other, command)?;
        if let Some(login) = &mut self.login {
            login.shown = Some(state);
        }
        Ok(sent)
    }

    /// Invites users into a group.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<RequestId, Refusal> {
        self.online(now, "inviting", Kind::Other, Command::Invite(invite))
    }

    /// Accepts or rejects an invite.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn answer_invite(&mut self, now: Instant, answer: InviteAnswer) -> Result<RequestId, Refusal> {
        self.online(now, "answering an invite", Kind::Other, Command::AnswerInvite(answer))
    }

    /// Takes an invite back.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 30 when too much waits for the server.
    pub fn cancel_invite(&mut self, now: Instant, cancel: InviteCancel) -> Result<RequestId, Refusal> {
        self.online(now, "taking an invite back", Kind::Other, Command::CancelInvite(cancel))
    }

    fn in_group(&mut self, now: Instant, call: &str, kind: Kind, command: Command) -> Result<RequestId, Refusal> {
        self.state.must_be(State::Joined, call)?;
        self.check_room()?;
        Ok(self.ask(now, kind, command))
    }

    fn online(&mut self, now: Instant, call: &str, kind: Kind, command: Command) -> Result<RequestId, Refusal> {
        self.must_be_online(call)?;
        self.check_room()?;
        Ok(self.ask(now, kind, command))
    }

    fn must_be_online(&self, call: &str) -> Result<(), Refusal> {
        if self.state.is_online() {
            return Ok(());
        }
        self.state.must_be(State::LoggedIn, call)
    }

    fn check_room(&self) -> Result<(), Refusal> {
        if !self.requests.is_full() {
            return Ok(());
        }
        let message = "too many calls wait for the server: try again when the connection is better";
        Err(Refusal::local(ErrorCode::Connect, message))
    }

    fn check_size(&self, body: &Payload) -> Result<(), Refusal> {
        if body.as_json().len() <= self.max_message {
            return Ok(());
        }
        let message = format!("a message has at most {} bytes of JSON", self.max_message);
        Err(Refusal::local(ErrorCode::InvalidArgument, message))
    }
}

fn parse_group(group: &str) -> Result<GroupId, Refusal> {
    GroupId::parse(group).map_err(|e| Refusal::local(ErrorCode::InvalidArgument, format!("the Group ID {e}")))
}
