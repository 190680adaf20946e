//! What an engine must do beside the contract.

#[path = "../../hst-media-webrtc/tests/engine/frames.rs"]
mod frames;
#[path = "../../hst-media-webrtc/tests/engine/loss.rs"]
mod loss;
#[path = "../../hst-media-webrtc/tests/engine/paths.rs"]
mod paths;
#[path = "../../hst-media-webrtc/tests/server/mod.rs"]
mod server;

use hst_media_str0m::Str0mEngine as Engine;
