use std::{future::pending, sync::Arc};

use bytes::Bytes;
use hst_auth::Grants;
use hst_group::server::{CloseWhy, GroupRequest, Session, SessionOutput, SignIn, ToMember};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{ErrorCode, Failure, RequestId};
use hst_signal::{CloseCode, CloseReason, MAX_FRAME, RecvEnd, SignalConnection, SignalReceiver};
use tokio::time::{Instant, sleep_until};

use crate::{
    admission::Place,
    apps::{SignedIn, permissions},
    hub::Hub,
    logins::Login,
    membership::{Membership, News},
    outbox::{Outbox, outbox},
    pace::Pace,
    refusal::evenly,
};

/// One connection at work, whatever carries it: the frames in, the frames out, and its place in a group.
#[derive(Debug)]
pub(crate) struct Connection {
    hub: Arc<Hub>,
    core: Session,
    receiver: Box<dyn SignalReceiver>,
    outbox: Outbox,
    pace: Pace,
    place: Arc<Place>,
    user: Option<User>,
    membership: Option<Membership>,
}

/// Who has logged in.
#[derive(Debug)]
struct User {
    app: AppId,
    id: UserId,
    grants: Grants,
    login: Login,
}

/// What happened next.
enum Turn {
    Frame(Result<Bytes, RecvEnd>),
    Group(News),
    Timeout,
    Evicted,
    Draining,
    OutboxEnded,
}

impl Connection {
    /// Serves a connection until its end.
    pub(crate) async fn serve(hub: Arc<Hub>, connection: SignalConnection, place: Arc<Place>) {
        let now = Instant::now();
        let (outbox, writer) = outbox(connection.sender);
        let this = Self {
            hub,
            core: Session::new(connection.since.into_std()),
            receiver: connection.receiver,
            outbox,
            pace: Pace::new(now),
            place,
            user: None,
            membership: None,
        };
        tokio::join!(this.run(), writer.run());
    }

    async fn run(mut self) {
        let reason = loop {
            if let Some(reason) = self.perform().await {
                break reason;
            }
            match self.turn().await {
                Turn::Frame(Ok(frame)) => {
                    let now = Instant::now();
                    self.pace.count(now);
                    self.core.handle_frame(now.into_std(), &frame);
                }
                Turn::Frame(Err(end)) => {
                    tracing::debug!(%end, "connection ended");
                    break end.answer().unwrap_or(CloseCode::Normal.into());
                }
                Turn::Group(News::Sent) => {}
                Turn::Group(News::Word(word)) => self.pass_on(word).await,
                Turn::Group(News::Out) => break slow_reader(),
                Turn::Group(News::GroupLost) => break CloseCode::InternalError.into(),
                Turn::Timeout => self.core.handle_timeout(Instant::now().into_std()),
                Turn::Evicted => self.core.handle_end(Failure::new(
                    ErrorCode::LoginConflict,
                    "the same user has logged in elsewhere and taken this session's place",
                )),
                Turn::Draining => self.core.handle_end(Failure::new(
                    ErrorCode::Connect,
                    "the server is shutting down: connect again later",
                )),
                Turn::OutboxEnded => break CloseCode::SlowReader.into(),
            }
        };
        // First the group, then the login: who logs in again finds himself gone from the group.
        if let Some(membership) = self.membership.take() {
            membership.end().await;
        }
        drop(self.user.take());
        self.outbox.close(reason);
    }

    /// Waits for what happens next. Cancel-safe.
    async fn turn(&mut self) -> Turn {
        let is_busy = self.core.is_busy() || self.membership.as_ref().is_some_and(Membership::is_sending);
        let (receiver, next_frame) = (&mut self.receiver, self.pace.next());
        let frame = async {
            if is_busy {
                pending::<()>().await;
            }
            if next_frame > Instant::now() {
                sleep_until(next_frame).await;
            }
            receiver.recv().await
        };
        let due = self.core.poll_timeout();
        let timeout = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => pending().await,
            }
        };
        let evicted = async {
            match &self.user {
                Some(user) => user.login.evicted().await,
                None => pending().await,
            }
        };
        let membership = async {
            match &mut self.membership {
                Some(membership) => membership.news().await,
                None => pending().await,
            }
        };
        tokio::select! {
            frame = frame => Turn::Frame(frame),
            news = membership => Turn::Group(news),
            () = timeout => Turn::Timeout,
            () = evicted => Turn::Evicted,
            () = self.hub.life.draining() => Turn::Draining,
            () = self.outbox.ended() => Turn::OutboxEnded,
        }
    }

    /// Does what the core wants done, and says why the connection is to be closed, if it is.
    async fn perform(&mut self) -> Option<CloseReason> {
        while let Some(output) = self.core.poll_output() {
            match output {
                SessionOutput::Send(frame) => {
                    if self.outbox.push(frame).is_err() {
                        return Some(slow_reader());
                    }
                }
                SessionOutput::SignIn(who) => self.sign_in(who).await,
                SessionOutput::Join { group, re } => self.join(group, re),
                SessionOutput::Group { re, request } => self.ask(re, request),
                SessionOutput::Close(why) => return Some(self.close_reason(why)),
            }
        }
        None
    }

    async fn sign_in(&mut self, who: SignIn) {
        let (app, id) = (who.app.clone(), who.user.clone());
        let outcome = evenly(self.hub.apps.sign_in(who))
            .await
            .map(|SignedIn { login, grants }| {
                self.receiver.limit_frames(MAX_FRAME);
                self.place.settle();
                let session = format!("s{}", self.hub.next_session());
                tracing::info!(session, %app, user = %id, "logged in");
                self.user = Some(User { app, id, grants, login });
                session
            });
        self.core.handle_signed_in(outcome);
    }

    fn join(&mut self, group: GroupId, re: RequestId) {
        let user = self.user.as_ref().expect("only who has logged in may join");
        if !user.grants.may_join(&group) {
            let message = format!("the token does not admit to group {group}");
            let result = Err(Failure::new(ErrorCode::TokenRefused, message));
            return self.core.handle_group(ToMember::Reply { re, result });
        }
        let key = (user.app.clone(), group);
        let membership = Membership::join(&self.hub.groups, key, re, user.id.clone(), permissions(&user.grants));
        self.membership = Some(membership);
    }

    fn ask(&mut self, re: RequestId, request: GroupRequest) {
        let membership = self.membership.as_mut().expect("only who is in a group may ask it");
        membership.ask(re, request);
    }

    async fn pass_on(&mut self, word: ToMember) {
        if let Some(left) = self.membership.take_if(|m| m.ends_with(&word)) {
            left.end().await;
        }
        self.core.handle_group(word);
    }

    fn close_reason(&self, why: CloseWhy) -> CloseReason {
        match why {
            CloseWhy::Exit => CloseCode::Normal.into(),
            CloseWhy::Protocol => CloseReason::new(CloseCode::ProtocolError, "not a frame of this protocol"),
            CloseWhy::Silent => CloseCode::HeartbeatLost.into(),
            CloseWhy::LoginDeadline => CloseReason::new(CloseCode::PolicyViolation, "no login in time"),
            CloseWhy::Ended if self.hub.life.is_draining() => CloseCode::GoingAway.into(),
            CloseWhy::Ended => CloseCode::Replaced.into(),
        }
    }
}

fn slow_reader() -> CloseReason {
    CloseReason::new(CloseCode::SlowReader, "too much waited for this client to read")
}
