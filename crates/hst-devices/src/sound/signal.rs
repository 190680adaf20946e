//! Signals for tests, and how loud they are.

use std::f32::consts::TAU;

/// A tone of half of the full scale.
pub(crate) fn tone(hertz: f32, rate: u32, samples: usize) -> Vec<f32> {
    let step = f64::from(hertz) / f64::from(rate);
    (0..samples)
        .map(|at| 0.5 * ((at as f64 * step).fract() as f32 * TAU).sin())
        .collect()
}

/// Something like a voice: a pitch with overtones that rises and falls, in four syllables a second with pauses between.
pub(crate) fn voice(rate: u32, samples: usize) -> Vec<f32> {
    let mut turn = 0.0;
    let sample = |at: usize| {
        let seconds = at as f32 / rate as f32;
        turn = (turn + (160.0 + 40.0 * (seconds * 0.7 * TAU).sin()) / rate as f32) % 1.0;
        let overtones: f32 = (1..=16).map(|k| (turn * k as f32 * TAU).sin() / k as f32).sum();
        0.2 * overtones * (seconds * 4.0 * TAU).sin().max(0.0)
    };
    (0..samples).map(sample).collect()
}

/// White noise of half of the full scale, the same for the same seed.
#[cfg(feature = "processing")]
pub(crate) fn noise(seed: u64, samples: usize) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    (0..samples).map(|_| dice.unit() - 0.5).collect()
}

/// The mean power, in decibels below the full scale.
pub(crate) fn decibels(samples: &[f32]) -> f32 {
    let power: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (10.0 * (power / samples.len() as f64).max(1e-20).log10()) as f32
}

/// Seeded chance (xorshift64*).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// At least 0 and less than 1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1 << 24) as f32
    }
}
