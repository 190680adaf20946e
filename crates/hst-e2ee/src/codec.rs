/// What a frame is, which says what of it stays readable for those who forward it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Opus (RFC 6716): one packet. Nothing of it stays readable.
    Opus,
    /// VP8 (RFC 6386): one picture. What its uncompressed data chunk tells stays readable: whether it is a keyframe, and
    /// its size.
    Vp8,
}

/// A header of Opus that says 20 ms in two frames, of which the first is longer than any packet (RFC 6716 sections 3.1
/// and 3.2.5): whoever forwards it takes it for sound, and a decoder without the key refuses it and makes no noise.
const OPUS_PREFIX: [u8; 4] = [0xf3, 0x82, 0xff, 0xff];

/// The uncompressed data chunk (RFC 6386 section 9.1), of a keyframe and of others.
const VP8_KEYFRAME_PREFIX: usize = 10;
const VP8_PREFIX: usize = 3;
/// Where a keyframe has its start code, which is the same in all of them.
const VP8_START_CODE: std::ops::Range<usize> = 3..6;
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// What stands in its place in an encrypted one: a decoder without the key refuses it and shows no noise.
const MARK: [u8; 3] = *b"SFr";

impl Codec {
    /// Parts a frame into what leads its encrypted form and what is to be encrypted. `None` if it is no such frame.
    pub(crate) fn split(self, frame: &[u8]) -> Option<(Vec<u8>, &[u8])> {
        match self {
            Self::Opus if frame.is_empty() => None,
            Self::Opus => Some((OPUS_PREFIX.to_vec(), frame)),
            Self::Vp8 => {
                let (clear, rest) = frame.split_at_checked(vp8_prefix(frame)?)?;
                let mut prefix = clear.to_vec();
                if let Some(code) = prefix.get_mut(VP8_START_CODE) {
                    (code == START_CODE).then(|| code.copy_from_slice(&MARK))?;
                }
                Some((prefix, rest))
            }
        }
    }

    /// Parts an encrypted frame into its prefix and what is encrypted. `None` if it is none of this codec.
    pub(crate) fn split_sealed(self, sealed: &[u8]) -> Option<(&[u8], &[u8])> {
        let len = match self {
            Self::Opus => OPUS_PREFIX.len(),
            Self::Vp8 => vp8_prefix(sealed)?,
        };
        let (prefix, rest) = sealed.split_at_checked(len)?;
        let is_ours = match self {
            Self::Opus => prefix == OPUS_PREFIX,
            Self::Vp8 => prefix.get(VP8_START_CODE).is_none_or(|mark| mark == MARK),
        };
        is_ours.then_some((prefix, rest))
    }

    /// The frame of the prefix of its encrypted form and what was encrypted.
    pub(crate) fn join(self, prefix: &[u8], opened: &[u8]) -> Vec<u8> {
        match self {
            Self::Opus => opened.to_vec(),
            Self::Vp8 => {
                let mut frame = [prefix, opened].concat();
                if prefix.len() == VP8_KEYFRAME_PREFIX {
                    frame[VP8_START_CODE].copy_from_slice(&START_CODE);
                }
                frame
            }
        }
    }
}

/// How much of a picture stays readable; the lowest bit of its first byte is the inverse key frame flag.
fn vp8_prefix(frame: &[u8]) -> Option<usize> {
    let is_keyframe = frame.first()? & 1 == 0;
    Some(if is_keyframe { VP8_KEYFRAME_PREFIX } else { VP8_PREFIX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYFRAME: &[u8] = &[0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01, 7, 8, 9];

    #[test]
    fn a_keyframe_shows_its_kind_and_size_and_is_refused_by_a_decoder() {
        let (prefix, rest) = Codec::Vp8.split(KEYFRAME).unwrap();
        assert_eq!(prefix, [0x10, 2, 0, b'S', b'F', b'r', 0x80, 0x02, 0xe0, 0x01]);
        assert_eq!(rest, [7, 8, 9]);
        assert_eq!(Codec::Vp8.join(&prefix, rest), KEYFRAME);
    }

    #[test]
    fn what_is_no_frame_of_the_codec_is_not_parted() {
        assert_eq!(Codec::Opus.split(&[]), None);
        for wrong in [&[][..], &[1], &[1, 2], &KEYFRAME[..9], &[0; 20]] {
            assert_eq!(Codec::Vp8.split(wrong), None, "{wrong:?}");
        }
        for clear in [KEYFRAME, &[], &[0x31, 0]] {
            assert_eq!(Codec::Vp8.split_sealed(clear), None, "{clear:?}");
        }
        assert_eq!(Codec::Opus.split_sealed(&[0xfc, 0xff, 0xfe]), None);
    }
}
