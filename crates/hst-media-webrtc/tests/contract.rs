//! The engine against an independent WebRTC implementation, over real UDP sockets on loopback.

mod server;

use hst_media_webrtc::WebRtcEngine;
use server::Server;

hst_media::engine_contract!(async { (WebRtcEngine::new(), Server::start().await) });
