//! Ways between branches that carry less than is wanted: the largest layers are left out there, and come back.

use std::time::{Duration, Instant};

use hst_sfu::{BranchId, Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId, Word};

mod row;

use row::{CAMERA, DELTA, KEY, Row, encodings, line, video};

const PICTURE: Duration = Duration::from_millis(50);
const SECOND: u64 = 20;
/// So many pictures later an encoder makes the keyframe that it was asked for.
const ENCODER: u32 = 3;
const SOUND: TrackId = TrackId(2);
/// Packets of a picture, by encoding; each has so many bytes.
const PACKETS: [u16; 3] = [1, 3, 10];
const PACKET: usize = 600;
const ALL: u64 = 1_000_000_000;

/// A camera in three encodings and a microphone at the first of two branches; at both somebody receives them.
struct Call {
    row: Row,
    payloads: [&'static [u8]; 2],
    pictures: u32,
    seqs: [u16; 3],
    /// Which encodings it sends: those that it was told to be wanted.
    is_on: [bool; 3],
    /// With which picture the next keyframe of each comes.
    due: [Option<u32>; 3],
    /// Who got which picture, of which encoding, and whether it was a keyframe.
    shown: Vec<(u64, u32, u8, bool)>,
}

impl Call {
    fn new() -> Self {
        let mut row = Row::new(2);
        row.publish(0, CAMERA, 3);
        row.publish(0, SOUND, 1);
        for at in 0..2 {
            row.subscribe(at, at as u64, CAMERA);
            let (peer, slot) = (PeerId(at as u64), 1);
            row.routers[at].subscribe(row.now, LineId { peer, slot }, SOUND, Formats::ALL);
            row.settle();
        }
        let payload = |begin: &[u8]| [begin, &[0; PACKET]].concat().leak() as &'static [u8];
        Self {
            row,
            payloads: [payload(DELTA), payload(KEY)],
            pictures: 0,
            seqs: [0; 3],
            is_on: [true; 3],
            due: [Some(0); 3],
            shown: Vec::new(),
        }
    }

    fn bound(&mut self, bits: Option<u64>) {
        self.row.routers[0].set_bound(self.row.now, BranchId(1), bits);
        self.row.settle();
    }

    fn run(&mut self, pictures: u64) {
        for _ in 0..pictures {
            for (_, track, encoding) in std::mem::take(&mut self.row.asked) {
                if track == CAMERA {
                    self.due[usize::from(encoding)].get_or_insert(self.pictures + ENCODER);
                }
            }
            for (.., wanted) in std::mem::take(&mut self.row.wanted) {
                self.is_on = [0, 1, 2].map(|encoding| wanted.contains(encoding));
            }
            self.pictures += 1;
            for encoding in 0..3 {
                if self.is_on[encoding] {
                    self.send(encoding);
                } else {
                    self.due[encoding] = Some(0);
                }
            }
            self.say();
            self.row.pass(PICTURE);
        }
    }

    fn send(&mut self, encoding: usize) {
        let is_key = self.due[encoding].is_some_and(|due| due <= self.pictures);
        if is_key {
            self.due[encoding] = None;
        }
        for part in 0..PACKETS[encoding] {
            self.seqs[encoding] = self.seqs[encoding].wrapping_add(1);
            let packet = Packet {
                encoding: encoding as u8,
                dependency: None,
                level: None,
                ssrc: encoding as u32 + 1,
                seq: self.seqs[encoding],
                timestamp: self.pictures * 4500,
                codec: Codec::Vp8,
                format: Format::new(1).expect("a small number"),
                payload: match part {
                    0 => self.payloads[usize::from(is_key)],
                    _ => &[0; PACKET],
                },
            };
            let before = self.row.got.len();
            self.row.packet(0, CAMERA, packet);
            if part == 0 {
                let got = self.row.got[before..].iter();
                let shown = got.map(|(line, ..)| (line.peer.0, self.pictures, encoding as u8, is_key));
                self.shown.extend(shown);
            }
        }
    }

    fn say(&mut self) {
        let packet = Packet {
            encoding: 0,
            dependency: None,
            level: Some(30),
            ssrc: 77,
            seq: self.pictures as u16,
            timestamp: self.pictures * 2400,
            codec: Codec::Opus,
            format: Format::new(2).expect("a small number"),
            payload: &[0; 100],
        };
        self.row.packet(0, SOUND, packet);
    }

    /// The encodings that a peer is shown within a second, each as often as it changes.
    fn shows(&mut self, peer: u64) -> Vec<u8> {
        let from = self.pictures;
        self.run(SECOND);
        let mine = self
            .shown
            .iter()
            .filter(|&&(to, picture, ..)| to == peer && picture > from);
        let mut shown: Vec<_> = mine.map(|&(.., encoding, _)| encoding).collect();
        shown.dedup();
        shown
    }

    /// Bits that cross in a second.
    fn crosses(&mut self) -> u64 {
        self.row.relayed_bytes.clear();
        self.run(SECOND);
        self.row.relayed_bytes.get(&(0, 1)).map_or(0, |&bytes| bytes as u64 * 8)
    }

    /// Fails unless a decoder can show all that a peer was shown.
    fn assert_decodable(&self, peer: u64) {
        let mut before: Option<(u32, u8)> = None;
        for &(_, picture, encoding, is_key) in self.shown.iter().filter(|shown| shown.0 == peer) {
            let goes_on = before.is_some_and(|(last, same)| same == encoding && picture == last + 1);
            assert!(
                is_key || goes_on,
                "peer {peer}: picture {picture} of {encoding} after {before:?}"
            );
            before = Some((picture, encoding));
        }
        let numbers = self.row.got.iter().filter(|(to, ..)| *to == line(peer));
        let numbers: Vec<_> = numbers.map(|&(.., number)| number).collect();
        assert!(
            numbers.is_sorted_by(|one, next| one + 1 == *next),
            "peer {peer}: no gap"
        );
    }
}

#[test]
fn a_way_that_is_too_narrow_gets_a_smaller_encoding_and_the_large_one_again_when_it_is_wide() {
    let mut call = Call::new();
    call.run(5 * SECOND);
    assert_eq!((call.shows(0), call.shows(1)), (vec![2], vec![2]));
    for (bits, encoding) in [(500_000, 1), (200_000, 0), (ALL, 2), (500_000, 1)] {
        call.bound(Some(bits));
        call.run(14 * SECOND);
        assert_eq!(call.shows(1), [encoding], "{bits}");
        let crosses = call.crosses();
        assert!(crosses <= bits, "{crosses} of {bits}");
    }
    call.bound(None);
    call.run(2 * SECOND);
    assert_eq!(call.shows(1), [2], "at once, when there is no bound");
    let from = 5 * SECOND as u32;
    let mine: Vec<_> = call
        .shown
        .iter()
        .filter(|shown| shown.0 == 0 && shown.1 > from)
        .collect();
    assert_eq!(
        mine.len(),
        (call.pictures - from) as usize,
        "who is not behind it notices nothing"
    );
    assert!(mine.iter().all(|shown| shown.2 == 2));
    call.assert_decodable(0);
    call.assert_decodable(1);
}

#[test]
fn within_a_second_and_a_half_there_is_a_smaller_picture() {
    let mut call = Call::new();
    call.run(5 * SECOND);
    call.bound(Some(500_000));
    let before = call.pictures;
    call.run(3 * SECOND);
    let first = call
        .shown
        .iter()
        .find(|&&(peer, picture, encoding, _)| peer == 1 && picture > before && encoding == 1);
    let pause = first.expect("a smaller one").1 - before;
    assert!(u64::from(pause) <= 3 * SECOND / 2, "{pause} pictures");
}

#[test]
fn where_no_picture_fits_there_is_sound() {
    let mut call = Call::new();
    call.run(5 * SECOND);
    call.bound(Some(20_000));
    call.run(5 * SECOND);
    assert_eq!(call.shows(1), []);
    let sounds = call.row.got.len();
    call.run(SECOND);
    let heard = call.row.got[sounds..]
        .iter()
        .filter(|(to, track, ..)| to.peer.0 == 1 && *track == SOUND);
    assert_eq!(heard.count(), SECOND as usize);
    call.bound(None);
    call.run(2 * SECOND);
    assert_eq!(call.shows(1), [2]);
    call.assert_decodable(1);
}

#[test]
fn what_is_known_of_a_way_ends_with_it() {
    let mut call = Call::new();
    call.run(5 * SECOND);
    call.bound(Some(20_000));
    call.run(SECOND);
    let now = call.row.now;
    call.row.routers[0].part(now, BranchId(1));
    call.row.routers[1].part(now, BranchId(0));
    call.row.settle();
    call.row.meet(0, 1);
    call.run(2 * SECOND);
    assert_eq!(call.shows(1), [2]);
}

#[test]
fn what_was_left_out_for_a_moment_goes_on_with_a_keyframe() {
    for pictures in 1..SECOND {
        let mut call = Call::new();
        call.run(5 * SECOND);
        call.bound(Some(500_000));
        call.run(pictures);
        call.bound(None);
        call.run(2 * SECOND);
        assert_eq!(call.shows(1), [2]);
        call.assert_decodable(1);
    }
}

#[test]
fn when_a_way_is_wide_again_what_comes_by_a_neighbour_who_is_going_is_not_offered_there() {
    for is_going in [false, true] {
        let mut now = Instant::now();
        let (old, narrow) = (BranchId(1), BranchId(2));
        let mut router = Router::new();
        for branch in [old, narrow] {
            router.meet(now, branch);
            router.hear(now, branch, Word::Hello);
        }
        let track = CAMERA;
        let payload = |begin: &[u8]| [begin, &[0; PACKET]].concat().leak() as &'static [u8];
        let want = Word::Want {
            track,
            encodings: encodings(&[0]),
            spatial: u8::MAX,
        };
        router.hear(now, narrow, want);
        // Somebody here receives it, too, so that it goes on coming.
        router.subscribe(now, line(9), track, Formats::ALL);
        router.hear(now, old, Word::Here { track, encodings: 1 });
        for seq in 0..2 * SECOND {
            now += PICTURE;
            let packet = video(seq as u16, payload(if seq == 0 { KEY } else { DELTA }));
            assert!(router.takes(now, track, Some(old), &packet));
            router.handle_packet(now, track, &packet);
        }
        router.set_bound(now, narrow, Some(1));
        if is_going {
            router.fade(old);
        }
        while router.poll_output().is_some() {}
        router.set_bound(now, narrow, None);
        let mut is_offered = false;
        while let Some(output) = router.poll_output() {
            is_offered |= matches!(output, Output::Tell { branch, word: Word::Here { .. } } if branch == narrow);
        }
        assert_eq!(is_offered, !is_going);
    }
}

#[test]
fn what_went_nowhere_else_comes_again_when_the_way_is_wide() {
    let mut row = Row::new(3);
    row.publish(0, CAMERA, 1);
    row.subscribe(2, 2, CAMERA);
    row.settle();
    let payload = |begin: &[u8]| [begin, &[0; PACKET]].concat().leak() as &'static [u8];
    let mut seq = 0;
    let mut send = |row: &mut Row, pictures: u64| {
        let before = row.got.len();
        for _ in 0..pictures {
            seq += 1;
            let is_key = seq == 1 || !std::mem::take(&mut row.asked).is_empty();
            row.packet(0, CAMERA, video(seq, payload(if is_key { KEY } else { DELTA })));
            row.pass(PICTURE);
        }
        row.got.len() - before
    };
    assert!(send(&mut row, 5 * SECOND) > 0);
    // Nobody is at the one in the middle.
    let (now, narrow) = (row.now, BranchId(2));
    row.routers[1].set_bound(now, narrow, Some(1));
    row.settle();
    send(&mut row, SECOND);
    assert_eq!(send(&mut row, SECOND), 0);
    let now = row.now;
    row.routers[1].set_bound(now, narrow, None);
    row.settle();
    send(&mut row, SECOND);
    assert_eq!(send(&mut row, SECOND), SECOND as usize);
}
