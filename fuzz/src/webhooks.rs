use std::time::{Duration, UNIX_EPOCH};

use hst_webhook::{TOLERANCE, WebhookHeaders, WebhookSecret, WebhookUrl, verify};

/// Lines of text as a receiver may find them: nobody signs without the secret, and a URL stays what it is.
pub fn webhook(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default();
    if let Ok(url) = WebhookUrl::parse(text) {
        let again = WebhookUrl::parse(url.as_str()).expect("its normal form");
        assert_eq!(again.as_str(), url.as_str());
    }
    if let Ok(secret) = WebhookSecret::parse(text) {
        assert_eq!(WebhookSecret::parse(&secret.reveal()).expect("its own form"), secret);
    }
    hst_webhook::fuzzed::retry_after(text);
    let (id, timestamp, signature) = (next(), next(), next());
    let headers = WebhookHeaders {
        id,
        timestamp,
        signature,
    };
    let secret = WebhookSecret::parse("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect("a secret");
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert!(verify(&secret, &headers, next().as_bytes(), now, TOLERANCE).is_err());
}
