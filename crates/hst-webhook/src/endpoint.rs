use crate::{WebhookSecret, WebhookUrl};

/// Where an App wants its events, and the secret by which it knows that they are genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What is called.
    pub url: WebhookUrl,
    /// What signs. Each endpoint has one of its own: whoever knows it can forge events for all that share it.
    pub secret: WebhookSecret,
}
