use std::sync::{Arc, atomic::Ordering};

use hst_cluster::Login as Record;
use hst_group::server::UserRequest;
use hst_id::{AppId, UserId};
use hst_proto::{ErrorCode, Event, EventBody, Failure, Payload, Reply, RequestId, encode_event};
use hst_store::Service;

use crate::{
    apps::permissions,
    handle::{SessionId, Word},
    hub::Hub,
    node::logins_of_user,
    session::User,
};

impl Hub {
    /// Does what a user asks of the platform. The answer comes to his session as a word.
    pub(crate) fn ask(self: &Arc<Self>, user: &User, re: RequestId, request: UserRequest) {
        if let UserRequest::Renew(token) = &request {
            // A session that has ended needs no answer.
            let _ = user.handle.tell(Word::Renewed(re, self.renew(user, token)));
            return;
        }
        if let UserRequest::Online(page) = request {
            return match self.must_offer_presence(user) {
                Ok(()) => self.people.page(user, re, page),
                Err(failure) => {
                    let _ = user.handle.tell(Word::Answer(re, Err(failure)));
                }
            };
        }
        if request == UserRequest::Unwatch {
            self.people.unwatch(user);
        }
        let (hub, user) = (self.clone(), user.clone());
        self.life.spawn(async move {
            let result = hub.answer(&user, request).await;
            // A session that has ended needs no answer.
            let _ = user.handle.tell(Word::Answer(re, result));
        });
    }

    async fn answer(self: &Arc<Self>, user: &User, request: UserRequest) -> Result<Reply, Failure> {
        match request {
            UserRequest::Message { user: to, body } => self.message(user, to, body).await,
            UserRequest::SetState(state) => {
                self.must_offer_presence(user)?;
                user.login.set_state(state).await.map(|()| Reply::Done {})
            }
            UserRequest::Invite(invite) => {
                self.must_offer_presence(user)?;
                self.invite(user, invite).await.map(Reply::Invited)
            }
            UserRequest::AnswerInvite(answer) => self.answer_invite(user, answer).await.map(|()| Reply::Done {}),
            UserRequest::CancelInvite(cancel) => {
                let session = user.handle.id;
                self.ringing.cancel(session, cancel).map(|()| Reply::Done {})
            }
            // Answered elsewhere: by whom nobody has to be asked, or who answers in his own order.
            UserRequest::Renew(_) | UserRequest::Online(_) | UserRequest::Unwatch => Ok(Reply::Done {}),
        }
    }

    async fn message(&self, from: &User, to: UserId, body: Payload) -> Result<Reply, Failure> {
        permissions(&from.grants, &self.apps.services(&from.app)).check_message()?;
        let max = self.apps.policy(&from.app).rules.max_message;
        if body.as_json().len() > max {
            let message = format!("a message has at most {max} bytes of JSON");
            return Err(Failure::new(ErrorCode::InvalidArgument, message));
        }
        let seq = 1 + from.messages.fetch_add(1, Ordering::Relaxed);
        let event = encode_event(&Event::UserMessage {
            from: from.id.clone(),
            seq,
            body,
        });
        match self.tell_user(&from.app, &to, None, &event).await? {
            0 => Err(Failure::new(ErrorCode::UserOffline, format!("{to} is not online"))),
            _ => Ok(Reply::Sent { seq }),
        }
    }

    pub(crate) fn must_offer_presence(&self, user: &User) -> Result<(), Failure> {
        if self.apps.services(&user.app).has(Service::Presence) {
            return Ok(());
        }
        let message = "the App does not include presence and invites";
        Err(Failure::new(ErrorCode::NoPresenceService, message))
    }

    /// The logins of a user, on whichever node.
    ///
    /// # Errors
    /// Code 302 when the directory cannot be reached.
    pub(crate) async fn logins(&self, app: &AppId, user: &UserId) -> Result<Vec<Record>, Failure> {
        match self.node.directory.list(&logins_of_user(app, user)).await {
            Ok(entries) => Ok(entries.iter().filter_map(Record::read).collect()),
            Err(error) => Err(Failure::new(ErrorCode::OperationFailed, error.to_string()).retry_after(1_000)),
        }
    }

    /// Tells a user something on all his terminals but one session, and says how many there are.
    ///
    /// # Errors
    /// Code 302 when the directory cannot be reached.
    pub(crate) async fn tell_user(
        &self,
        app: &AppId,
        user: &UserId,
        except: Option<SessionId>,
        event: &EventBody,
    ) -> Result<usize, Failure> {
        let mut told = 0;
        for login in self.logins(app, user).await? {
            let session = SessionId(login.session);
            if !(self.node.is(&login.owner) && Some(session) == except) {
                self.tell_session(&login.owner, session, event).await;
                told += 1;
            }
        }
        Ok(told)
    }
}
