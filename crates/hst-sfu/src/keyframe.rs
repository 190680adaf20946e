use crate::{Codec, vp8::Vp8, vp9::Vp9};

/// H.264 NAL unit types (RFC 6184 section 5.2 and ITU-T H.264 table 7-1).
const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

impl Codec {
    /// Whether a receiver may start with this packet: the first of a keyframe, or any packet of sound.
    ///
    /// An H.264 keyframe starts at its parameter sets, or at its IDR slice when none are sent before it.
    pub fn starts_keyframe(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus => true,
            Self::Vp8 => Vp8::parse(payload).is_some_and(|vp8| vp8.starts_keyframe),
            Self::H264 => h264(payload),
            Self::Vp9 => Vp9::parse(payload).is_some_and(|vp9| vp9.starts_keyframe),
            // The N bit: the first packet of a coded video sequence.
            Self::Av1 => payload.first().is_some_and(|&byte| byte & 0x08 != 0),
        }
    }
}

fn h264(payload: &[u8]) -> bool {
    let starts = |header: u8| matches!(header & 0x1f, IDR | SPS);
    let Some((&header, rest)) = payload.split_first() else {
        return false;
    };
    match header & 0x1f {
        STAP_A => {
            let mut rest = rest;
            while let [high, low, unit @ ..] = rest {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                if unit.len() < size {
                    return false;
                }
                if unit[..size].first().is_some_and(|&header| starts(header)) {
                    return true;
                }
                rest = &unit[size..];
            }
            false
        }
        FU_A => rest
            .first()
            .is_some_and(|&fragment| fragment & 0x80 != 0 && starts(fragment)),
        _ => starts(header),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h264_starts_at_parameter_sets_or_idr_in_every_packetisation() {
        for payload in [
            &[0x67, 1, 2][..],                                 // a single SPS
            &[0x65, 1, 2],                                     // a single IDR slice
            &[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1],             // STAP-A of SPS and PPS
            &[0x78, 0, 2, 0x09, 1, 0, 1, 0x67, 0, 2, 0x65, 1], // STAP-A with a delimiter first
            &[0x7c, 0x85, 1],                                  // FU-A, first fragment of an IDR slice
        ] {
            assert!(Codec::H264.starts_keyframe(payload), "{payload:x?}");
        }
        for payload in [
            &[][..],
            &[0x61, 1, 2],             // a slice of a predicted frame
            &[0x68, 1],                // a PPS alone
            &[0x7c, 0x05, 1],          // FU-A, middle of an IDR slice
            &[0x7c, 0x45, 1],          // FU-A, end of an IDR slice
            &[0x7c, 0x81, 1],          // FU-A, first fragment of a predicted slice
            &[0x7c],                   // cut short
            &[0x78, 0, 9, 0x67],       // STAP-A with a size past its end
            &[0x78, 0, 0],             // STAP-A of an empty unit
            &[0x78, 0, 2, 0x61, 1, 0], // STAP-A of a predicted slice and half a size
        ] {
            assert!(!Codec::H264.starts_keyframe(payload), "{payload:x?}");
        }
    }

    #[test]
    fn vp8_starts_at_the_first_partition_of_a_keyframe() {
        assert!(Codec::Vp8.starts_keyframe(&[0x10, 0x00]));
        assert!(Codec::Vp8.starts_keyframe(&[0x90, 0xe0, 0x81, 0x23, 7, 0x20, 0x00]));
        assert!(!Codec::Vp8.starts_keyframe(&[0x10, 0x01]), "inter frame");
        assert!(
            !Codec::Vp8.starts_keyframe(&[0x00, 0x00]),
            "not the start of a partition"
        );
        assert!(!Codec::Vp8.starts_keyframe(&[0x11, 0x00]), "a later partition");
        assert!(!Codec::Vp8.starts_keyframe(&[0x10]), "no payload header");
        assert!(!Codec::Vp8.starts_keyframe(&[]));
    }

    #[test]
    fn sound_starts_anywhere_and_av1_at_a_new_sequence() {
        assert!(Codec::Opus.starts_keyframe(&[]));
        assert!(Codec::Av1.starts_keyframe(&[0x18]));
        assert!(!Codec::Av1.starts_keyframe(&[0x10]));
    }
}
