//! Whatever the network and the subscriber do, a line stays one well-formed stream.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId};
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
    /// How many switches came before it.
    stay: usize,
}

fn run(codec: Codec, begins: [(u16, u32); TRACKS], steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut now = Instant::now();
    let mut router = Router::new();
    let mut publishers = begins.map(|(seq, timestamp)| Publisher {
        next: (1 << 32) + u64::from(seq),
        timestamp,
        history: HashMap::new(),
        received: Vec::new(),
    });
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
            Step::Packet { track, lost, is_key } => {
                let publisher = &mut publishers[track];
                for _ in 0..=lost {
                    publisher.timestamp = publisher.timestamp.wrapping_add(3000);
                    publisher.history.insert(publisher.next, (publisher.timestamp, is_key));
                    publisher.next += 1;
                }
                (track, publisher.next - 1)
            }
            Step::Late { track, back } => {
                let number = publishers[track].next.saturating_sub(1 + u64::from(back));
                // Nothing was sent before the first number that was ever received.
                if publishers[track].received.first().is_none_or(|&first| number < first) {
                    continue;
                }
                (track, number)
            }
        };
        let publisher = &mut publishers[track];
        let (timestamp, is_key) = publisher.history[&number];
        let is_newest = publisher.received.iter().all(|&other| other < number);
        let is_first_time = !publisher.received.contains(&number);
        publisher.received.push(number);
        let payload = [0x10, u8::from(!is_key)];
        let format = Format::new(0).expect("0 is a format");
        let packet = Packet {
            encoding: 0,
            dependency: None,
            level: None,
            ssrc: track as u32,
            seq: number as u16,
            timestamp,
            codec,
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
                stay,
            });
        }
        // Exactly the line's own track is forwarded: from where it started, and nothing twice.
        let start = sent.iter().find(|first| first.stay == stay).map(|first| first.number);
        let may_start = is_newest && (is_key || codec == Codec::Opus);
        let is_due =
            on == Some(track) && !muted[track] && is_first_time && start.map_or(may_start, |start| number >= start);
        prop_assert_eq!(is_sent, is_due, "{:?} {} started {:?}", on, number, start);
    }

    let mut seqs: Vec<_> = sent.iter().map(|it| it.seq).collect();
    seqs.sort_unstable();
    prop_assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "no number is used twice");
    prop_assert!(seqs.first().is_none_or(|&first| first == 1));

    for stay in sent.chunk_by(|a, b| a.stay == b.stay) {
        let first = stay[0];
        prop_assert!(
            first.is_newest && (first.is_key || codec == Codec::Opus),
            "starts where a decoder can"
        );
        let before = sent.iter().filter(|it| it.stay < first.stay).max_by_key(|it| it.seq);
        if let Some(before) = before {
            prop_assert_eq!(first.seq, before.seq + 1, "no gap at the switch");
            let later = first.timestamp.wrapping_sub(before.timestamp);
            prop_assert!((1..1 << 31).contains(&later), "time goes on at the switch");
        }
        for it in stay {
            prop_assert_eq!(it.track, first.track);
            // A gap of the input is the same gap in the output, and time runs at the same pace.
            prop_assert_eq!(it.seq - first.seq, it.number - first.number);
            let (out, input) = (it.timestamp.wrapping_sub(first.timestamp), it.input_timestamp);
            prop_assert_eq!(out, input.wrapping_sub(first.input_timestamp));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn video_stays_one_stream(begins: [(u16, u32); TRACKS], steps in prop::collection::vec(step(), 1..300)) {
        run(Codec::Vp8, begins, steps)?;
    }

    #[test]
    fn sound_stays_one_stream(begins: [(u16, u32); TRACKS], steps in prop::collection::vec(step(), 1..300)) {
        run(Codec::Opus, begins, steps)?;
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
