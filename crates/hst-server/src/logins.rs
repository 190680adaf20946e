use std::num::NonZeroU8;

use hst_auth::LoginPolicy;
use hst_cluster::{Claim, Key, Login as Record, Outcome, Policy, Revision, Verdict, claim, is_dead_by, release};
use hst_group::server::SignIn;
use hst_proto::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};

use crate::{handle::SessionId, holdings::Hold, hub::Hub, sessions::Secret};

/// One session's place among the logins of its user. He is online as long as it lives.
#[derive(Debug)]
pub(crate) struct Login {
    hold: Hold,
}

/// What other nodes know of a login beside who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoginInfo {
    #[serde(default)]
    pub(crate) company: String,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) extend_info: String,
    /// [Who](Secret::proof) may take the place of this login from another node.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) proof: String,
}

impl LoginInfo {
    /// As a login's record carries it. What cannot be read says nothing.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }
}

impl Hub {
    /// Makes a user online. What gives way to him is gone when this returns, or will be soon.
    ///
    /// # Errors
    /// Code 1000008 when others have his places; 302 when the directory cannot be reached.
    pub(crate) async fn claim_login(
        &self,
        who: &SignIn,
        session: SessionId,
        secret: &Secret,
        policy: LoginPolicy,
    ) -> Result<Login, Failure> {
        let base = Key::login(&who.app, &who.user, &who.terminal);
        let places = policy.places();
        let replaces = who.login.force || policy == LoginPolicy::Replace;
        let info = LoginInfo {
            company: who.login.company.clone(),
            state: String::new(),
            extend_info: who.login.extend_info.clone(),
            proof: secret.proof(),
        };
        let mut record = Record::new(session.0, self.node.owner());
        record.info = info.to_text();
        let policy = if replaces { Policy::Replace } else { Policy::Refuse };
        let wish = Claim::new(base.clone(), places, policy, record.clone());
        let Outcome { verdict, evicted } = claim(&*self.node.directory, wish).await;
        for record in evicted.iter().filter_map(Record::read) {
            self.end_session(&record.owner, SessionId(record.session), replaced())
                .await;
        }
        match verdict {
            Verdict::Claimed { key, revision } => {
                record.since = revision;
                let login = self.hold_login(key, record.clone(), revision, session);
                match self.make_room(&base, places, policy, &record).await {
                    Ok(()) => Ok(login),
                    Err(failure) => {
                        login.release().await;
                        Err(failure)
                    }
                }
            }
            Verdict::Taken { .. } => Err(conflict()),
            Verdict::Unavailable => {
                self.fleet.holdings.withdraw(&base, places, &record).await;
                Err(unavailable())
            }
        }
    }

    /// Holds the place that a session has taken.
    pub(crate) fn hold_login(&self, key: Key, record: Record, revision: Revision, session: SessionId) -> Login {
        let handle = self.sessions.get(session);
        // Whoever takes a place says so himself; this is for one whose word was lost.
        let lost = move || {
            if let Some(handle) = &handle {
                handle.end(replaced());
            }
        };
        let hold = self.fleet.holdings.keep(key, record, revision, lost);
        Login { hold }
    }

    /// Ends the session of the user's that has this secret, if another node has it or had it, also one that has died.
    pub(crate) async fn end_login_elsewhere(&self, who: &SignIn, secret: &str, why: Failure) {
        let (places, proof) = (Key::login(&who.app, &who.user, &who.terminal), Secret::proof_of(secret));
        // What cannot be listed cannot be claimed either, and its claimant is told.
        let entries = self.node.directory.list(&places.beneath()).await.unwrap_or_default();
        let is_his = |record: &Record| LoginInfo::read(&record.info).proof == proof;
        let held = entries
            .iter()
            .filter_map(|entry| Some((entry, Record::read(entry).filter(is_his)?)));
        for (entry, record) in held {
            self.end_session(&record.owner, SessionId(record.session), why.clone())
                .await;
            // A node that lives has done that itself by now.
            let _ = release(&*self.node.directory, &entry.key, entry.revision).await;
        }
    }

    /// A policy that was another at earlier logins has left them places that this one does not look at, and they count
    /// as well. Looked for once the own place is taken, so that of two who come at a time the later sees the earlier.
    /// Whoever comes later still decides by his own policy.
    async fn make_room(&self, base: &Key, places: NonZeroU8, policy: Policy, own: &Record) -> Result<(), Failure> {
        let places = usize::from(places.get());
        let held = self.node.directory.list(&base.beneath()).await;
        let held = held.map_err(|_| unavailable())?;
        let mut others: Vec<_> = held.iter().filter_map(Record::read).collect();
        others.retain(|other| other.since < own.since);
        if others.len() < places {
            return Ok(());
        }
        let mut alive = Vec::new();
        for other in others {
            let node = self.node.directory.get(&Key::node(&other.owner.node)).await;
            let node = node.map_err(|_| unavailable())?;
            if !is_dead_by(node.as_ref(), &other.owner) {
                alive.push(other);
            }
        }
        let too_many = (alive.len() + 1).saturating_sub(places);
        if too_many > 0 && policy == Policy::Refuse {
            return Err(conflict());
        }
        alive.sort_unstable_by_key(|other| other.since);
        for oldest in &alive[..too_many] {
            self.end_session(&oldest.owner, SessionId(oldest.session), replaced())
                .await;
        }
        Ok(())
    }
}

fn conflict() -> Failure {
    let message = "this user is online already: end that session, or choose another User ID";
    Failure::new(ErrorCode::LoginConflict, message)
}

fn replaced() -> Failure {
    let message = "the same user has logged in elsewhere and taken this session's place";
    Failure::new(ErrorCode::LoginConflict, message)
}

fn unavailable() -> Failure {
    let message = "nobody can log in at the moment: try again";
    Failure::new(ErrorCode::OperationFailed, message).retry_after(1_000)
}

impl Login {
    /// Lets others see another text beside the terminal.
    ///
    /// # Errors
    /// Code 302 when another login has the place by now, or the directory cannot be reached.
    pub(crate) async fn set_state(&self, state: String) -> Result<(), Failure> {
        let info = |before: &str| {
            let info = LoginInfo {
                state,
                ..LoginInfo::read(before)
            };
            info.to_text()
        };
        self.hold
            .inform(info)
            .await
            .map_err(|error| Failure::new(ErrorCode::OperationFailed, format!("the state was not set: {error}")))
    }

    /// Holds the place no more, and leaves the entry as it is: another node is to write over it.
    pub(crate) fn let_go(&self) -> (Key, Record, Revision) {
        self.hold.let_go()
    }

    /// Holds it again, as it was written last.
    pub(crate) fn hold_again(&self, record: Record, revision: Revision) {
        self.hold.hold_again(record, revision);
    }

    /// Makes the user offline here.
    pub(crate) async fn release(&self) {
        self.hold.release().await;
    }
}
