use crate::{
    Codec, Frame,
    file::Sps,
    h264::{NAL_SPS, nal_type, nal_units},
};

/// How a VP8 keyframe begins, behind its first three bytes (RFC 6386 section 9.1).
const VP8_START: [u8; 3] = [0x9d, 0x01, 0x2a];
/// The upper two bits of width and height tell how to scale the picture up, which nobody does.
const VP8_SIZE: u16 = 0x3fff;

/// Width and height of a keyframe, in pixels; `None` of any other frame, and where it cannot be read.
pub(crate) fn size_of(codec: Codec, frame: &Frame) -> Option<(u16, u16)> {
    if !frame.keyframe {
        return None;
    }
    match codec {
        Codec::Opus => None,
        Codec::Vp8 => {
            let size = frame.data.get(3..10)?.strip_prefix(&VP8_START)?;
            let side = |at: usize| u16::from_le_bytes([size[at], size[at + 1]]) & VP8_SIZE;
            Some((side(0), side(2)))
        }
        Codec::H264 => {
            let sps = nal_units(&frame.data).find(|nal| nal_type(nal) == NAL_SPS)?;
            Sps::parse(sps).map(|sps| (sps.width, sps.height))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn size(codec: Codec, data: &'static [u8], keyframe: bool) -> Option<(u16, u16)> {
        let (time, duration) = (Duration::ZERO, Duration::from_millis(40));
        let data = Bytes::from_static(data);
        let frame = Frame {
            data,
            time,
            duration,
            keyframe,
            level: None,
        };
        size_of(codec, &frame)
    }

    #[test]
    fn a_keyframe_tells_its_size_and_nothing_else_does() {
        const VP8: &[u8] = &[0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x01, 7];
        assert_eq!(size(Codec::Vp8, VP8, true), Some((640, 480)));
        assert_eq!(size(Codec::Vp8, VP8, false), None);
        assert_eq!(size(Codec::Vp8, &VP8[..9], true), None);
        assert_eq!(size(Codec::Vp8, &[0x10; 20], true), None);
        assert_eq!(size(Codec::H264, &[0, 0, 1, 0x65, 1], true), None);
        assert_eq!(size(Codec::H264, &[0, 0, 1, 0x67], true), None);
        assert_eq!(size(Codec::Opus, VP8, true), None);
    }
}
