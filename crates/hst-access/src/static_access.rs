use async_trait::async_trait;
use hst_id::AppId;

use crate::{AccessDiscovery, AccessError, AccessPoints};

/// Always the same answer, for every app: a platform that needs no discovery, and the fake for tests.
#[derive(Debug, Clone)]
pub struct StaticAccess(AccessPoints);

impl StaticAccess {
    /// Answers these points.
    pub fn new(points: AccessPoints) -> Self {
        Self(points)
    }

    /// Answers one signalling URL.
    pub fn of(url: impl Into<String>) -> Self {
        Self(AccessPoints::new([url]).expect("one address is not none"))
    }
}

#[async_trait]
impl AccessDiscovery for StaticAccess {
    async fn discover<'a>(&self, _: Option<&'a AppId>) -> Result<AccessPoints, AccessError> {
        Ok(self.0.clone())
    }
}
