//! What the fuzz targets try in here; no part of the interface.

use crate::wire::{Frame, channel};

/// What another node says on a link, as a frame and as a datagram: what is understood of it is all of it.
pub fn frame(data: &[u8]) {
    if let Some(frame) = Frame::read(data) {
        assert_eq!(frame.to_bytes(), data);
    }
    if let Some((channel, packet)) = channel(data) {
        assert_eq!([&channel.to_be_bytes(), packet].concat(), data);
    }
}
