//! The engine against a media server of the same make, over real UDP sockets on loopback.

#[path = "../../hst-media-webrtc/tests/server/mod.rs"]
mod server;

use hst_media_str0m::Str0mEngine;
use server::Server;

hst_media::engine_contract!(async { (Str0mEngine::new(), Server::start().await) });
