use crate::wire::{u32_at, words};

const NAME: u32 = u32::from_be_bytes(*b"REMB");

/// How much a receiver takes (draft-alvestrand-rmcat-remb-03 section 2.2).
#[derive(Debug, Clone)]
pub struct Remb<'a> {
    /// Who says it.
    pub sender: u32,
    /// So many bits in a second, of all sources together.
    pub bitrate: u64,
    sources: &'a [u8],
}

impl<'a> Remb<'a> {
    pub(crate) const FORMAT: u8 = 15;

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        if u32_at(body, 8)? != NAME {
            return None;
        }
        let rate = u32_at(body, 12)?;
        let (count, exponent, mantissa) = (rate >> 24, rate >> 18 & 0x3f, u64::from(rate & 0x3_ffff));
        Some(Self {
            sender: u32_at(body, 0)?,
            // What no number holds is more than any network does.
            bitrate: if mantissa.leading_zeros() < exponent {
                u64::MAX
            } else {
                mantissa << exponent
            },
            sources: body.get(16..16 + count as usize * 4)?,
        })
    }

    /// The sources, at most 255.
    pub fn sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: [u8; 24] = [
        0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 2, 0x1a, 0x20, 0xdf, 0, 0, 0, 7, 0, 0, 0, 8,
    ];

    #[test]
    fn what_a_receiver_takes_is_a_mantissa_with_an_exponent() {
        let remb = Remb::read(&BODY).unwrap();
        assert_eq!((remb.sender, remb.bitrate), (1, 0x2_20df << 6));
        assert!(remb.sources().eq([7, 8]));
    }

    #[test]
    fn a_rate_that_no_number_holds_is_the_largest() {
        let mut body = BODY;
        body[13..16].fill(0xff);
        assert_eq!(Remb::read(&body).unwrap().bitrate, u64::MAX);
        body[13..16].copy_from_slice(&[0xfc, 0, 0]);
        assert_eq!(Remb::read(&body).unwrap().bitrate, 0);
    }

    #[test]
    fn what_is_not_that_is_none() {
        assert!(Remb::read(&BODY[..23]).is_none());
        let mut other = BODY;
        other[8] = b'r';
        assert!(Remb::read(&other).is_none());
    }
}
