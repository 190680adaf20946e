use std::{sync::Arc, time::Duration};

use hst_auth::UnixMillis;
use hst_cluster::{Key, Unavailable, Watch, WatchEvent, WriteError};
use tokio::task::{JoinSet, spawn_blocking};

use super::{Registry, place, wire};
use crate::apps::now;

/// A node that has been away for longer cannot know whether what it alone has was deleted meanwhile. It is less than
/// [`GONE`](super::records::GONE), because clocks differ.
const TRUSTED: Duration = Duration::from_secs(28 * 24 * 3600);
/// Records that are written again at a time.
const WRITERS: usize = 32;

/// Where this node is in following the directory.
#[derive(Debug, Default)]
struct Progress {
    is_synced: bool,
    /// How many records have been told since it began, or began anew.
    told: usize,
}

impl Registry {
    /// Follows what other nodes register, until the server ends. What is there already is known when this returns. To be
    /// called once this node hears the others, so that between the two nothing is missed.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub(crate) async fn follow(self: &Arc<Self>) -> Result<(), Unavailable> {
        self.life.spawn(self.clone().keep_written());
        if self.node.is_alone {
            // Nobody else writes. And if it joins others later, whatever it has is as good as theirs.
            self.remember_agreement(false).await;
            return Ok(());
        }
        let mut watch = self.node.directory.watch(&place::all()).await?;
        let mut progress = Progress::default();
        while !progress.is_synced {
            let event = watch.next().await;
            self.handle(event, &mut progress).await;
        }
        self.life.spawn(self.clone().go_on(watch, progress));
        Ok(())
    }

    async fn go_on(self: Arc<Self>, mut watch: Box<dyn Watch>, mut progress: Progress) {
        loop {
            let event = tokio::select! {
                event = watch.next() => event,
                () = self.life.draining() => return,
            };
            self.handle(event, &mut progress).await;
        }
    }

    async fn handle(self: &Arc<Self>, event: WatchEvent, progress: &mut Progress) {
        match event {
            WatchEvent::Put(entry) => {
                progress.told += 1;
                let said = self.take_entry(&entry);
                let known = self.apps.records.get(&entry.key).map(|known| known.stamped.stamp);
                // Until all is told, it is among those that are lost.
                if progress.is_synced && known > said.map(|said| said.stamp) {
                    self.write_again(vec![entry.key]);
                }
            }
            WatchEvent::Deleted { key, revision } => {
                let known = self.apps.records.get(&key);
                if known.is_some_and(|known| known.revision < Some(revision)) {
                    self.write_again(vec![key]);
                }
            }
            WatchEvent::Resync => {
                *progress = Progress::default();
                self.apps.records.doubt_all();
            }
            WatchEvent::Synced => {
                progress.is_synced = true;
                self.settle(progress.told == 0).await;
            }
        }
    }

    /// All that stands in the directory is known: what only this node knows is written again, or was deleted.
    async fn settle(self: &Arc<Self>, is_empty: bool) {
        let store = self.apps.store.clone();
        let agreed = spawn_blocking(move || store.agreed_at()).await;
        let agreed = agreed.ok().and_then(Result::ok).flatten();
        let is_recent = |at: UnixMillis| at.checked_add(TRUSTED).is_none_or(|end| now() <= end);
        let is_trusted = is_empty || agreed.is_none_or(is_recent);
        let all = self.apps.records.beneath(&place::all()).into_iter();
        let lost: Vec<_> = all.filter(|(_, known)| known.revision.is_none()).collect();
        if is_trusted {
            self.write_again(lost.into_iter().map(|(key, _)| key).collect());
        } else if !lost.is_empty() {
            let records = lost.len();
            tracing::warn!(
                records,
                "this node was away for so long that what only it knows counts as deleted"
            );
            for (key, known) in lost {
                self.apps.forget(&key, &known.stamped.record);
            }
            self.unwritten.notify_one();
        }
        self.remember_agreement(true).await;
    }

    /// Takes note on the disk of when this node and the directory said the same; or that the node is alone.
    pub(crate) async fn remember_agreement(&self, is_shared: bool) {
        let (store, at) = (self.apps.store.clone(), is_shared.then(now));
        if let Ok(Err(error)) = spawn_blocking(move || store.set_agreed(at)).await {
            tracing::warn!(%error, "the database does not know how current it is");
        }
    }

    fn write_again(self: &Arc<Self>, keys: Vec<Key>) {
        if keys.is_empty() {
            return;
        }
        let registry = self.clone();
        self.life.spawn(async move {
            let mut writing: JoinSet<()> = JoinSet::new();
            for key in keys {
                if writing.len() >= WRITERS {
                    writing.join_next().await;
                }
                let registry = registry.clone();
                writing.spawn(async move { registry.assert(&key).await });
            }
            while writing.join_next().await.is_some() {}
        });
    }

    /// Sees to it that a record stands in the directory as it is known here, or is known here as it stands there. One that
    /// means nothing any more stands nowhere.
    async fn assert(&self, key: &Key) {
        let directory = &*self.node.directory;
        for _ in 0..super::TRIES {
            let Some(known) = self.apps.records.get(key) else {
                return;
            };
            // While it is out of reach nothing can be done; when it is back, all is compared anew.
            let Ok(stands) = directory.get(key).await else {
                return;
            };
            let written = match stands {
                None if !self.apps.records.counts(&known.stamped, now()) => {
                    self.apps.forget(key, &known.stamped.record);
                    self.unwritten.notify_one();
                    return;
                }
                None => directory.create(key, wire::to_bytes(&known.stamped)).await,
                Some(entry) => match self.take_entry(&entry) {
                    Some(said) if said.stamp < known.stamped.stamp => {
                        directory
                            .update(key, wire::to_bytes(&known.stamped), entry.revision)
                            .await
                    }
                    _ => return,
                },
            };
            match written {
                Ok(revision) => return self.apps.records.stands(key, known.stamped.stamp, revision),
                Err(WriteError::Conflict | WriteError::Unknown) => {}
                Err(WriteError::Unavailable) => return,
            }
        }
    }
}
