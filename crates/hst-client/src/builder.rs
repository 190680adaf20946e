use std::sync::Arc;

use hst_media::MediaEngine;
use hst_signal::SignalTransport;

use crate::Client;

/// What an engine is made of; every part is a value that the caller chooses.
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    pub(crate) transport: Arc<dyn SignalTransport>,
    pub(crate) media: Arc<dyn MediaEngine>,
}

impl ClientBuilder {
    /// Signals over `transport` and exchanges media by `media`.
    pub fn new(transport: Arc<dyn SignalTransport>, media: Arc<dyn MediaEngine>) -> Self {
        Self { transport, media }
    }

    /// An engine before `init`.
    pub fn build(self) -> Client {
        Client::new(self)
    }
}
