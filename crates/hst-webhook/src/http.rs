//! One POST, bounded in every direction.

use std::{error::Error, sync::Arc, time::Duration};

use reqwest::{Client, Response, StatusCode, header, redirect, retry};
use tracing::debug;

use crate::{
    AddressGuard, Resolver,
    builder::Clock,
    queue::{Delivery, Outcome},
    resolver::{Forbidden, GuardedResolver},
    retry_after,
    signature::{sign, unix},
};

/// For everything: finding the address, connecting, sending, and the whole answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A host of several addresses, the first of them dead, still has time for the next.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(3);
/// As much of an answer's body is read, and thrown away, so that its connection can be used again. After more than
/// that the connection is closed.
const MAX_ANSWER: usize = 64 * 1024;
/// For the next event, of a group that is busy; in between nothing is held open.
const KEEP_IDLE: Duration = Duration::from_secs(30);

/// Calls endpoints.
pub(crate) struct Http {
    client: Client,
    guard: Arc<AddressGuard>,
    clock: Clock,
}

impl Http {
    pub(crate) fn new(guard: AddressGuard, resolver: Arc<dyn Resolver>, clock: Clock) -> Self {
        let guard = Arc::new(guard);
        let builder = || {
            let resolver = GuardedResolver {
                resolver: resolver.clone(),
                guard: guard.clone(),
            };
            Client::builder()
                .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(resolver)
                .redirect(redirect::Policy::none()) // another URL would be one that nobody checked
                .no_proxy() // a proxy would resolve the host itself, and reach what we may not
                .retry(retry::never()) // the queue does, and counts
                .http1_only() // a dropped answer ends the connection, and not only a stream of it
                .timeout(PATIENCE)
                .connect_timeout(PATIENCE_TO_CONNECT)
                .pool_max_idle_per_host(1)
                .pool_idle_timeout(KEEP_IDLE)
        };
        // A machine without root certificates can still use plain HTTP; its HTTPS then fails at the handshake.
        let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
        Self {
            client: client.expect("a client without root certificates needs nothing of the system"),
            guard,
            clock,
        }
    }

    /// Cancel-safe in that nothing is left behind; whether the endpoint got it is then not known.
    pub(crate) async fn post(&self, delivery: &Delivery) -> Outcome {
        match self.call(delivery).await {
            Ok(response) => {
                let outcome = self.judge(&response);
                debug!(id = %delivery.id, status = response.status().as_u16(), "an endpoint answered");
                skip_body(response).await;
                outcome
            }
            Err(reason) => {
                debug!(id = %delivery.id, origin = delivery.endpoint.url.origin(), reason, "an endpoint is not reached");
                Outcome::Failed { retry_after: None }
            }
        }
    }

    async fn call(&self, delivery: &Delivery) -> Result<Response, String> {
        let Delivery { endpoint, id, body } = delivery;
        // A host that is an address is never resolved, so that the resolver can not refuse it.
        if endpoint.url.ip().is_some_and(|ip| !self.guard.permits(ip)) {
            return Err(Forbidden.to_string());
        }
        let timestamp = unix((self.clock)());
        let request = self.client.post(endpoint.url.to_url()).body(body.clone());
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id.as_str())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(&endpoint.secret, id, timestamp, body));
        request.send().await.map_err(|error| root(&error))
    }

    fn judge(&self, response: &Response) -> Outcome {
        match response.status() {
            status if status.is_success() => Outcome::Delivered,
            StatusCode::GONE => Outcome::Gone,
            _ => {
                let asked = response.headers().get(header::RETRY_AFTER);
                let asked = asked.and_then(|value| value.to_str().ok());
                Outcome::Failed {
                    retry_after: asked.and_then(|value| retry_after::parse(value, (self.clock)())),
                }
            }
        }
    }
}

/// The status has said everything.
async fn skip_body(mut response: Response) {
    let mut skipped = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        skipped += chunk.len();
        if skipped > MAX_ANSWER {
            return;
        }
    }
}

/// What is at the bottom of an error: above it stands only that something failed, and the URL.
fn root(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
