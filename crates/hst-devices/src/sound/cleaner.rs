use std::fmt;

use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{
        AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, NoiseSuppression, NoiseSuppressionLevel,
    },
};

use super::{BLOCK, Played, RATE};

/// Cleans what a microphone hears: rumble and noise are taken away, the voice is brought to an even loudness, and what
/// the own speaker plays is cancelled. The algorithms are those of the browsers' WebRTC, in the crate `sonora`.
pub struct Cleaner {
    /// In a box, because it is many kilobytes, and whoever owns a microphone holds it in a future.
    processing: Box<AudioProcessing>,
    played: Option<Played>,
}

impl Cleaner {
    /// Against noise alone: for headphones, where there is no echo.
    pub fn of_noise() -> Self {
        Self::new(None)
    }

    /// Against noise, and against the echo of what a speaker has [`played`](crate::Speaker::played).
    pub fn of_echo(played: Played) -> Self {
        Self::new(Some(played))
    }

    fn new(played: Option<Played>) -> Self {
        let config = Config {
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: played.as_ref().map(|_| EchoCanceller::default()),
            noise_suppression: Some(NoiseSuppression {
                level: NoiseSuppressionLevel::High,
                ..NoiseSuppression::default()
            }),
            gain_controller2: Some(GainController2 {
                adaptive_digital: Some(AdaptiveDigital::default()),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        let mono = StreamConfig::new(RATE, 1);
        let processing = AudioProcessing::builder()
            .config(config)
            .capture_config(mono)
            .render_config(mono)
            .build();
        Self {
            processing: Box::new(processing),
            played,
        }
    }

    /// Cleans the next 10 ms of one channel at 48 kHz.
    pub fn clean(&mut self, block: &mut [f32; BLOCK]) {
        const FITS: &str = "blocks have the length that was agreed on";
        let mut unused = [0.0; BLOCK];
        while let Some(played) = self.played.as_mut().and_then(Played::take) {
            let render = self.processing.process_render_f32(&[&played], &mut [&mut unused]);
            render.expect(FITS);
        }
        let heard = *block;
        let capture = self.processing.process_capture_f32(&[&heard], &mut [block]);
        capture.expect(FITS);
    }
}

impl fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleaner")
            .field("echo", &self.played.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::sound::signal::{decibels, noise, voice};

    const SECOND: usize = RATE as usize;

    /// Lets a microphone hear `near` and the echo of what is `played`, 60 ms later and 8 dB quieter; gives what is left.
    fn call(cleaner_of: impl Fn(Played) -> Cleaner, played: &[f32], near: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (speaker, blocks) = sync_channel(1);
        let mut cleaner = cleaner_of(Played::of(blocks));
        let (mut heard, mut cleaned) = (Vec::new(), Vec::new());
        let echo = [
            vec![0.0; SECOND * 60 / 1000],
            played.iter().map(|sample| 0.4 * sample).collect(),
        ]
        .concat();
        let blocks = played.as_chunks::<BLOCK>().0.iter().zip(near.as_chunks::<BLOCK>().0);
        for (at, (played, near)) in blocks.enumerate() {
            // One that does not listen to the speaker drops what it says.
            let _ = speaker.try_send(*played);
            let mut block = *near;
            block
                .iter_mut()
                .zip(&echo[at * BLOCK..])
                .for_each(|(sample, echo)| *sample += echo);
            heard.extend_from_slice(&block);
            cleaner.clean(&mut block);
            cleaned.extend_from_slice(&block);
        }
        (heard, cleaned)
    }

    #[test]
    fn an_echo_of_noise_or_of_a_voice_is_gone_after_three_seconds() {
        let silence = vec![0.0; 6 * SECOND];
        for (name, played) in [("noise", noise(5, 6 * SECOND)), ("a voice", voice(RATE, 6 * SECOND))] {
            let (heard, cleaned) = call(Cleaner::of_echo, &played, &silence);
            let last = 3 * SECOND..6 * SECOND;
            let gone = decibels(&heard[last.clone()]) - decibels(&cleaned[last]);
            println!("the echo of {name} is reduced by {gone:.1} dB");
            assert!(gone > 30.0, "the echo of {name} is reduced by {gone} dB only");
        }
    }

    #[test]
    fn noise_is_reduced_and_a_voice_above_it_stays() {
        let (near, hiss) = (voice(RATE, 6 * SECOND), noise(3, 6 * SECOND));
        let hiss: Vec<f32> = hiss.iter().map(|sample| sample * 0.02).collect();
        let both: Vec<f32> = near.iter().zip(&hiss).map(|(voice, hiss)| voice + hiss).collect();
        let silence = vec![0.0; 6 * SECOND];
        let (heard, cleaned) = call(|_| Cleaner::of_noise(), &silence, &both);
        // The middle of the syllables, and of the pauses between them: the processing takes some milliseconds.
        let part = |sound: &[f32], is_voice: bool| -> f32 {
            let middle = if is_voice { 2_000..4_000 } else { 8_500..11_500 };
            let is_in = |at: &usize| *at > 3 * SECOND && middle.contains(&(at % 12_000));
            decibels(&(0..sound.len()).filter(is_in).map(|at| sound[at]).collect::<Vec<_>>())
        };
        let before = part(&heard, true) - part(&heard, false);
        let after = part(&cleaned, true) - part(&cleaned, false);
        println!("a voice is {before:.1} dB above the noise, and then {after:.1} dB");
        assert!(after > before + 6.0, "from {before} dB to {after} dB");
        assert!(
            part(&cleaned, true) > part(&heard, true) - 6.0,
            "the voice itself is gone"
        );
    }
}
