use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_cluster::{Delivery, Subject, Unavailable};
use hst_group::server::{InviteOutput, Inviter, Invites};
use hst_id::{AppId, UserId};
use hst_proto::{ErrorCode, Failure, Invite, InviteAnswer, InviteCancel, Invited};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    handle::SessionId,
    hub::Hub,
    questions::{self, Unanswered, not_understood},
    session::User,
};

/// How long the node that keeps an invite may take to hear its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The invites that sessions of this node have sent.
#[derive(Debug)]
pub(crate) struct Ringing {
    /// A lock, because inviters and invited come from everywhere; held for one step.
    invites: Mutex<Invites>,
    /// What the numbers of this node's invites have in front.
    series: u64,
    changed: Notify,
}

/// An answer on its way to the node that keeps the invite.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    app: AppId,
    user: UserId,
    session: u64,
    answer: InviteAnswer,
}

impl Ringing {
    /// `boot` is random, and different for each node.
    pub(crate) fn new(boot: u64) -> Self {
        // A number that browsers read exactly: 21 bits for the node and 32 for its invites.
        let series = boot & 0x1f_ffff;
        Self {
            invites: Mutex::new(Invites::new((series << 32) + 1)),
            series,
            changed: Notify::new(),
        }
    }

    /// Takes an invite back.
    ///
    /// # Errors
    /// Code 1000110.
    pub(crate) fn cancel(&self, session: SessionId, cancel: InviteCancel) -> Result<(), Failure> {
        let cancelled = self.lock().handle_cancel(session.0, cancel);
        self.changed.notify_one();
        cancelled
    }

    /// A session of this node is over.
    pub(crate) fn session_gone(&self, session: SessionId) {
        self.lock().handle_session_gone(session.0);
        self.changed.notify_one();
    }

    /// A user is online nowhere any more.
    pub(crate) fn user_offline(&self, app: AppId, user: UserId) {
        self.lock().handle_user_offline(&app, &user);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Invites> {
        self.invites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// Invites users, and says who is not online.
    ///
    /// # Errors
    /// The codes of `invite`.
    pub(crate) async fn invite(&self, user: &User, invite: Invite) -> Result<Invited, Failure> {
        let from = Inviter {
            app: user.app.clone(),
            user: user.id.clone(),
            info: user.extend_info.clone(),
            session: user.handle.id.0,
        };
        self.invite_from(from, invite).await
    }

    /// Invites users in the name of somebody, and says who is not online. Answers go to the inviter's session, if there
    /// is one.
    ///
    /// # Errors
    /// The codes of `invite`.
    pub(crate) async fn invite_from(&self, from: Inviter, invite: Invite) -> Result<Invited, Failure> {
        let mut online = BTreeSet::new();
        // More than may be named are refused below, whoever they are.
        for invited in invite.users.iter().take(hst_proto::MAX_LISTED) {
            if !self.logins(&from.app, invited).await?.is_empty() {
                online.insert(invited.clone());
            }
        }
        let invited = self
            .ringing
            .lock()
            .handle_invite(now(), from, invite, |user| online.contains(user));
        self.ringing.changed.notify_one();
        invited
    }

    /// Answers an invitation, on whichever node it is kept.
    ///
    /// # Errors
    /// Code 1000110; 302 when that node cannot be reached.
    pub(crate) async fn answer_invite(&self, user: &User, answer: InviteAnswer) -> Result<(), Failure> {
        let session = user.handle.id.0;
        let series = answer.invite >> 32;
        if series == self.ringing.series {
            return self.take_answer(&user.app, &user.id, session, answer);
        }
        let no_answer = |why| match why {
            Unanswered::Request(_) => Failure::new(ErrorCode::NoSuchInvite, "there is no such invite, or it is over"),
            Unanswered::NotUnderstood => Failure::new(ErrorCode::OperationFailed, why.to_string()),
        };
        let answer = Answer {
            app: user.app.clone(),
            user: user.id.clone(),
            session,
            answer,
        };
        let answer = serde_json::to_vec(&answer).expect("names are JSON").into();
        let outcome = self.node.ask(&subject(series), answer, ANSWER_TIMEOUT).await;
        let outcome: Option<Failure> = outcome
            .and_then(|outcome| questions::read(&outcome))
            .map_err(no_answer)?;
        outcome.map_or(Ok(()), Err)
    }

    fn take_answer(&self, app: &AppId, user: &UserId, session: u64, answer: InviteAnswer) -> Result<(), Failure> {
        let taken = self.ringing.lock().handle_answer(now(), app, user, session, answer);
        self.ringing.changed.notify_one();
        taken
    }

    /// Says what invites give rise to, and hears answers from other nodes, until the server ends.
    pub(crate) async fn ring(self: &Arc<Self>) -> Result<(), Unavailable> {
        let mut answers = self.node.bus.subscribe(&subject(self.ringing.series).into()).await?;
        let hub = self.clone();
        self.life.spawn(async move {
            loop {
                let due = hub.ringing.lock().poll_timeout();
                let timeout = async {
                    match due {
                        Some(due) => sleep_until(due.into()).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = hub.ringing.changed.notified() => {}
                    () = timeout => hub.ringing.lock().handle_timeout(now()),
                    delivery = answers.next() => hub.hear_answer(delivery).await,
                    () = hub.life.draining() => return,
                }
                hub.ring_out().await;
            }
        });
        Ok(())
    }

    async fn hear_answer(&self, delivery: Delivery) {
        let Delivery::Message(message) = delivery else {
            return tracing::warn!("answers to invites were lost");
        };
        let Some(reply) = message.reply else {
            return tracing::warn!("another node does not say where it wants its answer");
        };
        let outcome = match serde_json::from_slice::<Answer>(&message.payload) {
            Ok(said) => {
                let outcome = self.take_answer(&said.app, &said.user, said.session, said.answer).err();
                serde_json::to_vec(&outcome).expect("a code and a text are JSON").into()
            }
            Err(error) => {
                tracing::warn!(%error, "another node said what is not understood");
                not_understood(&error)
            }
        };
        let _ = self.node.bus.publish(&reply, outcome).await;
    }

    async fn ring_out(&self) {
        loop {
            let output = self.ringing.lock().poll_output();
            match output {
                Some(InviteOutput::ToUser {
                    app,
                    user,
                    except_session,
                    body,
                }) => {
                    if let Err(error) = self.tell_user(&app, &user, except_session.map(SessionId), &body).await {
                        tracing::warn!(%app, %user, message = error.message, "an invitation was not told");
                    }
                }
                Some(InviteOutput::ToSession { session, body }) => {
                    // One that has ended meanwhile needs to know nothing.
                    self.tell_session(&self.node.owner(), SessionId(session), &body).await;
                }
                None => return,
            }
        }
    }
}

fn subject(series: u64) -> Subject {
    Subject::parse("invite").expect("letters are a part").with(&series)
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
