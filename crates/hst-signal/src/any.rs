use std::sync::Arc;

use async_trait::async_trait;

use crate::{ConnectError, SignalConnection, SignalTransport};

/// Several transports as one: the first that knows the URL's scheme takes it.
#[derive(Debug, Clone)]
pub struct AnyTransport {
    transports: Vec<Arc<dyn SignalTransport>>,
}

impl AnyTransport {
    /// Asks the transports in the order given.
    pub fn new(transports: Vec<Arc<dyn SignalTransport>>) -> Self {
        Self { transports }
    }
}

#[async_trait]
impl SignalTransport for AnyTransport {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        for transport in &self.transports {
            match transport.connect(url).await {
                Err(ConnectError::Unsupported) => {}
                done => return done,
            }
        }
        Err(ConnectError::Unsupported)
    }
}
