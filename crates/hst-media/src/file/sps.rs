/// What a sequence parameter set says that somebody here needs (ITU-T H.264 sections 7.3.2.1.1 and E.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sps {
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Frames a second, as numerator and denominator, if it says so.
    pub(crate) rate: Option<(u32, u32)>,
}

impl Sps {
    /// Reads a NAL unit of type 7; `None` if it is damaged.
    pub(crate) fn parse(nal: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(nal.get(1..)?);
        let profile = bits.read(8)?;
        bits.read(16)?; // constraints and level
        bits.golomb()?; // its id
        let mut chroma = 1;
        if matches!(
            profile,
            44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244
        ) {
            chroma = bits.golomb()?;
            if chroma == 3 {
                bits.read(1)?;
            }
            bits.golomb()?; // depth of luma
            bits.golomb()?; // depth of chroma
            bits.read(1)?;
            if bits.flag()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.flag()? {
                        bits.skip_scaling_list(if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        bits.golomb()?; // frame number length
        match bits.golomb()? {
            0 => _ = bits.golomb()?,
            1 => {
                bits.read(1)?;
                bits.golomb()?;
                bits.golomb()?;
                for _ in 0..bits.golomb()?.min(255) {
                    bits.golomb()?;
                }
            }
            _ => {}
        }
        bits.golomb()?; // reference frames
        bits.read(1)?;
        let width = bits.golomb()?.checked_add(1)?.checked_mul(16)?;
        let height_units = bits.golomb()?.checked_add(1)?;
        let frames_only = bits.read(1)?;
        let height = height_units.checked_mul(16 * (2 - frames_only))?;
        if frames_only == 0 {
            bits.read(1)?;
        }
        bits.read(1)?;
        let (mut cut_x, mut cut_y) = (0u32, 0u32);
        if bits.flag()? {
            let [left, right, top, bottom] = [bits.golomb()?, bits.golomb()?, bits.golomb()?, bits.golomb()?];
            let unit_x = if chroma == 1 || chroma == 2 { 2 } else { 1 };
            let unit_y = if chroma == 1 { 2 } else { 1 } * (2 - frames_only);
            cut_x = left.checked_add(right)?.checked_mul(unit_x)?;
            cut_y = top.checked_add(bottom)?.checked_mul(unit_y)?;
        }
        let width = u16::try_from(width.checked_sub(cut_x)?)
            .ok()
            .filter(|&width| width > 0)?;
        let height = u16::try_from(height.checked_sub(cut_y)?)
            .ok()
            .filter(|&height| height > 0)?;
        // The rate is no more than a hint, so damage in it is none of the whole.
        let rate = bits.flag().filter(|&present| present).and_then(|_| bits.rate());
        Some(Self { width, height, rate })
    }
}

/// Reads bits, most significant first, and leaves out the bytes that keep start codes away.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    bit: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, bit: 0 }
    }

    fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..count {
            if self.bit == 0 && self.at >= 2 && self.bytes.get(self.at - 2..=self.at) == Some(&[0, 0, 3]) {
                self.at += 1;
            }
            let byte = *self.bytes.get(self.at)?;
            value = value << 1 | u32::from(byte >> (7 - self.bit) & 1);
            self.bit = (self.bit + 1) % 8;
            self.at += usize::from(self.bit == 0);
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.read(1)? == 1)
    }

    /// An unsigned number in Exp-Golomb code.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.read(zeros)?)
    }

    fn skip_scaling_list(&mut self, len: u32) -> Option<()> {
        let (mut last, mut next) = (8i64, 8i64);
        for _ in 0..len {
            if next != 0 {
                let code = i64::from(self.golomb()?);
                let delta = if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 };
                next = (last + delta).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }

    /// The frame rate in the usability information, of which this is the beginning.
    fn rate(&mut self) -> Option<(u32, u32)> {
        if self.flag()? && self.read(8)? == 255 {
            self.read(32)?; // the shape of a pixel
        }
        if self.flag()? {
            self.read(1)?; // overscan
        }
        if self.flag()? {
            self.read(4)?; // the kind of video
            if self.flag()? {
                self.read(24)?; // its colours
            }
        }
        if self.flag()? {
            self.golomb()?; // where its colours are
            self.golomb()?;
        }
        if !self.flag()? {
            return None;
        }
        let (ticks, scale) = (self.read(32)?, self.read(32)?);
        // A tick is a field, half a frame. What no camera does is not believed.
        let ticks = ticks.checked_mul(2)?;
        (ticks > 0 && scale >= ticks && scale / ticks <= 240).then_some((scale, ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_rate_are_found_behind_every_profile() {
        // Each made by x264 from a test picture.
        let high = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
            0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58,
        ];
        assert_eq!(
            Sps::parse(&high),
            Some(Sps {
                width: 1920,
                height: 1080,
                rate: Some((50, 2))
            })
        );
        let full_colour = [
            0x67, 0xf4, 0x00, 0x28, 0x91, 0x9b, 0x28, 0x0b, 0x40, 0x89, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x03, 0xe9,
            0x00, 0x00, 0xea, 0x60, 0x1f, 0x16, 0x2d, 0x96,
        ];
        assert_eq!(
            Sps::parse(&full_colour),
            Some(Sps {
                width: 1440,
                height: 1080,
                rate: Some((60_000, 2002))
            })
        );
        let baseline = [
            0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x07, 0x2f, 0x88, 0x88, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00,
            0x03, 0x00, 0xf0, 0x3c, 0x48, 0x99, 0x20,
        ];
        assert_eq!(
            Sps::parse(&baseline),
            Some(Sps {
                width: 98,
                height: 66,
                rate: Some((60, 2))
            })
        );
    }

    #[test]
    fn damage_is_no_parameter_set() {
        assert_eq!(Sps::parse(&[]), None);
        assert_eq!(Sps::parse(&[0x67; 3]), None);
        assert_eq!(Sps::parse(&[0x67, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Sps::parse(&[0x67, 0x42, 0xc0, 0x0a]), None);
    }
}
