//! What the fuzz targets try in here; no part of the interface.

use bytes::Bytes;

use super::frame::{Frame, MAX_MISSING, What};

/// What another node says to an end of a pipe: what is understood of it stands at its beginning.
pub fn frame(data: &[u8]) {
    let Some(frame) = Frame::read(Bytes::copy_from_slice(data)) else {
        return;
    };
    assert!(data.starts_with(&frame.to_bytes()), "{frame:?}");
    if let What::Ack { missing, .. } = frame.what {
        assert!(missing.len() <= MAX_MISSING);
    }
}
