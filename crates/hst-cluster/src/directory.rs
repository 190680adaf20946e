use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Entry, Key, Prefix, Revision, Unavailable, WriteError};

/// The seam: a map that all nodes see alike, where a write succeeds only if its writer knew what stood there.
///
/// It is soft state: the owner of an entry remembers it, and writes it again if it is lost. A write that is dropped
/// half-way is like one that ends with [`WriteError::Unknown`]; dropping a read leaves nothing behind.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Directory: Debug + Send + Sync + 'static {
    /// Writes where nothing stands.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] if something stands there.
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError>;

    /// Writes over the entry of revision `expected`.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] if anything else stands there, or nothing.
    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError>;

    /// Takes the entry of revision `expected` away. A late one never takes away what another has written meanwhile.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] if anything else stands there, or nothing.
    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError>;

    /// What stands there now: it sees every write that had succeeded before, on whichever node.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable>;

    /// What stands beneath a prefix, ordered by key. Entries that are written meanwhile may be in it or not.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable>;

    /// Follows what stands beneath a prefix.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable>;
}

/// What happens beneath a prefix, until it is dropped.
///
/// First comes every entry that is there, then [`WatchEvent::Synced`], then each change, in the order of revisions and
/// without a gap. What waits for a slow watcher is bounded: when it is too much, or when the directory was out of
/// reach, comes [`WatchEvent::Resync`], and everything begins anew.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Watch: Debug + Send + 'static {
    /// The next event. It never ends: while the directory cannot be reached it waits.
    ///
    /// Cancel-safe: an event not yet returned is returned by the next call.
    async fn next(&mut self) -> WatchEvent;
}

/// What a [`Watch`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// This stands there: it was written just now, or it stood there when the watch began.
    Put(Entry),
    /// An entry was taken away.
    Deleted {
        /// Where.
        key: Key,
        /// Of this change, greater than that of the entry.
        revision: Revision,
    },
    /// All that stood there when the watch began has been told.
    Synced,
    /// Changes are missing: forget what was told. All that stands there follows, and [`Self::Synced`] behind it.
    Resync,
}
