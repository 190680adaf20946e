//! Ready-made sets of parts. A preset is a value: take one, or put one together from your own parts.

use std::sync::Arc;

use hst_access::AccessDiscovery;
use hst_client::ClientBuilder;

/// What an engine is made of, and whom it asks for addresses when `init` is not told.
#[derive(Debug, Clone)]
pub struct Preset {
    /// The Access service of `init(None)`.
    pub access: Arc<dyn AccessDiscovery>,
    /// The signalling transports and the media engine.
    pub client: ClientBuilder,
}

impl Preset {
    /// Your own parts.
    pub fn new(access: Arc<dyn AccessDiscovery>, client: ClientBuilder) -> Self {
        Self { access, client }
    }
}

/// A server on this machine, as `hst-server --dev` starts it: Access at `http://127.0.0.1:7880`, signalling over QUIC with
/// WebSocket behind it, media by the `webrtc` crate.
#[cfg(all(feature = "http", feature = "quic", feature = "webrtc", feature = "ws"))]
pub fn local() -> Preset {
    use hst_access_http::HttpAccess;
    use hst_media_webrtc::WebRtcEngine;
    use hst_signal::{AnyTransport, Limits};
    use hst_signal_quic::QuicTransport;
    use hst_signal_ws::WsTransport;

    let access = HttpAccess::parse("http://127.0.0.1:7880").expect("a well-formed address");
    let transport = AnyTransport::new(vec![
        Arc::new(QuicTransport::new(Limits::default())),
        Arc::new(WsTransport::new(Limits::default())),
    ]);
    Preset::new(
        Arc::new(access),
        ClientBuilder::new(Arc::new(transport), Arc::new(WebRtcEngine::new())),
    )
}
