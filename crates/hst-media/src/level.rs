/// The loudest that can be, in decibels above silence.
const RANGE: u8 = 127;
/// Where nobody has measured a sound, it is taken for this loud: whoever speaks is louder, the noise of a quiet room is not.
const UNMEASURED: u8 = 50;
/// A packet of Opus that is no longer says nothing but that it is silent: the encoder pauses (DTX), or had only zeros.
const SILENT_PACKET: usize = 3;

/// How loud a sound is (RFC 6464). Of many sounds a media server forwards those that are loudest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// So many decibels below the loudest that can be, from 0 to 127, which is silence.
    pub below_loudest: u8,
    /// Whether it is taken for a voice.
    pub is_voice: bool,
}

impl Level {
    /// Nothing is to be heard.
    pub const SILENCE: Self = Self {
        below_loudest: RANGE,
        is_voice: false,
    };

    /// The mean power of samples between -1 and 1. There is no ear for voices here: what is louder than a quiet room is
    /// taken for one.
    pub fn of_samples(samples: &[f32]) -> Self {
        let power: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        let decibels = 10.0 * (power / samples.len().max(1) as f64).log10();
        // Silence is infinitely far below, and what is no number is none to be heard: both end in silence.
        let below_loudest = (-decibels).clamp(0.0, f64::from(RANGE)).min(f64::from(RANGE)).round() as u8;
        Self {
            below_loudest,
            is_voice: below_loudest < UNMEASURED,
        }
    }

    /// A guess where only the packet of Opus is known, which does not tell without being decoded: silence where it can be
    /// nothing else, or else a fixed level that is below that of speech.
    pub fn of_packet(packet: &[u8]) -> Self {
        match packet.len() {
            ..=SILENT_PACKET => Self::SILENCE,
            _ => Self {
                below_loudest: UNMEASURED,
                is_voice: true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_as_loud_as_their_mean_power() {
        let below = |samples: &[f32]| Level::of_samples(samples).below_loudest;
        assert_eq!(below(&[1.0, -1.0, 1.0]), 0);
        assert_eq!(below(&[0.1; 960]), 20);
        assert_eq!(below(&[0.001, -0.001]), 60);
        assert_eq!(below(&[4.0; 9]), 0, "louder than there is");
        for silence in [&[][..], &[0.0; 960], &[1e-9; 4], &[f32::NAN]] {
            assert_eq!(below(silence), 127, "{silence:?}");
        }
        assert!(Level::of_samples(&[0.1; 960]).is_voice && !Level::of_samples(&[0.001; 960]).is_voice);
    }

    #[test]
    fn a_packet_that_nobody_measured_is_silent_where_it_must_be_or_of_a_fixed_level() {
        for silent in [&[][..], &[0xf8], &[0x08, 0], &[0xfc, 0xff, 0xfe]] {
            assert_eq!(Level::of_packet(silent), Level::SILENCE, "{silent:x?}");
        }
        assert_eq!(Level::of_packet(&[0xfc; 80]), Level::of_packet(&[0x78; 4]));
        let loud = Level::of_packet(&[0xfc; 80]);
        assert!(loud.is_voice && loud.below_loudest < 127 && loud.below_loudest > 40);
    }
}
