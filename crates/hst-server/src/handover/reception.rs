//! The node that takes a session.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use hst_cluster::{
    Key, Login as Record, WriteError,
    pipe::{News, Pipe},
};
use hst_group::server::{MemberId, Session};
use hst_proto::{ErrorCode, Failure};
use tokio::time::{Instant, sleep, timeout};

use super::{MAX_PACKED, Offered, Packed, ToGiver, ToTaker};
use crate::{
    failures::Source,
    group::encode,
    handle::{Inbox, SessionHandle, SessionId, session},
    hub::Hub,
    logins::Login,
    membership::Membership,
    session::{SessionTask, User},
    sessions::Secret,
    versions::SPOKEN,
};

/// How long it may take until the session's group is here.
const PREPARE: Duration = Duration::from_secs(5);
/// How long the session may take to come.
const COME: Duration = Duration::from_secs(15);
/// For so long a member who was expected and has not come may be asked back by the node that had him.
const ASK_BACK: Duration = Duration::from_secs(15);
/// Reads after writes whose answers were lost.
const TRIES: usize = 16;

/// A place for a session that is about to come.
struct Prepared {
    id: SessionId,
    handle: SessionHandle,
    inbox: Inbox,
    membership: Option<Membership>,
}

impl Hub {
    /// Takes a session that another node offers, if it can.
    pub(crate) async fn receive_session(self: Arc<Self>, mut pipe: Pipe, offered: Offered) {
        let from = offered.from.node.clone();
        match self.take_session(&mut pipe, offered).await {
            Ok(()) => say(&mut pipe, &ToGiver::Taken).await,
            Err(why) => {
                tracing::info!(node = %from, why = why.message, "a session was not taken over");
                say(&mut pipe, &ToGiver::Refused(why)).await;
            }
        }
        pipe.close().await;
    }

    async fn take_session(self: &Arc<Self>, pipe: &mut Pipe, offered: Offered) -> Result<(), Failure> {
        self.may_take(&offered)?;
        let (app, user) = (offered.app.clone(), offered.user.clone());
        let mut place = self.prepare_place(offered).await?;
        let called = place.membership.as_ref().map_or(MemberId(0), Membership::id);
        let ready = ToGiver::Ready {
            session: place.id.0,
            called,
        };
        pipe.push(encode(&ready));
        let came = timeout(COME, collect(pipe)).await;
        let taken = match came.unwrap_or_else(|_| Err(failed("it did not come in time"))) {
            Ok(packed) if self.apps.is_revoked(&packed.token(), &app, &user) => Err(failed("its token was revoked")),
            Ok(packed) => self.claim_place(&place, packed, (&app, &user)).await,
            Err(why) => Err(why),
        };
        match taken {
            Ok((packed, login)) => {
                let user = User {
                    app,
                    id: user,
                    source: Source::from(None::<std::net::IpAddr>),
                    terminal: packed.terminal,
                    company: packed.company,
                    extend_info: packed.extend_info,
                    grants: packed.grants.unpack(),
                    handle: place.handle,
                    login: Arc::new(login),
                    messages: Arc::new(AtomicU64::new(packed.messages)),
                };
                tracing::info!(session = %place.id, app = %user.app, user = %user.id, "session taken over");
                let relay = self.relay.get();
                let ice_servers = relay.map(|relay| relay.ice_servers(place.id)).unwrap_or_default();
                let core = Session::unpack(Instant::now().into_std(), packed.core, ice_servers);
                let watch = packed.watch.unpack();
                if let Some(up_to) = &watch {
                    self.people.watch(&user, up_to.clone());
                }
                let session = SessionTask::taken_over(self.clone(), core, user, place.inbox, place.membership, watch);
                self.life.spawn(Box::new(session).run());
                Ok(())
            }
            Err(why) => {
                self.sessions.leave(place.id, None);
                if let Some(membership) = place.membership.take() {
                    let inbox = place.inbox;
                    self.life.spawn(async move {
                        sleep(ASK_BACK).await;
                        membership.end().await;
                        drop(inbox);
                    });
                }
                Err(why)
            }
        }
    }

    fn may_take(&self, offered: &Offered) -> Result<(), Failure> {
        if !SPOKEN.has(offered.hands_over) {
            return Err(failed("sessions are handed over in other words here"));
        }
        if self.life.is_leaving() || !self.sessions.has_room() {
            return Err(failed("there is no room for another session"));
        }
        if !self.apps.may_exist(&offered.app) || !self.apps.policy(&offered.app).online {
            return Err(failed("the App is not known here, or switched off"));
        }
        let group = offered.group.as_ref().map(|(group, _)| group);
        self.apps.check_ban(&offered.app, group, &offered.user)
    }

    async fn prepare_place(self: &Arc<Self>, offered: Offered) -> Result<Prepared, Failure> {
        let id = SessionId(self.next_session());
        let (handle, inbox) = session(id);
        // Its first offer was foretold elsewhere.
        handle.offers_first();
        let mut membership = None;
        if let Some((group, seat)) = offered.group {
            let rules = self.apps.policy(&offered.app).rules;
            let key = (offered.app, group);
            let (mut place, ready) = Membership::expected(&self.groups, key, rules, seat, handle.clone());
            timeout(PREPARE, place.is_expected(ready))
                .await
                .unwrap_or(false)
                .then_some(())
                .ok_or_else(|| failed("its group cannot be reached from here"))?;
            membership = Some(place);
        }
        Ok(Prepared {
            id,
            handle,
            inbox,
            membership,
        })
    }

    /// Writes this node into the entry of the login. Whoever else has written there meanwhile has it.
    async fn claim_place(
        self: &Arc<Self>,
        place: &Prepared,
        packed: Packed,
        (app, user): (&hst_id::AppId, &hst_id::UserId),
    ) -> Result<(Packed, Login), Failure> {
        let key = Key::parse(&packed.place).map_err(|_| failed("its login is nowhere"))?;
        let is_own = key
            .as_str()
            .starts_with(Key::login(app, user, &packed.terminal).as_str());
        let secret = Secret::from_text(packed.secret.clone()).filter(|_| is_own);
        let secret = secret.ok_or_else(|| failed("it is not whole"))?;
        let mut record = packed.record.clone();
        (record.session, record.owner) = (place.id.0, self.node.owner());
        // Known before others see it, so that they find whom they mean.
        self.sessions
            .take_in(place.handle.clone(), secret, app, user, packed.token());
        let directory = &*self.node.directory;
        let mut expected = packed.revision;
        for _ in 0..TRIES {
            match directory.update(&key, record.to_bytes(), expected).await {
                Ok(revision) => {
                    let login = self.hold_login(key, record, revision, place.id);
                    return Ok((packed, login));
                }
                Err(WriteError::Conflict) => return Err(failed("its login is somebody else's by now")),
                Err(WriteError::Unavailable) => return Err(failed("the directory cannot be reached")),
                Err(WriteError::Unknown) => {
                    let entry = directory
                        .get(&key)
                        .await
                        .map_err(|_| failed("nobody knows whose it is"))?;
                    let entry = entry.ok_or_else(|| failed("its login is gone"))?;
                    match Record::read(&entry) {
                        Some(read) if read.is_same_session(&record) => {
                            let login = self.hold_login(key, record, entry.revision, place.id);
                            return Ok((packed, login));
                        }
                        Some(read) if read.is_same_session(&packed.record) && entry.revision == packed.revision => {
                            expected = entry.revision;
                        }
                        _ => return Err(failed("its login is somebody else's by now")),
                    }
                }
            }
        }
        Err(failed("the directory cannot be reached"))
    }
}

/// Waits for the whole of a session.
async fn collect(pipe: &mut Pipe) -> Result<Packed, Failure> {
    let mut text = String::new();
    loop {
        match pipe.next().await {
            News::Message(bytes) => {
                let Ok(ToTaker::Part { text: part, is_last }) = serde_json::from_slice(&bytes) else {
                    return Err(failed("it is not understood"));
                };
                if text.len() + part.len() > MAX_PACKED {
                    return Err(failed("it is too large"));
                }
                text.push_str(&part);
                if is_last {
                    return serde_json::from_str(&text).map_err(|_| failed("it is not understood"));
                }
            }
            News::Delivered(_) => {}
            News::Ended => return Err(failed("the node that had it has given up")),
        }
    }
}

/// Says the last word, and waits until it has come.
async fn say(pipe: &mut Pipe, word: &ToGiver) {
    if !pipe.has_room() {
        return;
    }
    let last = pipe.push(encode(word));
    let heard = async {
        loop {
            match pipe.next().await {
                News::Delivered(count) if count >= last => return,
                News::Ended => return,
                News::Delivered(_) | News::Message(_) => {}
            }
        }
    };
    // Who does not hear it asks the directory.
    let _ = timeout(PREPARE, heard).await;
}

fn failed(why: &'static str) -> Failure {
    Failure::new(ErrorCode::OperationFailed, why)
}
