mod handing;

use std::{
    future::{pending, ready},
    sync::{Arc, atomic::AtomicU64},
};

use hst_auth::Grants;
use hst_group::server::{GroupRequest, MemberId, Session, SessionOutput, SignIn, ToMember, UserRequest};
use hst_id::{AppId, GroupId, TerminalType, UserId};
use hst_proto::{Failure, Prepare, Reply, RequestId};
use hst_signal::{CloseCode, CloseReason, SignalConnection};
use tokio::time::Instant;

use self::handing::Handed;
use crate::{
    admission::Place,
    alarm::Alarm,
    apps::permissions,
    failures::Source,
    greeting::close_reason,
    handle::{Attach, Inbox, SessionHandle, Word, slow_reader},
    hub::Hub,
    line::{Line, LineNews},
    logins::Login,
    membership::{GroupLost, Membership},
    pace::Pace,
};

/// A session at work, whatever carries it: its connection of the moment or none, and its place in a group.
#[derive(Debug)]
pub(crate) struct SessionTask {
    hub: Arc<Hub>,
    core: Session,
    line: Option<Line>,
    inbox: Inbox,
    alarm: Alarm,
    pace: Pace,
    user: User,
    membership: Option<Membership>,
    /// Whom it watches, if it does: everybody, or those up to a name.
    watch: Option<Option<UserId>>,
    /// Whether it is bound to this process.
    stays: bool,
    /// Whether its client is not heard, because it is about to go to another node.
    is_frozen: bool,
}

/// Who has logged in.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) app: AppId,
    pub(crate) id: UserId,
    /// From where he logged in.
    pub(crate) source: Source,
    pub(crate) terminal: TerminalType,
    pub(crate) company: String,
    pub(crate) extend_info: String,
    pub(crate) grants: Grants,
    pub(crate) handle: SessionHandle,
    pub(crate) login: Arc<Login>,
    /// How many messages he has sent to users.
    pub(crate) messages: Arc<AtomicU64>,
}

/// Words in a row after which everything else gets its turn.
const WORDS_IN_A_ROW: usize = 32;

/// What happened next.
enum Turn {
    Line(LineNews),
    Word(Word),
    Asked(Result<(), GroupLost>),
    Timeout,
    End(Failure),
    /// Nothing but words, if there are any.
    Words,
}

impl SessionTask {
    pub(crate) fn new(
        hub: Arc<Hub>,
        core: Session,
        connection: SignalConnection,
        place: Arc<Place>,
        user: User,
        inbox: Inbox,
    ) -> Self {
        let stays = place.stays();
        Self {
            line: Some(Line::new(connection, place, (0, 0))),
            stays,
            ..Self::taken_over(hub, core, user, inbox, None, None)
        }
    }

    /// One that was at another node before. It waits for its client.
    pub(crate) fn taken_over(
        hub: Arc<Hub>,
        core: Session,
        user: User,
        inbox: Inbox,
        membership: Option<Membership>,
        watch: Option<Option<UserId>>,
    ) -> Self {
        Self {
            hub,
            core,
            line: None,
            inbox,
            alarm: Alarm::default(),
            pace: Pace::new(Instant::now()),
            user,
            membership,
            watch,
            stays: false,
            is_frozen: false,
        }
    }

    /// Runs until the session's end.
    pub(crate) async fn run(mut self: Box<Self>) {
        let mut words = 0;
        let reason = loop {
            if let Some(reason) = self.perform() {
                break reason;
            }
            let turn = self.turn(words < WORDS_IN_A_ROW).await;
            words = match turn {
                Turn::Word(_) => words + 1,
                _ => 0,
            };
            if let Turn::Word(Word::HandOver(order)) = turn {
                match Box::pin(self.hand_over(*order)).await {
                    Handed::Gone => return,
                    Handed::Stays => continue,
                    Handed::Ends(reason) => break reason,
                }
            }
            if let Some(reason) = self.step(turn).await {
                break reason;
            }
        };
        // Boxed, because it is large and comes once in a session's life.
        Box::pin(self.end(reason)).await;
    }

    /// Takes what has happened, and says why the session is to end, if it is.
    async fn step(&mut self, turn: Turn) -> Option<CloseReason> {
        match turn {
            Turn::Line(LineNews::Frame(Ok(frame))) => {
                let now = Instant::now();
                self.pace.count(now);
                self.core.handle_frame(now.into_std(), &frame);
            }
            Turn::Line(LineNews::Frame(Err(end))) => {
                tracing::debug!(session = %self.user.handle.id, %end, "connection ended");
                match end.answer() {
                    // What no client of ours does.
                    Some(reason) => return Some(reason),
                    None => self.detach(CloseCode::Normal.into()),
                }
            }
            Turn::Line(LineNews::Stuck) => self.detach(CloseCode::SlowReader.into()),
            Turn::Word(Word::GroupLost(member)) => {
                if self.membership.as_ref().is_some_and(|own| own.id() == member) {
                    return Some(CloseCode::InternalError.into());
                }
            }
            Turn::Word(word) => self.take(word).await,
            Turn::Asked(Ok(())) => {}
            Turn::Asked(Err(GroupLost)) => return Some(CloseCode::InternalError.into()),
            Turn::Timeout => self.core.handle_timeout(Instant::now().into_std()),
            Turn::End(failure) => self.core.handle_end(failure),
            Turn::Words => {}
        }
        None
    }

    /// First the group, then the login: who logs in again finds himself gone from the group.
    async fn end(mut self: Box<Self>, reason: CloseReason) {
        let id = self.user.handle.id;
        tracing::info!(session = %id, reason = %reason.code.number(), "session ended");
        if let Some(membership) = self.membership.take() {
            membership.end().await;
        }
        self.hub.sessions.leave(id, self.core.ended().cloned());
        self.hub.people.unwatch(&self.user);
        self.hub.ringing.session_gone(id);
        self.user.login.release().await;
        let User { app, id, terminal, .. } = &self.user;
        self.hub.hooks.offline(app, id, terminal);
        if self.hub.logins(app, id).await.is_ok_and(|rest| rest.is_empty()) {
            self.hub.tell_offline(app.clone(), id.clone()).await;
        }
        if let Some(line) = self.line.take() {
            let is_draining = reason.code == CloseCode::Replaced && self.hub.life.is_draining();
            let reason = if is_draining {
                CloseCode::GoingAway.into()
            } else {
                reason
            };
            line.close(&self.hub.life, reason);
        }
    }

    /// Waits for what happens next, with `words_first` without a look at anything else while there are words. Cancel-safe.
    ///
    /// It runs for every word of every session: what it waits for is set up once, or is there only when it is due.
    async fn turn(&mut self, words_first: bool) -> Turn {
        let asks = self.membership.as_ref().is_some_and(Membership::is_sending);
        let is_busy = asks || self.core.is_busy();
        let next_frame = self.pace.next();
        // A client that sends too fast is read later.
        let waits = next_frame > Instant::now();
        let reads = !is_busy && !waits && !self.is_frozen;
        let due = self.core.poll_timeout().map(Instant::from_std);
        let due = match waits && !is_busy && !self.is_frozen {
            true => Some(due.map_or(next_frame, |due| due.min(next_frame))),
            false => due,
        };
        let line = &mut self.line;
        let line = async {
            match line {
                Some(line) => line.next(reads).await,
                None => pending().await,
            }
        };
        let membership = &mut self.membership;
        let asked = async {
            match membership {
                Some(membership) => membership.send().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            heard = self.inbox.next(), if words_first => match heard {
                Ok(word) => Turn::Word(word),
                Err(why) => Turn::End(why),
            },
            news = line => Turn::Line(news),
            asked = asked, if asks => Turn::Asked(asked),
            () = self.alarm.at(due) => Turn::Timeout,
            () = ready(()), if !words_first => Turn::Words,
        }
    }

    async fn take(&mut self, word: Word) {
        match word {
            Word::Group(member, word) => self.pass_on(member, word).await,
            Word::Answer(re, result) => {
                if let Ok(Reply::Online(page)) = &result {
                    let last = page.users.last().filter(|_| page.more);
                    self.watch = Some(last.map(|last| last.user.clone()));
                }
                self.core.handle_answer(re, result);
            }
            Word::Renewed(re, lasts) => self.core.handle_renewed(Instant::now().into_std(), re, lasts),
            Word::Event(body) => self.core.handle_event(body),
            Word::Attach(attach) => self.attach(*attach),
            // Who wants to know may have given up.
            Word::Locate(tell) => _ = tell.send(self.whereabouts()),
            // Heard before, or too late: who gave the order learns it.
            Word::GroupLost(_) | Word::Passed(..) | Word::HandOver(_) => {}
        }
    }

    /// Does what the core wants done, and says why the session is to end, if it is.
    fn perform(&mut self) -> Option<CloseReason> {
        while let Some(output) = self.core.poll_output() {
            match output {
                SessionOutput::Send(frame) => {
                    if self.line.as_mut().is_some_and(|line| line.push(frame).is_err()) {
                        let reason = CloseReason::new(CloseCode::SlowReader, slow_reader().message);
                        self.detach(reason);
                    }
                }
                SessionOutput::SendLossy(frame) => {
                    if let Some(line) = &mut self.line {
                        line.push_lossy(frame);
                    }
                }
                SessionOutput::Prepare { re, group, prepare } => self.prepare(re, group, prepare),
                SessionOutput::Join { group, re } => self.join(group, re),
                SessionOutput::Group { re, request } => self.ask(re, request),
                SessionOutput::Ask { re, request } => {
                    if request == UserRequest::Unwatch {
                        self.watch = None;
                    }
                    self.hub.ask(&self.user, re, request);
                }
                SessionOutput::Missed => {
                    if let Some(membership) = &mut self.membership {
                        membership.missed();
                    }
                }
                SessionOutput::HangUp(why) => self.detach(close_reason(why)),
                SessionOutput::Close(why) => return Some(close_reason(why)),
                // A session that has logged in does neither again.
                SessionOutput::SignIn(_) | SessionOutput::Resume { .. } => {}
            }
        }
        None
    }

    /// The client is away, and the session waits for it.
    fn detach(&mut self, reason: CloseReason) {
        if let Some(line) = self.line.take() {
            line.close(&self.hub.life, reason);
            self.core.handle_detached(Instant::now().into_std());
        }
    }

    /// The client is back. A connection that still hangs at the session is not its client's any more.
    fn attach(&mut self, attach: Attach) {
        self.detach(CloseCode::Replaced.into());
        let Attach {
            connection,
            place,
            re,
            got,
        } = attach;
        self.user.source = place.source();
        self.line = Some(Line::new(connection, place, self.core.unconfirmed()));
        self.core.handle_attached(Instant::now().into_std(), re, got);
    }

    fn prepare(&mut self, re: RequestId, group: GroupId, prepare: Prepare) {
        match self.hub.check_join(&self.user, &group) {
            Ok(()) => {
                let session = self.user.handle.clone();
                self.place_in(group).prepare(re, prepare, session);
            }
            Err(failure) => self.core.handle_answer(re, Err(failure)),
        }
    }

    fn join(&mut self, group: GroupId, re: RequestId) {
        if let Err(failure) = self.hub.check_join(&self.user, &group) {
            let result = Err(failure);
            return self.core.handle_group(ToMember::Reply { re, result });
        }
        let permissions = permissions(&self.user.grants, &self.hub.apps.services(&self.user.app));
        let user = self.user.clone();
        self.place_in(group).join(re, &user, permissions);
    }

    /// The place that was prepared in this group, or a new one in the stead of that in another.
    fn place_in(&mut self, group: GroupId) -> &mut Membership {
        let key = (self.user.app.clone(), group);
        let prepared = match self.membership.take() {
            Some(prepared) if prepared.is_of(&key) => prepared,
            other => {
                if let Some(other) = other {
                    self.hub.life.spawn(other.end());
                }
                let rules = self.hub.apps.policy(&self.user.app).rules;
                Membership::new(&self.hub.groups, key, rules)
            }
        };
        self.membership.insert(prepared)
    }

    fn ask(&mut self, re: RequestId, request: GroupRequest) {
        // One who was put out a moment ago is told so by a word under way, and his request answered with it.
        if let Some(membership) = &mut self.membership {
            membership.ask(re, request);
        }
    }

    async fn pass_on(&mut self, member: MemberId, word: ToMember) {
        // Words for a membership of before are of no concern any more.
        let Some(membership) = self.membership.as_mut().filter(|own| own.id() == member) else {
            return;
        };
        if membership.ends_with(&word)
            && let Some(left) = self.membership.take()
        {
            left.end().await;
        }
        self.core.handle_group(word);
    }
}

impl User {
    pub(crate) fn new(who: SignIn, source: Source, grants: Grants, handle: SessionHandle, login: Arc<Login>) -> Self {
        Self {
            app: who.app,
            id: who.user,
            source,
            terminal: who.terminal,
            company: who.login.company,
            extend_info: who.login.extend_info,
            grants,
            handle,
            login,
            messages: Arc::default(),
        }
    }
}
