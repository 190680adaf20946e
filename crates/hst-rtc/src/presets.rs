//! Ready-made sets of parts. A preset is a value: take one, or put one together from your own parts.

use std::sync::Arc;

use hst_access::AccessDiscovery;
use hst_client::ClientBuilder;
use hst_media::MediaEngine;

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
/// WebSocket behind it, media by [`str0m`], connected with joining.
#[cfg(all(feature = "http", feature = "quic", feature = "str0m", feature = "ws"))]
pub fn local() -> Preset {
    with_media(str0m())
}

/// As [`local`], with this media engine.
#[cfg(all(feature = "http", feature = "quic", feature = "ws"))]
pub fn with_media(media: Arc<dyn MediaEngine>) -> Preset {
    use hst_access_http::HttpAccess;
    use hst_signal::{AnyTransport, Limits};
    use hst_signal_quic::QuicTransport;
    use hst_signal_ws::WsTransport;

    let access = HttpAccess::parse("http://127.0.0.1:7880").expect("a well-formed address");
    let transport = AnyTransport::new(vec![
        Arc::new(QuicTransport::new(Limits::default())),
        Arc::new(WsTransport::new(Limits::default())),
    ]);
    let client = ClientBuilder::new(Arc::new(transport), media).early_media(true);
    Preset::new(Arc::new(access), client)
}

/// The media engine that connects fast, over UDP, TCP or a relay (TURN). It reaches servers at addresses of their own.
#[cfg(feature = "str0m")]
pub fn str0m() -> Arc<dyn MediaEngine> {
    Arc::new(hst_media_str0m::Str0mEngine::new())
}

/// The media engine of another stack. It uses relays (TURN) too, and takes 200 ms and more to connect.
#[cfg(feature = "webrtc")]
pub fn webrtc() -> Arc<dyn MediaEngine> {
    Arc::new(hst_media_webrtc::WebRtcEngine::new())
}
