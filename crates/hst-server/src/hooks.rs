use std::sync::Arc;

use hst_id::{AppId, GroupId, MediaRef, TerminalType, UserId};
use hst_store::Webhook;
use hst_webhook::{AddressGuard, Counters, Endpoint, EventId, WebhookError, WebhookSecret, WebhookUrl, Webhooks};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    apps::{Apps, now},
    follow::{Happened, What},
};

/// Tells the backends of Apps what happens, as far as it happens on this node: so each thing is told once, and by who
/// knows its order.
#[derive(Debug)]
pub(crate) struct Hooks {
    /// Where an App's backend may be.
    pub(crate) guard: AddressGuard,
    webhooks: Webhooks,
    apps: Arc<Apps>,
}

/// What a backend is sent.
#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Unix time in milliseconds.
    at: u64,
    app: &'a AppId,
    data: Value,
}

/// An App's webhook as it is called.
///
/// # Errors
/// It is written in a way that the database allows and nobody could call.
pub(crate) fn endpoint(webhook: &Webhook) -> Result<Endpoint, WebhookError> {
    Ok(Endpoint {
        url: WebhookUrl::parse(webhook.url.as_str())?,
        secret: WebhookSecret::parse(webhook.secret.reveal())?,
    })
}

impl Hooks {
    pub(crate) fn new(guard: AddressGuard, apps: Arc<Apps>) -> Arc<Self> {
        let webhooks = Webhooks::new(guard.clone());
        Arc::new(Self { guard, webhooks, apps })
    }

    /// Something has happened in a group.
    pub(crate) fn happened(&self, Happened { app, group, what }: &Happened) {
        let member = |user: &UserId| json!({ "group": group, "user": user });
        match what {
            What::Joined(user) => self.send(app, "group.joined", || member(user)),
            What::Left(user) => self.send(app, "group.left", || member(user)),
            What::Published(media) => self.send(app, "media.published", || of_group(group, media)),
            What::Unpublished(media) => self.send(app, "media.unpublished", || of_group(group, media)),
        }
    }

    /// A user is online with one more terminal.
    pub(crate) fn online(&self, app: &AppId, user: &UserId, terminal: &TerminalType) {
        self.send(app, "user.online", || json!({ "user": user, "terminal": terminal }));
    }

    /// A user is not online with this terminal any more.
    pub(crate) fn offline(&self, app: &AppId, user: &UserId, terminal: &TerminalType) {
        self.send(app, "user.offline", || json!({ "user": user, "terminal": terminal }));
    }

    /// What became of the events.
    pub(crate) fn counters(&self) -> Counters {
        self.webhooks.counters()
    }

    /// Gives what waits a last chance, which takes 3 seconds at most.
    pub(crate) async fn shutdown(&self) {
        self.webhooks.shutdown().await;
    }

    /// Never waits: what cannot be told now is kept for a while, up to a bound.
    fn send(&self, app: &AppId, kind: &'static str, data: impl FnOnce() -> Value) {
        let entry = self.apps.get(app);
        let Some(endpoint) = entry.as_ref().and_then(|entry| entry.endpoint.as_ref()) else {
            return;
        };
        let id = EventId::random();
        let event = Event {
            id: id.as_str(),
            kind,
            at: now().as_millis(),
            app,
            data: data(),
        };
        let body = serde_json::to_vec(&event).expect("names and numbers are JSON");
        self.webhooks.send(app, endpoint, id, body.into());
    }
}

fn of_group(group: &GroupId, media: &MediaRef) -> Value {
    let mut data = json!(media);
    data["group"] = json!(group);
    data
}
