//! Mocks of every seam, for unit tests of the layer above: `MockMediaEngine::new()`, then `expect_open()` and so on.

pub use crate::{
    engine::MockMediaEngine,
    line::{MockFrameReader, MockFrameWriter},
    peer::MockMediaPeer,
    sink::MockMediaSink,
    source::MockMediaSource,
};
