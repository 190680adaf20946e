//! The values of the header extensions that a router looks into; all others it passes on as they are.

use std::time::Duration;

/// The longest name of a line or an encoding that is read: a UUID fits, with whatever is around it.
const MAX_NAME: usize = 64;

/// How loud a sound is (RFC 6464).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioLevel {
    /// So many dB below the loudest, from 0 to 127.
    pub below_loudest: u8,
    /// Whether its sender takes it for speech.
    pub is_speech: bool,
}

impl AudioLevel {
    /// Reads the value of such an extension.
    pub fn read(value: &[u8]) -> Option<Self> {
        let level = *value.first()?;
        Some(Self {
            below_loudest: level & 0x7f,
            is_speech: level & 0x80 != 0,
        })
    }

    /// The value of such an extension.
    pub fn to_bytes(self) -> [u8; 1] {
        [u8::from(self.is_speech) << 7 | self.below_loudest.min(0x7f)]
    }
}

/// When a packet was sent, in steps of 2^-18 s that begin anew each 64 s
/// (<http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AbsSendTime(u32);

impl AbsSendTime {
    /// The time so long after whatever moment its sender counts from.
    pub fn at(since: Duration) -> Self {
        let steps = (since.as_nanos() << 18) / 1_000_000_000;
        Self(steps as u32 & 0x00ff_ffff)
    }

    /// Reads the value of such an extension.
    pub fn read(value: &[u8]) -> Option<Self> {
        let [high, middle, low] = *value.first_chunk()?;
        Some(Self(u32::from_be_bytes([0, high, middle, low])))
    }

    /// The value of such an extension.
    pub fn to_bytes(self) -> [u8; 3] {
        let [_, high, middle, low] = self.0.to_be_bytes();
        [high, middle, low]
    }

    /// How many seconds it is after another, the short way round: negative where it is before.
    pub fn since(self, other: Self) -> f64 {
        let steps = (self.0.wrapping_sub(other.0) << 8) as i32 >> 8;
        f64::from(steps) / f64::from(1 << 18)
    }
}

/// How a picture is to be turned before it is shown (3GPP TS 26.114, coordination of video orientation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct VideoOrientation {
    /// It is of the camera that looks away from its user.
    pub is_back_camera: bool,
    /// It is mirrored, left and right.
    pub is_flipped: bool,
    /// So many quarters of a turn, from 0 to 3.
    pub quarter_turns: u8,
}

impl VideoOrientation {
    /// Reads the value of such an extension.
    pub fn read(value: &[u8]) -> Option<Self> {
        let bits = *value.first()?;
        Some(Self {
            is_back_camera: bits & 8 != 0,
            is_flipped: bits & 4 != 0,
            quarter_turns: bits & 3,
        })
    }

    /// The value of such an extension.
    pub fn to_bytes(self) -> [u8; 1] {
        [u8::from(self.is_back_camera) << 3 | u8::from(self.is_flipped) << 2 | self.quarter_turns & 3]
    }
}

/// The sequence number of a packet among all of its transport
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2); it is written as two bytes, the higher one first.
pub fn transport_seq(value: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*value.first_chunk()?))
}

/// The name of a line (MID, RFC 9143) or of an encoding (RID, and that which is repaired, RFC 8852): 1 to 64 visible ASCII
/// characters, without zeros behind it.
pub fn name(value: &[u8]) -> Option<&str> {
    let len = value.iter().rposition(|byte| *byte != 0)? + 1;
    let name = &value[..len];
    let is_name = len <= MAX_NAME && name.iter().all(u8::is_ascii_graphic);
    str::from_utf8(name).ok().filter(|_| is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_rfc_6464_draws_them() {
        let level = AudioLevel {
            below_loudest: 5,
            is_speech: true,
        };
        assert_eq!(AudioLevel::read(&[0x85]), Some(level));
        assert_eq!(level.to_bytes(), [0x85]);
        assert_eq!(
            AudioLevel {
                below_loudest: 200,
                is_speech: false
            }
            .to_bytes(),
            [127]
        );
        assert_eq!(AudioLevel::read(&[]), None);
    }

    #[test]
    fn send_times_are_compared_the_short_way_round() {
        let [before, after] = [63_999, 64_001].map(|ms| AbsSendTime::at(Duration::from_millis(ms)));
        assert!((after.since(before) - 0.002).abs() < 1e-5);
        assert!((before.since(after) + 0.002).abs() < 1e-5);
        assert_eq!(AbsSendTime::read(&before.to_bytes()), Some(before));
        assert_eq!(AbsSendTime::at(Duration::from_secs(1)).to_bytes(), [4, 0, 0]);
        assert_eq!(AbsSendTime::read(&[1, 2]), None);
    }

    #[test]
    fn all_orientations_are_the_same_after_they_were_written() {
        for bits in 0..16 {
            assert_eq!(VideoOrientation::read(&[bits]).unwrap().to_bytes(), [bits]);
        }
    }

    #[test]
    fn a_name_is_visible_ascii_and_not_too_long() {
        assert_eq!(name(b"0"), Some("0"));
        assert_eq!(name(b"hi\0\0"), Some("hi"));
        for wrong in [&b""[..], b"\0", b"a b", b"\xc3\xa4", b"a\0b", &[b'a'; 65]] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_transport_sequence_number_has_two_bytes() {
        assert_eq!(transport_seq(&[1, 2]), Some(0x0102));
        assert_eq!(transport_seq(&[1]), None);
    }
}
