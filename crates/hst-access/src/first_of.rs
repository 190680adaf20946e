use async_trait::async_trait;
use hst_id::AppId;

use crate::{AccessDiscovery, AccessError, AccessPoints};

/// Asks one after the other, in order, until one answers.
#[derive(Debug)]
pub struct FirstOf {
    first: Box<dyn AccessDiscovery>,
    others: Vec<Box<dyn AccessDiscovery>>,
}

impl FirstOf {
    /// Asks this one first.
    pub fn new(first: impl AccessDiscovery) -> Self {
        Self {
            first: Box::new(first),
            others: Vec::new(),
        }
    }

    /// Then, if all before have failed, this one.
    #[must_use]
    pub fn or(mut self, next: impl AccessDiscovery) -> Self {
        self.others.push(Box::new(next));
        self
    }
}

#[async_trait]
impl AccessDiscovery for FirstOf {
    /// If all fail, the error is the first that a later try may cure, else the first.
    async fn discover<'a>(&self, app: Option<&'a AppId>) -> Result<AccessPoints, AccessError> {
        let mut error = match self.first.discover(app).await {
            Ok(points) => return Ok(points),
            Err(error) => error,
        };
        for other in &self.others {
            match other.discover(app).await {
                Ok(points) => return Ok(points),
                Err(later) if later.is_retryable() && !error.is_retryable() => error = later,
                Err(_) => {}
            }
        }
        Err(error)
    }
}
