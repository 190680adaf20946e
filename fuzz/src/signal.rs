use hst_proto::{ClientFrame, DecodeError, Payload, ServerFrame, decode_client, decode_server, encode_client};
use hst_signal::{CertificatePin, SignalUrl};

/// A client's frame: what is understood can be written and read again, and is the same then.
pub fn client_frame(data: &[u8]) {
    match decode_client(data) {
        Ok(ClientFrame::Request(request)) => {
            let again = decode_client(&encode_client(&request));
            assert_eq!(again, Ok(ClientFrame::Request(request)));
        }
        Ok(ClientFrame::Got(_)) => {}
        Err(DecodeError::Command { reason, .. } | DecodeError::Frame { reason }) => assert!(!reason.is_empty()),
        Err(_) => {}
    }
}

/// A server's frame.
pub fn server_frame(data: &[u8]) {
    if let Ok(ServerFrame::Event { event, .. }) = decode_server(data) {
        drop(format!("{event:?}"));
    }
}

/// What an application says in a message: JSON that is not too deep.
pub fn payload(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(payload) = Payload::from_json(text) {
        assert_eq!(Payload::from_json(payload.as_json()).ok(), Some(payload));
    }
}

/// Where a server is, and which certificate it has.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = SignalUrl::parse(text, &["ws", "wss", "hst"]);
    if let Ok(pin) = text.parse::<CertificatePin>() {
        assert_eq!(pin.to_string().parse(), Ok(pin));
    }
}
