use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hst_cluster::{Directory, Entry, Key, Prefix, Revision, Unavailable, Watch, WriteError};

use crate::{
    ConnectError, Nats,
    link::Link,
    names::Names,
    stream::{Config, Last, Republish, Storage, Stream},
    watch::NatsWatch,
};

/// Entries that are read at once.
const READERS: usize = 64;
/// Tries to create before so many others who create and delete there win.
const TRIES: usize = 8;

/// The directory's entries in a stream, as NATS' own key-value buckets have them.
///
/// Deleting writes a mark over the entry, so that its number and the news of it are like those of any write. Then the
/// mark itself is taken away: the stream holds what stands there, and not what ever stood there.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    names: Names,
    stream: Stream,
}

impl Bucket {
    pub(crate) async fn open(link: Link, names: Names, replicas: u8) -> Result<Self, ConnectError> {
        let subjects = names.entries(&Prefix::all());
        let config = Config {
            name: names.stream(),
            subjects: vec![subjects.clone()],
            storage: Storage::File,
            num_replicas: replicas,
            max_msgs_per_subject: 1,
            max_age: 0,
            allow_direct: false,
            republish: Some(Republish {
                src: subjects,
                dest: names.changes(),
            }),
        };
        let stream = Stream::open(link, config).await?;
        Ok(Self { names, stream })
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// How far the directory has come.
    pub(crate) async fn last(&self) -> Result<u64, Unavailable> {
        Ok(self.stream.tail().await?.last)
    }

    pub(crate) async fn entries(&self, prefix: &Prefix) -> Result<BTreeMap<Key, Entry>, Unavailable> {
        let subjects = self.stream.subjects(&self.names.entries(prefix)).await?;
        let mut reads = Vec::with_capacity(subjects.len());
        for subject in &subjects {
            // What others have written there by hand, and is no key of ours, is no business of ours.
            reads.extend(self.names.key(subject).map(|key| self.entry(key)));
        }
        let mut reads = stream::iter(reads).buffer_unordered(READERS);
        let mut entries = BTreeMap::new();
        while let Some(read) = reads.try_next().await? {
            entries.extend(read.map(|entry| (entry.key.clone(), entry)));
        }
        Ok(entries)
    }

    async fn entry(&self, key: Key) -> Result<Option<Entry>, Unavailable> {
        let last = self.last_of(&key).await?;
        Ok(last.and_then(|Last { revision, value }| value.map(|value| Entry { key, value, revision })))
    }

    async fn last_of(&self, key: &Key) -> Result<Option<Last>, Unavailable> {
        self.stream.read(&self.names.entry(key)).await
    }

    async fn write(&self, key: &Key, value: Option<Bytes>, expected: Revision) -> Result<Revision, WriteError> {
        self.stream.write(&self.names.entry(key), value, expected).await
    }

    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        // Nothing, or the mark of what was deleted this moment.
        let mut nothing = Revision::OWN;
        for _ in 0..TRIES {
            match self.write(key, Some(value.clone()), nothing).await {
                Err(WriteError::Conflict) => {}
                written => return written,
            }
            nothing = match self.last_of(key).await {
                Ok(None) => Revision::OWN,
                Ok(Some(Last { revision, value: None })) => revision,
                Ok(Some(Last { value: Some(_), .. })) => return Err(WriteError::Conflict),
                Err(Unavailable) => return Err(WriteError::Unavailable),
            };
        }
        Err(WriteError::Conflict)
    }

    async fn replace(&self, key: &Key, value: Option<Bytes>, expected: Revision) -> Result<Revision, WriteError> {
        // To the stream it would mean that nothing may stand there.
        if expected == Revision::OWN {
            return Err(WriteError::Conflict);
        }
        self.write(key, value, expected).await
    }
}

#[async_trait]
impl Directory for Nats {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        self.bucket().create(key, value).await
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        self.bucket().replace(key, Some(value), expected).await
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        let mark = self.bucket().replace(key, None, expected).await?;
        let stream = self.bucket().stream().clone();
        // Nobody waits for it: a mark that stays costs its bytes, and a try more when something is created there.
        tokio::spawn(async move { stream.forget(mark).await });
        Ok(())
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.bucket().entry(key.clone()).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        Ok(self.bucket().entries(prefix).await?.into_values().collect())
    }

    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        Ok(Box::new(NatsWatch::open(self, prefix).await?))
    }
}
