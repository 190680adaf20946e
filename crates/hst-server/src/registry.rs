//! What is registered on the platform, and known alike by all its nodes: Apps, developers and their access tokens, bans,
//! revocations. It stands in the directory; each node has a copy in memory and on its disk.

mod confirm;
mod first;
mod follow;
pub(crate) mod fuzzed;
pub(crate) mod place;
mod records;
pub(crate) mod wire;

use std::sync::Arc;

use hst_cluster::{Entry, Key, Revision, Unavailable, WriteError};
use hst_proto::{ErrorCode, Failure};
use hst_store::{Ban, Record, Revocation, Revoked, Stamped};
use tokio::{sync::Notify, task::spawn_blocking};

pub(crate) use self::records::{Known, Records};
use crate::{
    admin::{Refused, to_the_end},
    apps::{Apps, now},
    life::Life,
    node::Node,
    sessions::{Sessions, Who},
};

/// Writes that lost to others, or whose answers were lost, before somebody is told to try again.
const TRIES: usize = 16;

/// The way to the records, which are changed here alone.
#[derive(Debug)]
pub(crate) struct Registry {
    node: Node,
    pub(crate) apps: Arc<Apps>,
    sessions: Arc<Sessions>,
    life: Life,
    /// There is something that the disk does not know.
    unwritten: Notify,
}

impl Registry {
    /// Whoever runs the server is its first developer.
    pub(crate) async fn developer_at_start(
        self: &Arc<Self>,
    ) -> Result<Option<hst_store::Developer>, crate::StartError> {
        self.first_developer().await.map_err(|refused| match refused {
            Refused::Store(error) => error.into(),
            _ => Unavailable.into(),
        })
    }

    pub(crate) fn new(node: Node, apps: Arc<Apps>, sessions: Arc<Sessions>, life: Life) -> Arc<Self> {
        Arc::new(Self {
            node,
            apps,
            sessions,
            life,
            unwritten: Notify::new(),
        })
    }

    /// Changes the record at a place, and answers it as it is then. When this returns, every living node acts by it, and the
    /// sessions that it ends have been told.
    ///
    /// `decide` makes of the record as it is what it is to be. It may be asked several times, when others write at the same
    /// moment. Once begun it is carried through, also when nobody waits for it any more.
    ///
    /// # Errors
    /// Those of `decide`, and then nothing has changed. [`Refused::Cluster`]: neither. [`Refused::Unsure`]: nobody knows.
    /// [`Refused::Unconfirmed`]: it has changed, and some node may not know yet. [`Refused::Store`]: it has changed, and the
    /// disk of this node does not know.
    pub(crate) async fn write(
        self: &Arc<Self>,
        key: Key,
        decide: impl Fn(Option<Record>) -> Result<Record, Refused> + Send + Sync + 'static,
    ) -> Result<Record, Refused> {
        let registry = self.clone();
        to_the_end(async move {
            let (stamped, revision) = registry.agree(&key, &decide).await?;
            registry.take(&key, stamped.clone(), Some(revision));
            let (kept, confirmed) = tokio::join!(registry.flush(), registry.tell_all(&key, &stamped, revision));
            kept?;
            confirmed?;
            Ok(stamped.record)
        })
        .await
    }

    /// Writes to the directory what `decide` makes of the record at a place.
    async fn agree(
        &self,
        key: &Key,
        decide: &(impl Fn(Option<Record>) -> Result<Record, Refused> + Sync),
    ) -> Result<(Stamped, Revision), Refused> {
        let directory = &*self.node.directory;
        for _ in 0..TRIES {
            let stands = directory.get(key).await?;
            let said = match &stands {
                Some(entry) => Some(wire::read(&entry.value).ok_or(Refused::NotUnderstood)?),
                None => None,
            };
            // What the directory has lost is known here still, and is written again sooner or later.
            let known = self.apps.records.get(key).map(|known| known.stamped);
            let newest = said.into_iter().chain(known).max_by_key(|stamped| stamped.stamp);
            let before = newest.as_ref().map_or(0, |stamped| stamped.stamp);
            let stamped = Stamped {
                record: decide(newest.map(|stamped| stamped.record))?,
                stamp: now().as_millis().max(before + 1),
            };
            let value = wire::to_bytes(&stamped);
            let written = match &stands {
                None => directory.create(key, value.clone()).await,
                Some(entry) => directory.update(key, value.clone(), entry.revision).await,
            };
            match written {
                Ok(revision) => return Ok((stamped, revision)),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return Err(Unavailable.into()),
                Err(WriteError::Unknown) => match directory.get(key).await {
                    Ok(Some(entry)) if entry.value == value => return Ok((stamped, entry.revision)),
                    Ok(_) => {}
                    Err(Unavailable) => return Err(Refused::Unsure),
                },
            }
        }
        Err(Unavailable.into())
    }

    /// Acts by a record from now on, if it is news: it is known here, and the sessions that it ends are told.
    fn take(&self, key: &Key, stamped: Stamped, revision: Option<Revision>) {
        let record = stamped.record.clone();
        if self.apps.take(key, stamped, revision) {
            self.unwritten.notify_one();
            // Behind it, so that a session that began meanwhile is found here or has found the record.
            self.end_sessions(record);
        }
    }

    /// The same for an entry of the directory. What is not understood is none; so is what stands at another's place.
    fn take_entry(&self, entry: &Entry) -> Option<Stamped> {
        let stamped = wire::read(&entry.value).filter(|stamped| place::of(&stamped.record) == entry.key);
        match &stamped {
            Some(stamped) => self.take(&entry.key, stamped.clone(), Some(entry.revision)),
            None => tracing::warn!(key = %entry.key, "what is registered there is not understood"),
        }
        stamped
    }

    fn end_sessions(&self, record: Record) {
        let is_fixed = |app| self.apps.get(app).is_some_and(|entry| entry.is_fixed);
        let (who, why) = match record {
            Record::App(app) if !app.settings.online && !is_fixed(&app.id) => (
                Who::App(app.id),
                Failure::new(ErrorCode::AppOffline, "the App was switched off"),
            ),
            Record::AppGone(app) if !is_fixed(&app) => (
                Who::App(app),
                Failure::new(ErrorCode::UnknownApp, "the App was deleted"),
            ),
            Record::Ban(
                app,
                Ban {
                    user,
                    group: None,
                    until,
                    ..
                },
            ) if !until.is_over(now()) => {
                let why = Failure::new(ErrorCode::Banned, "kept out of this App for some time");
                (Who::User(app, user), why)
            }
            Record::Revoked(app, Revoked { what, at, .. }) => {
                let who = match what {
                    Revocation::Token(id) => Who::Token(app, id.as_str().to_owned()),
                    Revocation::User(user) => Who::IssuedBefore(app, Some(user), at.as_millis()),
                    Revocation::Everyone => Who::IssuedBefore(app, None, at.as_millis()),
                };
                (
                    who,
                    Failure::new(ErrorCode::Revoked, "the token was revoked: get a new one"),
                )
            }
            _ => return,
        };
        self.sessions.end_all(&who, &why);
    }

    /// Writes to the disk what is new.
    async fn flush(&self) -> Result<(), Refused> {
        let apps = self.apps.clone();
        match spawn_blocking(move || apps.records.flush()).await {
            Ok(written) => Ok(written?),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// The same whenever there is something, until the server ends.
    async fn keep_written(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.unwritten.notified() => {}
                () = self.life.draining() => break,
            }
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "what is registered could not be written down yet");
            }
        }
        let _ = self.flush().await;
    }

    /// Takes away what means nothing any more, here and in the directory.
    pub(crate) async fn forget_what_is_over(&self) -> Result<(), Refused> {
        let now = now();
        let mut forgotten = 0;
        for (key, known) in self.apps.records.beneath(&place::all()) {
            if self.apps.records.counts(&known.stamped, now) {
                continue;
            }
            if let Some(revision) = known.revision {
                match self.node.directory.delete(&key, revision).await {
                    // Another node was first, or has written it anew.
                    Ok(()) | Err(WriteError::Conflict) => {}
                    Err(WriteError::Unavailable | WriteError::Unknown) => return Err(Unavailable.into()),
                }
            }
            if self
                .apps
                .records
                .get(&key)
                .is_some_and(|present| present.stamped == known.stamped)
            {
                self.apps.forget(&key, &known.stamped.record);
                forgotten += 1;
            }
        }
        if forgotten > 0 {
            tracing::debug!(forgotten, "bans, revocations and what was deleted long ago are over");
        }
        self.flush().await
    }
}
