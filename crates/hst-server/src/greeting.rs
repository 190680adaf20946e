use std::{sync::Arc, time::Duration};

use hst_group::server::{CloseWhy, LOGIN_DEADLINE, Session, SessionOutput, SignedIn};
use hst_signal::{CloseCode, CloseReason, SignalConnection};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    admission::Place,
    handle::{Attach, Word},
    hub::Hub,
    pace::Pace,
    refusal::evenly,
    session::SessionTask,
    sessions::Absent,
    sign_in::Guest,
};

/// A client that does not take an answer in this time is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection before login: who is it, or to which session does it belong?
#[derive(Debug)]
struct Greeting {
    hub: Arc<Hub>,
    core: Session,
    connection: SignalConnection,
    place: Arc<Place>,
    /// When it will have to have logged in.
    deadline: Instant,
    pace: Pace,
}

/// What comes of the next frame.
enum Step {
    Again(Box<Greeting>),
    /// It was closed, or handed over to its session.
    Over,
    LoggedIn(Box<SessionTask>),
}

/// Serves a connection until it belongs to a session: a new one, or one that its client comes back to.
pub(crate) async fn serve(hub: Arc<Hub>, connection: SignalConnection, place: Arc<Place>) {
    let life = hub.life.clone();
    let deadline = connection.since + LOGIN_DEADLINE;
    let mut greeting = Greeting {
        core: Session::new(Instant::now().into_std(), deadline.into_std()),
        hub,
        connection,
        place,
        deadline,
        pace: Pace::new(Instant::now()),
    };
    loop {
        match greeting.step().await {
            Step::Again(again) => greeting = *again,
            Step::Over => return,
            // In a task of its own, so that what it took to let somebody in does not stay in memory with him.
            Step::LoggedIn(session) => return life.spawn(session.run()),
        }
    }
}

impl Greeting {
    async fn step(mut self) -> Step {
        let draining = self.hub.life.clone();
        let next_frame = self.pace.next();
        let waits = next_frame > Instant::now();
        tokio::select! {
            frame = self.connection.receiver.recv(), if !waits => match frame {
                Ok(frame) => {
                    let now = Instant::now();
                    self.pace.count(now);
                    self.core.handle_frame(now.into_std(), &frame);
                }
                Err(end) => {
                    tracing::debug!(%end, "connection ended before login");
                    return self.close(end.answer().unwrap_or(CloseCode::Normal.into())).await;
                }
            },
            // A client that sends too fast is read later.
            () = sleep_until(next_frame), if waits => {}
            () = sleep_until(self.deadline) => self.core.handle_timeout(Instant::now().into_std()),
            () = draining.draining() => return self.close(CloseCode::GoingAway.into()).await,
        }
        while let Some(output) = self.core.poll_output() {
            match output {
                SessionOutput::Send(frame) => {
                    let sent = timeout(WRITE_TIMEOUT, self.connection.sender.send(frame)).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return Step::Over;
                    }
                }
                // It is for others to let somebody in.
                SessionOutput::SignIn(_) if self.hub.life.is_leaving() => {
                    return self.close(CloseCode::GoingAway.into()).await;
                }
                SessionOutput::SignIn(who) => {
                    let outcome = evenly(self.hub.sign_in(who, self.place.source())).await;
                    self.hub.metrics.login(&outcome);
                    match outcome {
                        Ok(guest) => return self.begin(guest),
                        Err(failure) => {
                            let now = Instant::now().into_std();
                            self.core.handle_signed_in(now, Err(failure));
                        }
                    }
                }
                SessionOutput::Resume { re, resume } => {
                    match self.hub.sessions.find(&resume.session, &resume.secret) {
                        Ok(session) => {
                            let attach = Attach {
                                connection: self.connection,
                                place: self.place,
                                re,
                                got: resume.got,
                            };
                            // One that has ended meanwhile drops the connection, and the client tries again.
                            let _ = session.tell(Word::Attach(Box::new(attach)));
                            return Step::Over;
                        }
                        Err(Absent::Over(failure)) => self.core.handle_not_resumed(failure),
                        Err(Absent::Moved(signal)) => self.core.handle_moved(signal),
                    }
                }
                SessionOutput::Close(why) | SessionOutput::HangUp(why) => return self.close(close_reason(why)).await,
                // Nothing else is asked before login.
                other => tracing::error!(?other, "a session asks too early"),
            }
        }
        Step::Again(Box::new(self))
    }

    fn begin(mut self, guest: Guest) -> Step {
        let Guest {
            user,
            inbox,
            secret,
            token_lasts,
            rules,
        } = guest;
        let relay = self.hub.relay.get();
        let ice_servers = relay.map(|relay| relay.ice_servers(user.handle.id)).unwrap_or_default();
        let signed_in = SignedIn {
            session: user.handle.id.to_string(),
            secret: secret.as_str().to_owned(),
            token_lasts,
            max_message: rules.max_message,
            ice_servers,
            foretold: self.hub.groups.foretell(user.handle.id),
        };
        self.core.handle_signed_in(Instant::now().into_std(), Ok(signed_in));
        let session = SessionTask::new(self.hub, self.core, self.connection, self.place, user, inbox);
        Step::LoggedIn(Box::new(session))
    }

    async fn close(mut self, reason: CloseReason) -> Step {
        let _ = timeout(WRITE_TIMEOUT, self.connection.sender.close(reason)).await;
        Step::Over
    }
}

/// What a connection is told at its end.
pub(crate) fn close_reason(why: CloseWhy) -> CloseReason {
    match why {
        CloseWhy::Exit => CloseCode::Normal.into(),
        CloseWhy::Protocol => CloseReason::new(CloseCode::ProtocolError, "not a frame of this protocol"),
        CloseWhy::Silent => CloseCode::HeartbeatLost.into(),
        CloseWhy::LoginDeadline => CloseReason::new(CloseCode::PolicyViolation, "no login in time"),
        CloseWhy::Moved => CloseCode::GoingAway.into(),
        CloseWhy::Away | CloseWhy::Ended => CloseCode::Replaced.into(),
    }
}
