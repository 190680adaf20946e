use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use hst_media::Frame;

use super::{
    FRAME,
    coder::Decoder,
    jitter::{Jitter, Next},
};

/// How loud somebody is played: 1.0 as he was sent, 0.0 not at all.
#[derive(Debug, Clone)]
pub(crate) struct Volume(Arc<AtomicU32>);

impl Volume {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU32::new(1.0_f32.to_bits())))
    }

    pub(crate) fn set(&self, volume: f32) {
        self.0.store(volume.to_bits(), Ordering::Relaxed);
    }

    fn value(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// One sender as a speaker plays him: his packets are put in order, decoded, and brought to his volume.
#[derive(Debug)]
pub(crate) struct Track {
    packets: Receiver<Frame>,
    volume: Volume,
    jitter: Jitter,
    decoder: Decoder,
    /// Two interleaved channels that are not played yet.
    ready: VecDeque<f32>,
}

impl Track {
    pub(crate) fn new(packets: Receiver<Frame>, volume: Volume) -> Self {
        Self {
            packets,
            volume,
            jitter: Jitter::default(),
            decoder: Decoder::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes the packets that have come; returns whether there may be more.
    pub(crate) fn receive(&mut self, now: Duration) -> bool {
        loop {
            match self.packets.try_recv() {
                Ok(frame) => self.jitter.push(frame, now),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Adds what is to be heard of him.
    pub(crate) fn mix_into(&mut self, block: &mut [f32]) {
        while self.ready.len() < block.len() {
            let sound = match self.jitter.pull() {
                Next::Packet(packet) => self.decoder.decode(&packet),
                Next::Both(first, second) => {
                    let first = self.decoder.decode(&first);
                    fade(first, &self.decoder.decode(&second))
                }
                Next::Lost(next) => self.decoder.conceal(next.as_deref()),
                Next::Silence => vec![0.0; 2 * FRAME],
            };
            self.ready.extend(sound);
        }
        let volume = self.volume.value();
        let sound = self.ready.drain(..block.len());
        block
            .iter_mut()
            .zip(sound)
            .for_each(|(mix, sample)| *mix += volume * sample);
    }
}

/// One sound that begins as the one and ends as the other.
fn fade(mut from: Vec<f32>, to: &[f32]) -> Vec<f32> {
    let length = from.len().min(to.len());
    from.truncate(length);
    for (at, (sample, other)) in from.iter_mut().zip(to).enumerate() {
        let share = at as f32 / length as f32;
        *sample += share * (other - *sample);
    }
    from
}
