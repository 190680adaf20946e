use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use hst_id::AppId;

use crate::{AccessError, AccessPoints};

/// The seam: finds where an app's services are.
///
/// It is asked once a login and once a reconnect, and may answer differently each time: that is how a platform spreads
/// its load.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccessDiscovery: Debug + Send + Sync + 'static {
    /// Where `app`'s services are; without an app, where everybody's are: an engine asks before it knows its app.
    ///
    /// Cancel-safe: a question that is dropped leaves nothing behind.
    ///
    /// # Errors
    /// See [`AccessError`].
    async fn discover<'a>(&self, app: Option<&'a AppId>) -> Result<AccessPoints, AccessError>;
}

#[async_trait]
impl<D: AccessDiscovery + ?Sized> AccessDiscovery for Arc<D> {
    async fn discover<'a>(&self, app: Option<&'a AppId>) -> Result<AccessPoints, AccessError> {
        (**self).discover(app).await
    }
}

#[async_trait]
impl<D: AccessDiscovery + ?Sized> AccessDiscovery for Box<D> {
    async fn discover<'a>(&self, app: Option<&'a AppId>) -> Result<AccessPoints, AccessError> {
        (**self).discover(app).await
    }
}
