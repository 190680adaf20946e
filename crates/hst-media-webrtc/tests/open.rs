//! What a peer cannot be opened with.

use hst_media::{IceServer, MediaEngine, MediaError, PeerConfig};
use hst_media_webrtc::WebRtcEngine;

#[tokio::test]
async fn an_ice_server_that_is_none_is_refused() {
    let server = IceServer {
        urls: vec!["https://example.com".into()],
        ..IceServer::default()
    };
    let opened = WebRtcEngine::new()
        .open(PeerConfig {
            ice_servers: vec![server],
        })
        .await;
    assert!(matches!(opened, Err(MediaError::Config(_))), "{opened:?}");
}

#[tokio::test]
async fn a_foreign_address_is_no_local_socket() {
    // Set aside for documentation (RFC 5737), so no interface has it.
    let engine = WebRtcEngine::bound_to(["203.0.113.7:0".parse().unwrap()]);
    let opened = engine.open(PeerConfig::default()).await;
    assert!(
        matches!(opened, Err(ref error @ MediaError::Socket(_)) if error.is_retryable()),
        "{opened:?}"
    );
}
