/// Taps of the filter for each output sample, of a signal whose rate goes up.
const TAPS: usize = 64;
/// How much of the band passes; what is above fades out before it would fold back.
const PASSED: f64 = 0.92;
/// The shape of the Kaiser window: 80 dB of attenuation.
const BETA: f64 = 8.0;

/// Changes the rate of one channel: a polyphase filter of a windowed sinc (Crochiere and Rabiner, 1983).
#[derive(Debug)]
pub(crate) struct Resampler {
    /// Between two input samples lie `up` places for an output sample; of all places, each `down`-th is taken.
    up: usize,
    down: usize,
    /// The filter at each of the places.
    phases: Vec<Vec<f32>>,
    phase: usize,
    /// The input that is still needed.
    input: Vec<f32>,
}

impl Resampler {
    /// From a rate to another one, in samples a second, neither of them 0.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let shared = gcd(from, to);
        let (up, down) = ((to / shared) as usize, (from / shared) as usize);
        let cutoff = PASSED * (f64::from(to) / f64::from(from)).min(1.0);
        // A lower cutoff needs a longer filter for the same steepness.
        let taps = TAPS * from.div_ceil(to).max(1) as usize;
        let phases = (0..up)
            .map(|phase| filter(taps, cutoff, phase as f64 / up as f64))
            .collect();
        Self {
            up,
            down,
            phases,
            phase: 0,
            // The first output sample lies on the first input sample.
            input: vec![0.0; taps / 2 - 1],
        }
    }

    /// Takes samples, and appends those that come of them.
    pub(crate) fn push(&mut self, samples: &[f32], output: &mut Vec<f32>) {
        self.input.extend_from_slice(samples);
        let mut at = 0;
        while let Some(window) = self.input.get(at..at + self.phases[0].len()) {
            let taps = &self.phases[self.phase];
            output.push(window.iter().zip(taps).map(|(sample, tap)| sample * tap).sum());
            self.phase += self.down;
            at += self.phase / self.up;
            self.phase %= self.up;
        }
        // A step is shorter than the filter, so it does not lead beyond the input.
        self.input.drain(..at);
    }
}

/// The filter for an output sample that lies `offset` of a sample behind the middle; it lets a constant pass as it is.
fn filter(taps: usize, cutoff: f64, offset: f64) -> Vec<f32> {
    let half = (taps / 2) as f64;
    let weight = |tap: usize| {
        let time = tap as f64 - (half - 1.0) - offset;
        let edge = (1.0 - (time / half).powi(2)).max(0.0);
        sinc(cutoff * time) * bessel(BETA * edge.sqrt())
    };
    let weights: Vec<f64> = (0..taps).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    let x = std::f64::consts::PI * x;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The modified Bessel function of the first kind, of order 0.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::signal::{decibels, tone};

    /// Changes the rate of a second of a tone, in chunks of odd lengths.
    fn second(hertz: f32, from: u32, to: u32) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        let mut output = Vec::new();
        for chunk in tone(hertz, from, from as usize).chunks(441) {
            resampler.push(chunk, &mut output);
        }
        output
    }

    #[test]
    fn a_tone_stays_the_same_tone_at_every_usual_rate() {
        for from in [8_000, 16_000, 22_050, 32_000, 44_100, 96_000, 192_000] {
            let output = second(1000.0, from, 48_000);
            assert!(output.len() > 47_500, "{from} Hz gave {} samples", output.len());
            let ideal = tone(1000.0, 48_000, output.len());
            // Without the first and the last moments, where the tone itself is cut off.
            let middle = 2_000..output.len() - 2_000;
            let error: Vec<f32> = middle.clone().map(|at| output[at] - ideal[at]).collect();
            let noise = decibels(&error) - decibels(&ideal[middle]);
            assert!(noise < -75.0, "from {from} Hz: noise at {noise} dB");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_left_out_and_does_not_fold_back() {
        let output = second(11_000.0, 48_000, 16_000);
        let left = decibels(&output[1_000..15_000]) - decibels(&tone(11_000.0, 48_000, 48_000));
        assert!(left < -75.0, "{left} dB are left");
    }
}
