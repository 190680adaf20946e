//! What an engine must do beside the contract, against an independent WebRTC implementation.

mod frames;
mod loss;
mod paths;
#[path = "../server/mod.rs"]
mod server;

use hst_media_webrtc::WebRtcEngine as Engine;
