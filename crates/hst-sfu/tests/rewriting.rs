//! Whatever the network and the subscriber do, a line stays one well-formed stream.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Format, Formats, Forward, LineId, Output, Packet, PeerId, Router, TrackId};
use proptest::prelude::*;

const LINE: LineId = LineId {
    peer: PeerId(1),
    slot: 0,
};
const TRACKS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// The publisher's next packet, after losing some.
    Packet { track: usize, lost: u16, is_key: bool },
    /// An earlier packet, so many back: late for the first time, or a duplicate.
    Late { track: usize, back: u16 },
    /// The receiver's line is given this track.
    Switch { track: usize },
    /// The line rests until the next switch.
    Pause,
    /// The track is muted or unmuted.
    Mute { track: usize, on: bool },
    /// Time passes.
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let track = 0..TRACKS;
    let lost = prop_oneof![12 => Just(0), 3 => 1..20_u16, 1 => 20..2500_u16];
    prop_oneof![
        40 => (track.clone(), lost, prop::bool::weighted(0.2))
            .prop_map(|(track, lost, is_key)| Step::Packet { track, lost, is_key }),
        12 => (track.clone(), 0..40_u16).prop_map(|(track, back)| Step::Late { track, back }),
        5 => track.clone().prop_map(|track| Step::Switch { track }),
        3 => (track, any::<bool>()).prop_map(|(track, on)| Step::Mute { track, on }),
        1 => Just(Step::Pause),
        6 => (0..200_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// A publisher that remembers what it sent, by numbers that never wrap.
#[derive(Debug)]
struct Publisher {
    next: u64,
    timestamp: u32,
    /// Timestamp and whether it starts a keyframe, of every number used or lost.
    history: HashMap<u64, (u32, bool)>,
    received: Vec<u64>,
}

impl Publisher {
    fn new((seq, timestamp): (u16, u32)) -> Self {
        Self {
            next: (1 << 32) + u64::from(seq),
            timestamp,
            history: HashMap::new(),
            received: Vec::new(),
        }
    }

    /// The number of its next packet that is not lost.
    fn send(&mut self, lost: u16, is_key: bool) -> u64 {
        for _ in 0..=lost {
            self.timestamp = self.timestamp.wrapping_add(3000);
            self.history.insert(self.next, (self.timestamp, is_key));
            self.next += 1;
        }
        self.next - 1
    }

    /// Nothing was sent before the first number that was ever received.
    fn has_begun_by(&self, number: u64) -> bool {
        self.received.first().is_some_and(|&first| number >= first)
    }

    /// Says whether it is the newest one.
    fn receive(&mut self, number: u64) -> bool {
        let is_newest = self.received.iter().all(|&other| other < number);
        self.received.push(number);
        is_newest
    }
}

/// What is sent: of pictures, which of the numbers that decoders count with they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sound,
    /// VP8 with picture ids of 7 or 15 bits, and the numbers of its lowest temporal layer.
    Vp8 {
        mask: u16,
    },
    /// VP9, of which nothing is changed.
    Vp9,
    /// AV1 with the frame numbers of dependency descriptors; its payload is encrypted.
    Av1,
}

/// The numbers that a decoder counts with, beside those of RTP: of pictures, of the lowest temporal layer and of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ids {
    picture: u16,
    tl0: u8,
    frame: u16,
}

impl Kind {
    fn codec(self) -> Codec {
        match self {
            Self::Sound => Codec::Opus,
            Self::Vp8 { .. } => Codec::Vp8,
            Self::Vp9 => Codec::Vp9,
            Self::Av1 => Codec::Av1,
        }
    }

    /// Those of the picture of this number, and after so many pictures more.
    fn ids(self, number: u64) -> Ids {
        Ids::default().after(self, number)
    }

    /// Payload and descriptor of a packet that is a picture of its own.
    fn packet(self, number: u64, is_key: bool) -> (Vec<u8>, Option<Vec<u8>>) {
        let Ids { picture, tl0, frame } = self.ids(number);
        let [high, low] = picture.to_be_bytes();
        match self {
            Self::Sound => (vec![0x10, 0], None),
            Self::Vp8 { mask: 0x7f } => (vec![0x90, 0xe0, low, tl0, 0, u8::from(!is_key)], None),
            Self::Vp8 { .. } => (vec![0x90, 0xe0, 0x80 | high, low, tl0, 0, u8::from(!is_key)], None),
            Self::Vp9 => (vec![0x8c | u8::from(!is_key) << 6, number as u8 & 0x7f, 0], None),
            Self::Av1 => {
                let [high, low] = frame.to_be_bytes();
                let mut descriptor = vec![0xc0, high, low];
                if is_key {
                    // A structure with one template and one target: 10000 000000 00000 11 10 0 0 0, in bytes.
                    descriptor.extend([0b1000_0000, 0b0000_0000, 0b1110_0000]);
                }
                (vec![0], Some(descriptor))
            }
        }
    }
}

impl Ids {
    fn after(self, kind: Kind, pictures: u64) -> Self {
        let is = |wanted: bool, number: u64| if wanted { number } else { 0 };
        let (is_vp8, mask) = match kind {
            Kind::Vp8 { mask } => (true, mask),
            _ => (false, 0),
        };
        Self {
            picture: self.picture.wrapping_add(is(is_vp8, pictures) as u16) & mask,
            tl0: self.tl0.wrapping_add(is(is_vp8, pictures) as u8),
            frame: self.frame.wrapping_add(is(kind == Kind::Av1, pictures) as u16),
        }
    }
}

/// One packet that came out: which input it was, and its header.
#[derive(Debug, Clone, Copy)]
struct Sent {
    track: usize,
    number: u64,
    input_timestamp: u32,
    is_key: bool,
    is_newest: bool,
    seq: u64,
    timestamp: u32,
    ids: Ids,
    /// How many switches came before it.
    stay: usize,
}

/// What a packet that was forwarded counts with.
fn ids(kind: Kind, out: &Forward, number: u64, descriptor: Option<&[u8]>) -> Ids {
    let told = kind.ids(number);
    let vp8 = out.vp8.unwrap_or_default();
    let changed = descriptor.map(|told| out.descriptor.and_then(|it| it.apply(told)).expect("it goes on"));
    Ids {
        picture: vp8.picture_id.unwrap_or(told.picture),
        tl0: vp8.tl0_pic_idx.unwrap_or(told.tl0),
        frame: changed.map_or(0, |it| u16::from_be_bytes([it[1], it[2]])),
    }
}

fn run(kind: Kind, begins: [(u16, u32); TRACKS], steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut now = Instant::now();
    let mut router = Router::new();
    let mut publishers = begins.map(Publisher::new);
    (0..TRACKS).for_each(|track| router.publish(TrackId(track as u64)));
    let mut sent: Vec<Sent> = Vec::new();
    let (mut on, mut stay) = (None, 0);
    let mut muted = [false; TRACKS];

    for step in steps {
        let (track, number) = match step {
            Step::Switch { track } => {
                router.subscribe(now, LINE, TrackId(track as u64), Formats::ALL);
                if on != Some(track) {
                    stay += 1;
                }
                on = Some(track);
                while router.poll_output().is_some() {}
                continue;
            }
            Step::Pause => {
                router.pause(now, LINE);
                on = None;
                continue;
            }
            Step::Mute { track, on: is_muted } => {
                let id = TrackId(track as u64);
                if is_muted {
                    router.mute(id);
                } else {
                    router.unmute(now, id);
                }
                while router.poll_output().is_some() {}
                if std::mem::replace(&mut muted[track], is_muted) != is_muted && on == Some(track) {
                    stay += 1;
                }
                continue;
            }
            Step::Wait { millis } => {
                now += Duration::from_millis(millis);
                continue;
            }
            Step::Packet { track, lost, is_key } => (track, publishers[track].send(lost, is_key)),
            Step::Late { track, back } => {
                let number = publishers[track].next.saturating_sub(1 + u64::from(back));
                if !publishers[track].has_begun_by(number) {
                    continue;
                }
                (track, number)
            }
        };
        let publisher = &mut publishers[track];
        let (timestamp, is_key) = publisher.history[&number];
        let is_first_time = !publisher.received.contains(&number);
        let is_newest = publisher.receive(number);
        let (payload, descriptor) = kind.packet(number, is_key);
        let format = Format::new(0).expect("0 is a format");
        let packet = Packet {
            encoding: 0,
            dependency: descriptor.as_deref(),
            level: None,
            ssrc: track as u32,
            seq: number as u16,
            timestamp,
            codec: kind.codec(),
            format,
            payload: &payload,
        };
        router.handle_packet(now, TrackId(track as u64), &packet);
        let mut is_sent = false;
        while let Some(output) = router.poll_output() {
            let Output::Forward(out) = output else { continue };
            prop_assert!(!is_sent, "once is enough");
            is_sent = true;
            let (seq, input_timestamp) = (out.seq, timestamp);
            sent.push(Sent {
                track,
                number,
                input_timestamp,
                is_key,
                is_newest,
                seq,
                timestamp: out.timestamp,
                ids: ids(kind, &out, number, descriptor.as_deref()),
                stay,
            });
        }
        // Exactly the line's own track is forwarded: from where it started, and nothing twice.
        let start = sent.iter().find(|first| first.stay == stay).map(|first| first.number);
        let may_start = is_newest && (is_key || kind == Kind::Sound);
        let is_due =
            on == Some(track) && !muted[track] && is_first_time && start.map_or(may_start, |start| number >= start);
        prop_assert_eq!(is_sent, is_due, "{:?} {} started {:?}", on, number, start);
    }

    check(kind, &sent)
}

/// Fails unless what came out is one stream, of stays one after the other.
fn check(kind: Kind, sent: &[Sent]) -> Result<(), TestCaseError> {
    let mut seqs: Vec<_> = sent.iter().map(|it| it.seq).collect();
    seqs.sort_unstable();
    prop_assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "no number is used twice");
    prop_assert!(seqs.first().is_none_or(|&first| first == 1));

    for stay in sent.chunk_by(|a, b| a.stay == b.stay) {
        let first = stay[0];
        prop_assert!(
            first.is_newest && (first.is_key || kind == Kind::Sound),
            "starts where a decoder can"
        );
        let before = sent.iter().filter(|it| it.stay < first.stay).max_by_key(|it| it.seq);
        if let Some(before) = before {
            prop_assert_eq!(first.seq, before.seq + 1, "no gap at the switch");
            let later = first.timestamp.wrapping_sub(before.timestamp);
            prop_assert!((1..1 << 31).contains(&later), "time goes on at the switch");
            prop_assert_eq!(
                first.ids,
                before.ids.after(kind, 1),
                "and so do the numbers of pictures"
            );
        }
        for it in stay {
            prop_assert_eq!(it.track, first.track);
            // A gap of the input is the same gap in the output, and time runs at the same pace.
            prop_assert_eq!(it.seq - first.seq, it.number - first.number);
            let (out, input) = (it.timestamp.wrapping_sub(first.timestamp), it.input_timestamp);
            prop_assert_eq!(out, input.wrapping_sub(first.input_timestamp));
            prop_assert_eq!(it.ids, first.ids.after(kind, it.number - first.number));
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// The next packet of an encoding, after losing some.
    Packet { encoding: usize, lost: u16, is_key: bool },
    /// An earlier one, so many back: late for the first time, or a duplicate.
    Late { encoding: usize, back: u64 },
    /// The receiver shows it as large as this encoding.
    View { encoding: usize },
    /// His network carries so much.
    Budget { kbps: u64 },
    /// Time passes.
    Wait { millis: u64 },
}

fn turn() -> impl Strategy<Value = Turn> {
    let encoding = 0..3_usize;
    let lost = prop_oneof![12 => Just(0), 3 => 1..20_u16, 1 => 20..2500_u16];
    prop_oneof![
        60 => (encoding.clone(), lost, prop::bool::weighted(0.2))
            .prop_map(|(encoding, lost, is_key)| Turn::Packet { encoding, lost, is_key }),
        12 => (encoding.clone(), 0..40_u64).prop_map(|(encoding, back)| Turn::Late { encoding, back }),
        12 => encoding.prop_map(|encoding| Turn::View { encoding }),
        3 => prop::sample::select(vec![1, 50, 500, 5000]).prop_map(|kbps| Turn::Budget { kbps }),
        3 => (0..500_u64).prop_map(|millis| Turn::Wait { millis }),
    ]
}

/// A picture in several encodings, of which the receiver gets one or another. Where a stay begins is seen by what comes out.
fn run_encodings(kind: Kind, begins: [(u16, u32); 3], turns: Vec<Turn>) -> Result<(), TestCaseError> {
    let mut now = Instant::now();
    let mut router = Router::new();
    let track = TrackId(0);
    router.publish(track);
    router.subscribe(now, LINE, track, Formats::ALL);
    let mut publishers = begins.map(Publisher::new);
    let mut sent: Vec<Sent> = Vec::new();
    for turn in turns {
        now += Duration::from_millis(3);
        let mut packet = None;
        match turn {
            Turn::Packet { encoding, lost, is_key } => {
                packet = Some((encoding, publishers[encoding].send(lost, is_key)));
            }
            Turn::Late { encoding, back } => {
                let publisher = &publishers[encoding];
                let number = publisher.next.saturating_sub(1 + back);
                packet = publisher.has_begun_by(number).then_some((encoding, number));
            }
            Turn::View { encoding } => router.set_view(now, LINE.peer, track, Some(180 << encoding)),
            Turn::Budget { kbps } => router.set_budget(now, LINE.peer, Some(kbps * 1000)),
            Turn::Wait { millis } => now += Duration::from_millis(millis),
        }
        while router.poll_output().is_some() {}
        if router.poll_timeout().is_some_and(|at| at <= now) {
            router.handle_timeout(now);
            while router.poll_output().is_some() {}
        }
        let Some((encoding, number)) = packet else { continue };
        let publisher = &mut publishers[encoding];
        let (timestamp, is_key) = publisher.history[&number];
        let is_newest = publisher.receive(number);
        let (mut payload, descriptor) = kind.packet(number, is_key);
        // Larger pictures have more bytes.
        payload.resize(200 << (2 * encoding), 0);
        let packet = Packet {
            encoding: encoding as u8,
            dependency: descriptor.as_deref(),
            level: None,
            ssrc: encoding as u32,
            seq: number as u16,
            timestamp,
            codec: kind.codec(),
            format: Format::new(0).expect("0 is a format"),
            payload: &payload,
        };
        router.handle_packet(now, track, &packet);
        router.set_sizes(track, encoding as u8, [(320 << encoding, 180 << encoding)].into_iter());
        while let Some(output) = router.poll_output() {
            let Output::Forward(out) = output else { continue };
            let ahead = |it: &Sent| {
                (
                    it.track,
                    it.seq.wrapping_sub(it.number),
                    it.timestamp.wrapping_sub(it.input_timestamp),
                )
            };
            let mut it = Sent {
                track: encoding,
                number,
                input_timestamp: timestamp,
                is_key,
                is_newest,
                seq: out.seq,
                timestamp: out.timestamp,
                ids: ids(kind, &out, number, descriptor.as_deref()),
                stay: sent.last().map_or(0, |last| last.stay),
            };
            it.stay += usize::from(sent.last().is_some_and(|last| ahead(last) != ahead(&it)));
            sent.push(it);
        }
    }
    check(kind, &sent)
}

/// Where numbers begin: anywhere, or shortly before they go round.
fn begin() -> impl Strategy<Value = (u16, u32)> {
    let seq = prop_oneof![any::<u16>(), 65_500..=u16::MAX, 32_700..32_768_u16];
    let timestamp = prop_oneof![any::<u32>(), u32::MAX - 100_000..=u32::MAX];
    (seq, timestamp)
}

fn pictures() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Vp8 { mask: 0x7f },
        Kind::Vp8 { mask: 0x7fff },
        Kind::Vp9,
        Kind::Av1,
    ])
}

proptest! {
    #[test]
    fn video_stays_one_stream(
        kind in pictures(), begins in prop::array::uniform3(begin()), steps in prop::collection::vec(step(), 1..300),
    ) {
        run(kind, begins, steps)?;
    }

    #[test]
    fn sound_stays_one_stream(
        begins in prop::array::uniform3(begin()), steps in prop::collection::vec(step(), 1..300),
    ) {
        run(Kind::Sound, begins, steps)?;
    }

    #[test]
    fn video_in_several_encodings_stays_one_stream(
        kind in pictures(), begins in prop::array::uniform3(begin()), turns in prop::collection::vec(turn(), 1..300),
    ) {
        run_encodings(kind, begins, turns)?;
    }

    #[test]
    fn no_payload_and_no_header_upsets_the_router(
        packets in prop::collection::vec(
            (0..3_u32, any::<u16>(), any::<u32>(), 0..5_usize, 0..66_u8, prop::collection::vec(any::<u8>(), 0..12)),
            0..200,
        ),
    ) {
        let now = Instant::now();
        let mut router = Router::new();
        router.publish(TrackId(0));
        router.subscribe(now, LINE, TrackId(0), Formats::ALL);
        let mut seqs = std::collections::HashSet::new();
        for (ssrc, seq, timestamp, codec, format, payload) in &packets {
            let codec = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1][*codec];
            let Some(format) = Format::new(*format) else { continue };
            let packet = Packet { encoding: 0, dependency: None,
        level: None, ssrc: *ssrc, seq: *seq, timestamp: *timestamp, codec, format, payload };
            router.handle_packet(now, TrackId(0), &packet);
            while let Some(output) = router.poll_output() {
                if let Output::Forward(out) = output {
                    prop_assert!(seqs.insert(out.seq), "no number is used twice");
                }
            }
        }
    }
}
