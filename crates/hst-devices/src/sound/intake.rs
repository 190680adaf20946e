use std::collections::VecDeque;

use super::{Format, RATE, resample::Resampler};

/// Makes of what a microphone gives one channel at 48 kHz, to be taken in pieces of any length.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    format: Option<Format>,
    resampler: Option<Resampler>,
    mono: Vec<f32>,
    changed: Vec<f32>,
    ready: VecDeque<f32>,
}

impl Intake {
    /// Takes a chunk of interleaved samples, of any format: it may change with each.
    pub(crate) fn push(&mut self, format: Format, samples: &[f32]) {
        if self.format.replace(format) != Some(format) {
            self.resampler = (format.rate != RATE).then(|| Resampler::new(format.rate, RATE));
        }
        let channels = usize::from(format.channels.max(1));
        self.mono.clear();
        let mix = samples.chunks_exact(channels);
        self.mono
            .extend(mix.map(|all| all.iter().sum::<f32>() / channels as f32));
        match &mut self.resampler {
            None => self.ready.extend(&self.mono),
            Some(resampler) => {
                self.changed.clear();
                resampler.push(&self.mono, &mut self.changed);
                self.ready.extend(&self.changed);
            }
        }
    }

    /// Fills `piece` if there are that many samples.
    pub(crate) fn pop(&mut self, piece: &mut [f32]) -> bool {
        let is_ready = self.ready.len() >= piece.len();
        if is_ready {
            let samples = self.ready.drain(..piece.len());
            piece.iter_mut().zip(samples).for_each(|(to, from)| *to = from);
        }
        is_ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::{
        FRAME,
        signal::{decibels, tone},
    };

    #[test]
    fn frames_of_20_ms_come_of_chunks_of_any_length_format_and_number_of_channels() {
        for (rate, channels, length) in [(48_000, 1, 480), (44_100, 2, 1_024), (16_000, 4, 7)] {
            let mut intake = Intake::default();
            let format = Format { rate, channels };
            let (mut frame, mut frames, mut sound) = ([0.0; FRAME], 0, Vec::new());
            for chunk in tone(440.0, rate, rate as usize).chunks(length) {
                let interleaved: Vec<f32> = chunk.iter().flat_map(|&s| vec![s; usize::from(channels)]).collect();
                intake.push(format, &interleaved);
                while intake.pop(&mut frame) {
                    frames += 1;
                    sound.extend_from_slice(&frame);
                }
            }
            assert!((48..=50).contains(&frames), "{frames} frames of a second of {format:?}");
            assert!((decibels(&sound) - decibels(&tone(440.0, 48_000, 48_000))).abs() < 0.2);
        }
    }
}
