//! What a receiver can rely on.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, UNIX_EPOCH},
};

use hst_webhook::{Counters, VerifyError, WebhookSecret};

use crate::{
    builder, endpoint, local_guard, send,
    server::{Reply, Server},
    webhooks,
};

#[tokio::test]
async fn h5_a_request_is_signed_and_whole() {
    let mut server = Server::start(|_, _| Reply::status(200)).await;
    let (webhooks, endpoint) = (webhooks(), endpoint(&server.url()));
    send(&webhooks, &endpoint, "msg_1");
    let request = server.request().await;
    assert_eq!(request.line, "POST /hook?key=1");
    assert_eq!(
        (request.id(), request.body.as_slice()),
        ("msg_1", &br#"{"type":"msg_1"}"#[..])
    );
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.verify(&endpoint.secret), Ok(()));

    let other = WebhookSecret::random().unwrap();
    assert_eq!(request.verify(&other), Err(VerifyError::Signature));
    let mut altered = request.clone();
    altered.body[0] = b'[';
    assert_eq!(altered.verify(&endpoint.secret), Err(VerifyError::Signature));
    let mut altered = request;
    altered.headers.insert("webhook-id".to_owned(), "msg_2".to_owned());
    assert_eq!(altered.verify(&endpoint.secret), Err(VerifyError::Signature));
}

#[tokio::test]
async fn h5_a_retry_keeps_the_id_and_is_signed_anew() {
    let mut server = Server::start(|n, _| Reply::status(if n < 2 { 500 } else { 204 })).await;
    let clock = AtomicU64::new(1_700_000_000);
    let webhooks = builder(local_guard())
        .clock(move || UNIX_EPOCH + Duration::from_secs(clock.fetch_add(10, Relaxed)))
        .build();
    let endpoint = endpoint(&server.url());
    send(&webhooks, &endpoint, "msg_1");
    send(&webhooks, &endpoint, "msg_2");
    let mut last = 0;
    for id in ["msg_1", "msg_1", "msg_1", "msg_2"] {
        let request = server.request().await;
        assert_eq!(request.id(), id);
        assert!(request.timestamp() > last, "each try has its own timestamp");
        last = request.timestamp();
        assert_eq!(request.verify(&endpoint.secret), Ok(()));
    }
    webhooks.shutdown().await;
    let expected = Counters {
        delivered: 2,
        retried: 2,
        ..Counters::default()
    };
    assert_eq!(webhooks.counters(), expected);
}
