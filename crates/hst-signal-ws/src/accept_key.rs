use tungstenite::handshake::derive_accept_key;

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455, section 4.2.2), for a server that answers
/// the upgrade itself and then calls [`from_upgraded`](crate::from_upgraded).
///
/// ```
/// // The example of RFC 6455, section 1.3.
/// assert_eq!(hst_signal_ws::accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(sec_websocket_key: &[u8]) -> String {
    derive_accept_key(sec_websocket_key)
}
