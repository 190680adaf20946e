//! One GET, bounded in every direction.

use hst_access::AccessError;
use reqwest::{Client, StatusCode, Url, redirect};

use crate::url::is_loopback;

/// The longest body that is read; an answer has some hundred bytes.
const MAX_BODY: usize = 64 * 1024;
/// A platform moves its access service once, not around in circles.
const MAX_REDIRECTS: usize = 3;

pub(crate) fn new(base: &Url) -> Client {
    let builder = || {
        let builder = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::custom(follow));
        if is_loopback(base) { builder.no_proxy() } else { builder }
    };
    // A machine without root certificates can still use plain HTTP; its HTTPS then fails at the handshake.
    builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .expect("a client without root certificates needs nothing of the system")
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if may_follow(attempt.previous(), attempt.url()) {
        attempt.follow()
    } else {
        attempt.error(Astray)
    }
}

/// `visited` are all addresses so far, the first included.
fn may_follow(visited: &[Url], next: &Url) -> bool {
    let secure = |url: &Url| url.scheme() == "https";
    visited.len() <= MAX_REDIRECTS && (secure(next) || !visited.iter().any(secure))
}

/// Around in circles, or from an encrypted address to one that is not.
#[derive(Debug, thiserror::Error)]
#[error("redirected too often or to plain HTTP")]
struct Astray;

pub(crate) async fn get(client: &Client, url: Url) -> Result<(StatusCode, Vec<u8>), AccessError> {
    let address = url.origin().ascii_serialization();
    let failed = |error: reqwest::Error| match error.is_redirect() {
        true => AccessError::NotAccess {
            address: address.clone(),
            reason: "it redirects too often or to plain HTTP",
        },
        false => AccessError::Unreachable {
            address: address.clone(),
            source: Box::new(error.without_url()),
        },
    };
    let mut response = client.get(url).send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(AccessError::NotAccess {
                address,
                reason: "its answer is longer than 64 KiB",
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_never_given_up_on_the_way() {
        let urls = ["http://a.example.com", "https://b.example.com"].map(|url| Url::parse(url).unwrap());
        let [http, https] = &urls;
        assert!(may_follow(&urls[..1], http) && may_follow(&urls[..1], https));
        assert!(may_follow(&urls[1..], https) && may_follow(&urls, https));
        assert!(!may_follow(&urls[1..], http) && !may_follow(&urls, http));
    }
}
