//! Events on their way to real endpoints, well-behaved or not.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod h4;
mod h5;
mod h6;
mod server;

use std::time::Duration;

use bytes::Bytes;
use hst_webhook::{
    AddressGuard, AppId, Counters, Endpoint, EventId, WebhookSecret, WebhookUrl, Webhooks, WebhooksBuilder,
};
use tokio::{task::yield_now, time::timeout};

/// A test that waits longer has failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// Permits the machine itself, where the endpoints of these tests are.
fn local_guard() -> AddressGuard {
    AddressGuard::public_only().allow("127.0.0.0/8").unwrap()
}

/// Retries as soon as it can.
fn builder(guard: AddressGuard) -> WebhooksBuilder {
    Webhooks::builder(guard).dice(|_| Duration::ZERO)
}

fn webhooks() -> Webhooks {
    builder(local_guard()).build()
}

fn app(name: &str) -> AppId {
    AppId::parse(name).unwrap()
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: WebhookUrl::parse(url).unwrap(),
        secret: WebhookSecret::random().unwrap(),
    }
}

/// An event of the app `a`.
fn send(webhooks: &Webhooks, endpoint: &Endpoint, id: &str) {
    let body = Bytes::from(format!(r#"{{"type":"{id}"}}"#));
    webhooks.send(&app("a"), endpoint, EventId::parse(id).unwrap(), body);
}

/// Waits until the counters say so.
async fn until(webhooks: &Webhooks, reached: impl Fn(&Counters) -> bool) {
    let counted = async {
        while !reached(&webhooks.counters()) {
            yield_now().await;
        }
    };
    timeout(DEADLINE, counted).await.expect("it is counted in time");
}
