use std::{fmt, sync::Arc};

use hst_cluster::Unavailable;
use tokio::sync::OnceCell;

use crate::{ConnectError, Options, directory::Bucket, feed::Feed, link::Link, names::Names, trust};

/// Directory and bus of all nodes that connect to the same servers under the same name. A clone is the same node.
#[derive(Clone)]
pub struct Nats {
    inner: Arc<Inner>,
}

struct Inner {
    names: Names,
    link: Link,
    bucket: Bucket,
    /// For the first watcher and all others; a node without one hears no changes.
    feed: OnceCell<Feed>,
}

impl Nats {
    /// Connects, sees whether the servers can be trusted, and makes the bucket if there is none.
    ///
    /// From then on a lost connection is made anew for ever, after pauses of 50 ms to 4 s. Meanwhile everything fails at
    /// once with [`Unavailable`], and watches and subscriptions wait.
    ///
    /// Dropped half-way, it leaves at most the bucket behind.
    ///
    /// # Errors
    /// See [`ConnectError`]. Also if no server answers within 10 s, or if JetStream has no leader within another 15 s.
    pub async fn connect(options: Options) -> Result<Self, ConnectError> {
        let names = Names::parse(&options.name).ok_or_else(|| ConnectError::Name(options.name.clone()))?;
        let link = Link::open(&options, &names).await?;
        trust::check(&link, &names, options.replicas).await?;
        let bucket = Bucket::open(link.clone(), names.clone(), options.replicas).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                names,
                link,
                bucket,
                feed: OnceCell::new(),
            }),
        })
    }

    pub(crate) fn names(&self) -> &Names {
        &self.inner.names
    }

    pub(crate) fn link(&self) -> &Link {
        &self.inner.link
    }

    pub(crate) fn bucket(&self) -> &Bucket {
        &self.inner.bucket
    }

    pub(crate) async fn feed(&self) -> Result<&Feed, Unavailable> {
        let start = || Feed::start(self.link(), self.names(), self.bucket().stream());
        self.inner.feed.get_or_try_init(start).await
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("names", self.names())
            .finish_non_exhaustive()
    }
}
