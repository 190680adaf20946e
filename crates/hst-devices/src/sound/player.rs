use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, SyncSender, TrySendError},
    time::Duration,
};

use super::{BLOCK, Format, RATE, mix::limit, resample::Resampler, voice::Track};

/// Who joins a speaker.
#[derive(Debug)]
pub(crate) enum Guest {
    /// Somebody to be played.
    Track(Box<Track>),
    /// Somebody who wants to know what is played: one channel, in blocks.
    Listener(SyncSender<[f32; BLOCK]>),
}

/// What a speaker plays, by the clock of that speaker: it lives on its thread, and nobody waits for it.
#[derive(Debug)]
pub(crate) struct Player {
    guests: Receiver<Guest>,
    tracks: Vec<Track>,
    listeners: Vec<SyncSender<[f32; BLOCK]>>,
    /// Blocks that were mixed.
    mixed: u32,
    format: Option<Format>,
    /// For each of the two channels, where the device has a rate of its own.
    resamplers: Option<[Resampler; 2]>,
    /// Left and right, not played yet.
    ready: VecDeque<[f32; 2]>,
}

impl Player {
    pub(crate) fn new(guests: Receiver<Guest>) -> Self {
        Self {
            guests,
            tracks: Vec::new(),
            listeners: Vec::new(),
            mixed: 0,
            format: None,
            resamplers: None,
            ready: VecDeque::new(),
        }
    }

    /// Fills all of `output`.
    pub(crate) fn fill(&mut self, format: Format, output: &mut [f32]) {
        if self.format.replace(format) != Some(format) {
            let change = || Resampler::new(RATE, format.rate);
            self.resamplers = (format.rate != RATE).then(|| [change(), change()]);
        }
        for guest in self.guests.try_iter() {
            match guest {
                Guest::Track(track) => self.tracks.push(*track),
                Guest::Listener(listener) => self.listeners.push(listener),
            }
        }
        // 10 ms a block: after 497 days of uninterrupted sound it begins anew, and only a call's delay with it.
        let now = Duration::from_millis(10) * self.mixed;
        self.tracks.retain_mut(|track| track.receive(now));
        for frame in output.chunks_mut(usize::from(format.channels.max(1))) {
            while self.ready.is_empty() {
                self.mix();
            }
            let [left, right] = self.ready.pop_front().unwrap_or_default();
            match frame {
                [mono] => *mono = (left + right) / 2.0,
                [first, second, others @ ..] => {
                    (*first, *second) = (left, right);
                    others.fill(0.0);
                }
                [] => {}
            }
        }
    }

    fn mix(&mut self) {
        let mut block = [0.0; 2 * BLOCK];
        for track in &mut self.tracks {
            track.mix_into(&mut block);
        }
        limit(&mut block);
        self.mixed = self.mixed.wrapping_add(1);
        let (pairs, _) = block.as_chunks::<2>();
        let mut mono = [0.0; BLOCK];
        mono.iter_mut()
            .zip(pairs)
            .for_each(|(mono, [left, right])| *mono = (left + right) / 2.0);
        // One who does not listen in time misses some, and finds into it again.
        let is_there =
            |listener: &SyncSender<_>| !matches!(listener.try_send(mono), Err(TrySendError::Disconnected(_)));
        self.listeners.retain(is_there);
        match &mut self.resamplers {
            None => self.ready.extend(pairs),
            Some(resamplers) => {
                let mut sides = [Vec::new(), Vec::new()];
                for (side, resampler) in resamplers.iter_mut().enumerate() {
                    let channel: Vec<f32> = pairs.iter().map(|pair| pair[side]).collect();
                    resampler.push(&channel, &mut sides[side]);
                }
                let [left, right] = sides;
                self.ready
                    .extend(left.into_iter().zip(right).map(|(left, right)| [left, right]));
            }
        }
    }
}
