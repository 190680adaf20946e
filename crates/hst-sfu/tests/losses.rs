//! What the router does about packets that will never come.

use std::time::{Duration, Instant};

use hst_sfu::{Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId};

const CAMERA: TrackId = TrackId(1);
const LINE: LineId = LineId {
    peer: PeerId(2),
    slot: 0,
};
/// The first bytes of VP8 pictures.
const KEY: [u8; 2] = [0x10, 0x00];
const DELTA: [u8; 2] = [0x10, 0x01];

struct Room {
    now: Instant,
    router: Router,
}

impl Room {
    /// One whose camera is received, in two encodings side by side.
    fn new() -> Self {
        let (now, mut router) = (Instant::now(), Router::new());
        router.publish(CAMERA);
        router.set_encodings(CAMERA, 2);
        router.subscribe(now, LINE, CAMERA, Formats::ALL);
        Self { now, router }
    }

    /// A packet comes; says how often a keyframe is asked for.
    fn take(&mut self, encoding: u8, seq: u16, payload: &[u8]) -> usize {
        let packet = Packet {
            encoding,
            ssrc: encoding.into(),
            seq,
            timestamp: u32::from(seq) * 3000,
            codec: Codec::Vp8,
            format: Format::new(0).expect("a small number"),
            dependency: None,
            level: None,
            payload,
        };
        self.router.handle_packet(self.now, CAMERA, &packet);
        self.requests()
    }

    fn lose(&mut self, encoding: u8, seq: u16) -> usize {
        self.router.handle_loss(self.now, CAMERA, encoding, seq);
        self.requests()
    }

    /// For how many encodings a keyframe is asked for.
    fn requests(&mut self) -> usize {
        let outputs = std::iter::from_fn(|| self.router.poll_output());
        outputs
            .filter(|output| matches!(output, Output::RequestKeyframe { .. }))
            .count()
    }

    fn wait(&mut self, ms: u64) -> usize {
        self.now += Duration::from_millis(ms);
        self.router.handle_timeout(self.now);
        self.requests()
    }
}

#[test]
fn a_keyframe_is_asked_for_in_place_of_what_is_lost_and_again_until_it_begins() {
    let mut room = Room::new();
    room.take(1, 65_534, &KEY);
    room.wait(2_000);
    for seq in [65_535, 1, 2] {
        assert_eq!(room.take(1, seq, &DELTA), 0, "{seq}");
    }
    assert_eq!(room.lose(1, 0), 1);
    assert_eq!(room.lose(1, 1), 0, "not more often than twice in a second");
    assert_eq!(room.wait(499), 0);
    assert_eq!(room.wait(1), 1);
    room.take(1, 3, &KEY);
    assert_eq!(room.wait(5_000), 0, "it has come");
}

#[test]
fn what_was_lost_before_a_keyframe_is_missed_by_nobody() {
    let mut room = Room::new();
    room.take(1, 65_535, &KEY);
    room.wait(2_000);
    room.take(1, 1, &DELTA);
    room.take(1, 2, &KEY);
    assert_eq!(room.lose(1, 0), 0);
    assert_eq!(room.lose(1, 1), 0);
    assert_eq!(room.lose(1, 3), 1, "behind it");
}

#[test]
fn what_goes_to_nobody_is_missed_by_nobody() {
    let mut room = Room::new();
    room.take(1, 10, &KEY);
    room.take(0, 20, &DELTA);
    room.now += Duration::from_millis(600);
    assert_eq!(room.lose(1, 11), 1, "somebody has it");
    assert_eq!(room.lose(0, 21), 0, "everybody has the larger one");
    assert_eq!(room.lose(7, 21), 0, "there is none");
    room.router.pause(room.now, LINE);
    room.now += Duration::from_millis(600);
    assert_eq!(room.lose(1, 11), 0);
    room.router.handle_loss(room.now, TrackId(9), 0, 1);
    assert_eq!(room.requests(), 0);
}
