use std::sync::Arc;

use hst_media::MediaEngine;
use hst_signal::SignalTransport;

use crate::Client;

/// What an engine is made of; every part is a value that the caller chooses.
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    pub(crate) transport: Arc<dyn SignalTransport>,
    pub(crate) media: Arc<dyn MediaEngine>,
    pub(crate) early_media: bool,
}

impl ClientBuilder {
    /// Signals over `transport` and exchanges media by `media`.
    pub fn new(transport: Arc<dyn SignalTransport>, media: Arc<dyn MediaEngine>) -> Self {
        Self {
            transport,
            media,
            early_media: false,
        }
    }

    /// Whether joining a group connects the media transport, before anything is published or received: then the first
    /// media does not have to wait for it. Not done unless it is asked for, because who wants no media pays for it, too.
    pub fn early_media(mut self, early: bool) -> Self {
        self.early_media = early;
        self
    }

    /// An engine before `init`.
    pub fn build(self) -> Client {
        Client::new(self)
    }
}
