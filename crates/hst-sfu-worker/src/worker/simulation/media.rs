//! What clients send and see: pictures and sound that can be told apart.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

/// The bytes of a packet of video.
const PACKET: usize = 1100;
/// A keyframe is so many times as large as another frame.
const KEYFRAME: u32 = 5;
/// A receiver asks for a keyframe when it has waited for a picture for so long, and again after so long.
const PATIENCE: Duration = Duration::from_millis(300);
const REPEAT: Duration = Duration::from_millis(200);

/// A packet of video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    pub(super) encoding: u8,
    pub(super) frame: u32,
    is_key: bool,
    index: u8,
    count: u8,
}

/// A frame of about so many bits, as the payloads of VP8 packets.
pub(super) fn frame(encoding: u8, frame: u32, is_key: bool, bits: u32) -> Vec<Vec<u8>> {
    let bytes = (bits / 8).max(20) as usize * if is_key { KEYFRAME as usize } else { 1 };
    let count = bytes.div_ceil(PACKET);
    let payload = |index: usize| {
        let starts = if index == 0 { 0x10 } else { 0 };
        let mut payload = vec![starts, u8::from(!is_key), encoding, index as u8, count as u8];
        payload.extend(frame.to_be_bytes());
        payload.resize(bytes.div_ceil(count).max(payload.len()), 0);
        payload
    };
    (0..count).map(payload).collect()
}

impl Piece {
    pub(super) fn parse(payload: &[u8]) -> Self {
        let &[_, delta, encoding, index, count, a, b, c, d, ..] = payload else {
            panic!("not a packet of ours: {payload:?}")
        };
        Self {
            encoding,
            frame: u32::from_be_bytes([a, b, c, d]),
            is_key: delta == 0,
            index,
            count,
        }
    }
}

/// A decoder and what it has shown.
#[derive(Default)]
pub(super) struct Screen {
    /// The numbers of the packets that have come.
    pub(super) seqs: BTreeSet<u64>,
    /// Which frame was shown when, and of which encoding.
    pub(super) shown: Vec<(Instant, u32, u8)>,
    /// The packets of each frame that was not shown yet, by the number that its first one has or would have.
    waiting: BTreeMap<u64, Vec<Piece>>,
    /// What has a lower number is over.
    next: u64,
    waits_since: Option<Instant>,
    asked: Option<Instant>,
}

impl Screen {
    pub(super) fn receive(&mut self, now: Instant, seq: u64, payload: &[u8]) {
        let piece = Piece::parse(payload);
        let first = seq.saturating_sub(piece.index.into());
        if !self.seqs.insert(seq) || first < self.next {
            return;
        }
        self.waiting.entry(first).or_default().push(piece);
        self.waits_since.get_or_insert(now);
        while self.show(now) {}
    }

    /// Shows the next frame that can be decoded: the one after the last, or a keyframe, which may be a larger picture of the same
    /// moment as the last.
    fn show(&mut self, now: Instant) -> bool {
        let last = self.shown.last().map(|&(_, frame, encoding)| (frame + 1, encoding));
        let is_ready = |(first, pieces): (&u64, &Vec<Piece>)| {
            let Piece {
                encoding,
                frame,
                is_key,
                count,
                ..
            } = pieces[0];
            let is_whole = pieces.len() == usize::from(count);
            let is_next = is_key || last == Some((frame, encoding));
            (is_whole && is_next).then_some((first + u64::from(count), frame, encoding))
        };
        let Some((next, frame, encoding)) = self.waiting.iter().find_map(is_ready) else {
            return false;
        };
        self.next = next;
        self.waiting = self.waiting.split_off(&next);
        self.shown.push((now, frame, encoding));
        self.waits_since = (!self.waiting.is_empty()).then_some(now);
        true
    }

    /// Whether only a keyframe helps.
    pub(super) fn wants_keyframe(&mut self, now: Instant) -> bool {
        let waits = self.waits_since.is_some_and(|since| now - since >= PATIENCE);
        let may_ask = self.asked.is_none_or(|at| now - at >= REPEAT);
        if waits && may_ask {
            self.asked = Some(now);
        }
        waits && may_ask
    }

    /// Which share of the packets from this number on never came.
    pub(super) fn missing(&self, from: u64) -> f64 {
        // What has not come of the last ones may still come.
        let to = self.seqs.last().map_or(from, |last| last - 50);
        1.0 - self.seqs.range(from..to).count() as f64 / (to - from) as f64
    }

    /// The longest time without a new picture between these moments.
    pub(super) fn longest_freeze(&self, from: Instant, to: Instant) -> Duration {
        let within = self
            .shown
            .iter()
            .map(|(at, ..)| *at)
            .filter(|at| (from..to).contains(at));
        let mut longest = Duration::ZERO;
        let mut last = from;
        for at in within.chain([to]) {
            longest = longest.max(at - last);
            last = at;
        }
        longest
    }
}

pub(super) fn sound_number(sound: &[u8]) -> u32 {
    let number = sound[..4].try_into().map(u32::from_be_bytes);
    number.expect("a sound of ours")
}

/// The numbers of the sounds that have come, in whatever packet.
#[derive(Default)]
pub(super) struct Ear {
    pub(super) heard: HashSet<u32>,
}

impl Ear {
    pub(super) fn receive(&mut self, sound: &[u8]) {
        self.heard.insert(sound_number(sound));
    }

    /// Which share of these was not heard, and how many of them one after the other at most.
    pub(super) fn missing(&self, sounds: std::ops::Range<u32>) -> (f64, usize) {
        let (mut missing, mut run, mut longest) = (0, 0, 0);
        for number in sounds.clone() {
            run = if self.heard.contains(&number) { 0 } else { run + 1 };
            missing += usize::from(run > 0);
            longest = longest.max(run);
        }
        (missing as f64 / sounds.len() as f64, longest)
    }
}
