//! Payloads and descriptors that are none.

use std::time::{Duration, Instant};

use hst_sfu::{Codec, Format, Formats, Forward, LineId, Output, Packet, PeerId, Router, TrackId};
use rand::{Rng, SeedableRng, rngs::StdRng};

const TRACK: TrackId = TrackId(1);

/// A track with one receiver.
struct House {
    router: Router,
    now: Instant,
    seq: u16,
}

impl House {
    fn new() -> Self {
        let (mut router, now) = (Router::new(), Instant::now());
        router.publish(TRACK);
        let peer = PeerId(2);
        router.subscribe(now, LineId { peer, slot: 0 }, TRACK, Formats::ALL);
        Self {
            router,
            now,
            seq: 65_530,
        }
    }

    /// The receiver's numbers for the next packet.
    fn next(&mut self, codec: Codec, payload: &[u8], dependency: Option<&[u8]>) -> Vec<u64> {
        self.seq = self.seq.wrapping_add(1);
        self.now += Duration::from_millis(30);
        let packet = Packet {
            encoding: 0,
            dependency,
            level: None,
            ssrc: 1,
            seq: self.seq,
            timestamp: u32::from(self.seq) * 3000,
            codec,
            format: Format::new(1).expect("a small number"),
            payload,
        };
        self.router.handle_packet(self.now, TRACK, &packet);
        let outputs = std::iter::from_fn(|| self.router.poll_output());
        let forwarded = outputs.filter_map(|output| match output {
            Output::Forward(Forward { seq, .. }) => Some(seq),
            _ => None,
        });
        forwarded.collect()
    }
}

#[test]
fn r13_what_cannot_be_read_is_forwarded_as_it_is() {
    /// What can be read, and what cannot.
    type Case<'a> = (Codec, &'a [u8], &'a [&'a [u8]]);
    let cases: [Case<'_>; 4] = [
        (Codec::Vp8, &[0x10, 0], &[&[0x80], &[0x90, 0xf0], &[0x90, 0x80, 0x81]]),
        (Codec::Vp9, &[0x08], &[&[0xa0], &[0x80, 0x81], &[0xa0, 0x05]]),
        (
            Codec::H264,
            &[0x67, 1],
            &[&[0x78], &[0x78, 0xff, 0xff], &[0x7c], &[0x1f]],
        ),
        (Codec::Av1, &[0x18], &[&[0x00], &[0xff; 3]]),
    ];
    for (codec, key, unreadable) in cases {
        let mut house = House::new();
        assert_eq!(house.next(codec, key, None).len(), 1, "{codec:?}");
        for payload in unreadable.iter().cycle().take(100) {
            // A descriptor that is cut tells nothing either.
            for dependency in [None, Some(&[0x80][..]), Some(&[0xff; 40])] {
                assert_eq!(
                    house.next(codec, payload, dependency).len(),
                    1,
                    "{codec:?} {payload:x?}"
                );
            }
        }
    }
}

#[test]
fn r4_r13_any_bytes_leave_a_receivers_numbers_without_gaps_and_far_from_their_end() {
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus] {
        let mut dice = StdRng::seed_from_u64(13);
        let mut house = House::new();
        let mut last = None;
        for _ in 0..5_000 {
            let mut payload = vec![0; dice.random_range(0..12)];
            let mut dependency = vec![0; dice.random_range(0..40)];
            dice.fill(&mut payload[..]);
            dice.fill(&mut dependency[..]);
            for seq in house.next(codec, &payload, Some(&dependency)) {
                let is_next = last.map_or(seq < 1 << 15, |last| seq == last + 1);
                assert!(is_next, "{codec:?}: {seq} after {last:?}");
                last = Some(seq);
            }
        }
        assert!(last.is_some(), "{codec:?}: something began");
    }
}
