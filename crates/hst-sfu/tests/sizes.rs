//! A picture that comes in several sizes in one stream, in a room with several branches: no larger one crosses than is wanted.

use std::{collections::BTreeMap, time::Duration};

use hst_sfu::{BranchId, Codec, Format, Packet, PeerId};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

mod row;

use row::{CAMERA, Row, line};

const PICTURE: Duration = Duration::from_millis(50);
const SECOND: u64 = 20;
/// So many pictures later an encoder makes the keyframe that it was asked for.
const ENCODER: u32 = 3;
/// Bytes of each size's part of a picture.
const LENGTHS: [usize; 3] = [100, 300, 900];
const SMALL: u32 = 180;
const MIDDLE: u32 = 360;
const LARGE: u32 = 720;

/// A camera at the first of some branches, and those who receive it.
struct Film {
    row: Row,
    /// What it sends: by whether it is a keyframe, and by size.
    payloads: [[&'static [u8]; 3]; 2],
    pictures: u32,
    seq: u16,
    keyframes: usize,
    /// With which picture the next keyframe comes.
    due: Option<u32>,
    /// Where each number is: its picture, its size, and whether it is a keyframe.
    sent: BTreeMap<u16, (u32, usize, bool)>,
    peers: Vec<(usize, u64)>,
}

/// A VP9 payload (RFC 9628 section 4.2): whole frames, without picture ids, with layers.
fn payload(is_key: bool, size: usize) -> &'static [u8] {
    let mut payload = vec![0; LENGTHS[size]];
    payload[0] = 0x20 | 0x08 | 0x04 | if is_key { 0 } else { 0x40 };
    payload[1] = (size as u8) << 1 | u8::from(size > 0);
    payload.leak()
}

impl Film {
    fn new(branches: usize) -> Self {
        let mut row = Row::new(branches);
        row.publish(0, CAMERA, 1);
        Self {
            row,
            payloads: [false, true].map(|is_key| [0, 1, 2].map(|size| payload(is_key, size))),
            pictures: 0,
            seq: 65_000,
            keyframes: 0,
            due: Some(0),
            sent: BTreeMap::new(),
            peers: Vec::new(),
        }
    }

    fn receive(&mut self, at: usize, peer: u64, view: u32) {
        self.peers.push((at, peer));
        self.row.subscribe(at, peer, CAMERA);
        self.view(at, peer, view);
    }

    fn view(&mut self, at: usize, peer: u64, height: u32) {
        let row = &mut self.row;
        row.routers[at].set_view(row.now, PeerId(peer), CAMERA, Some(height));
        row.settle();
    }

    fn run(&mut self, pictures: u64) {
        for _ in 0..pictures {
            self.take();
        }
    }

    fn take(&mut self) {
        if !std::mem::take(&mut self.row.asked).is_empty() {
            self.due.get_or_insert(self.pictures + ENCODER);
        }
        let is_key = self.due.is_some_and(|due| due <= self.pictures);
        if is_key {
            self.due = None;
        }
        self.keyframes += usize::from(is_key);
        self.pictures += 1;
        let sizes = [(320, 180), (640, 360), (1280, 720)];
        for router in &mut self.row.routers {
            router.set_sizes(CAMERA, 0, sizes.into_iter());
        }
        for size in 0..3 {
            self.seq = self.seq.wrapping_add(1);
            self.sent.insert(self.seq, (self.pictures, size, is_key));
            let packet = Packet {
                encoding: 0,
                ssrc: 1,
                seq: self.seq,
                timestamp: self.pictures * 4500,
                codec: Codec::Vp9,
                format: Format::new(3).expect("a small number"),
                dependency: None,
                level: None,
                payload: self.payloads[usize::from(is_key)][size],
            };
            self.row.send(0, CAMERA, packet, size == 2);
        }
        self.row.pass(PICTURE);
    }

    /// The sizes of the pictures that a receiver got since, from `from` on; fails unless a decoder can show all of them.
    fn shown(&self, peer: u64, from: u32) -> Vec<usize> {
        let all = self.row.got.iter().zip(&self.row.ends);
        let got: Vec<_> = all.filter(|((to, ..), _)| *to == line(peer)).collect();
        let mut shown = Vec::new();
        let mut before: Option<(u32, usize)> = None;
        let mut number = None;
        for part in got.chunk_by(|((.., one, _), _), ((.., next, _), _)| self.sent[one].0 == self.sent[next].0) {
            let (picture, _, is_key) = self.sent[&part[0].0.2];
            for (size, ((.., original, seq), ends)) in part.iter().enumerate() {
                assert_eq!(self.sent[original].1, size, "picture {picture}: the smaller ones first");
                assert_eq!(
                    *ends,
                    &(size + 1 == part.len()),
                    "picture {picture} ends with its last packet"
                );
                assert_eq!(
                    *seq,
                    number.map_or(*seq, |number: u64| number + 1),
                    "picture {picture}: no gap"
                );
                number = Some(*seq);
            }
            let top = part.len() - 1;
            if let Some((last, largest)) = before {
                assert!(is_key || picture == last + 1, "picture {picture} after {last}");
                assert!(is_key || top <= largest, "picture {picture}: larger from a keyframe on");
            } else {
                assert!(is_key, "it begins at a keyframe");
            }
            before = Some((picture, top));
            if picture >= from {
                shown.push(top);
            }
        }
        shown
    }

    /// What the receiver gets from now on.
    fn gets(&mut self, peer: u64) -> usize {
        let from = self.pictures + 1;
        self.run(SECOND);
        let mut shown = self.shown(peer, from);
        assert_eq!(shown.len(), SECOND as usize);
        shown.dedup();
        assert_eq!(shown.len(), 1, "{shown:?}");
        shown[0]
    }

    /// Bytes that have crossed between two branches in a second.
    fn crosses(&mut self, way: (usize, usize)) -> usize {
        self.row.relayed_bytes.clear();
        self.run(SECOND);
        self.row.relayed_bytes.get(&way).copied().unwrap_or_default() / SECOND as usize
    }
}

fn up_to(size: usize) -> usize {
    LENGTHS[..=size].iter().sum()
}

#[test]
fn no_larger_size_crosses_than_somebody_behind_a_neighbour_wants() {
    let mut film = Film::new(3);
    film.receive(2, 20, SMALL);
    film.run(5 * SECOND);
    for way in [(0, 1), (1, 2)] {
        assert_eq!(film.crosses(way), up_to(0), "{way:?}, and not {}", up_to(2));
    }
    assert_eq!(film.gets(20), 0);

    film.receive(1, 10, MIDDLE);
    film.run(3 * SECOND);
    assert_eq!((film.crosses((0, 1)), film.crosses((1, 2))), (up_to(1), up_to(0)));
    assert_eq!((film.gets(20), film.gets(10)), (0, 1));
}

#[test]
fn a_size_that_is_wanted_again_comes_with_the_next_keyframe() {
    let mut film = Film::new(3);
    film.receive(2, 20, SMALL);
    film.run(5 * SECOND);
    for (view, size) in [(LARGE, 2), (SMALL, 0), (MIDDLE, 1), (LARGE, 2), (MIDDLE, 1)] {
        let before = film.keyframes;
        film.view(2, 20, view);
        film.run(SECOND / 2);
        assert_eq!(film.gets(20), size, "{view}");
        let keyframes = film.keyframes - before;
        assert!(keyframes <= 1, "{keyframes} for {view}");
        film.run(4 * SECOND);
        assert_eq!(film.crosses((0, 1)), up_to(size), "{view}");
    }
}

#[test]
fn who_wants_less_for_a_moment_costs_no_keyframe() {
    let mut film = Film::new(2);
    film.receive(1, 10, LARGE);
    film.receive(1, 11, LARGE);
    film.run(5 * SECOND);
    let before = film.keyframes;
    for _ in 0..5 {
        for peer in [10, 11] {
            film.view(1, peer, SMALL);
        }
        film.run(SECOND);
        assert_eq!(film.row.relayed_bytes.len(), 1);
        assert_eq!(film.crosses((0, 1)), up_to(2), "for the time being");
        film.view(1, 10, LARGE);
        film.run(SECOND);
    }
    // Those of the receiver himself, who takes it up again.
    assert!(film.keyframes - before <= 5, "{}", film.keyframes - before);
    assert_eq!(film.gets(10), 2);
}

#[test]
fn a_way_that_is_too_narrow_gets_smaller_sizes_and_the_large_ones_again_when_it_is_wide() {
    let mut film = Film::new(3);
    for (at, peer) in [(0, 1), (2, 20)] {
        film.peers.push((at, peer));
        film.row.subscribe(at, peer, CAMERA);
    }
    film.run(5 * SECOND);
    let bits = |size: usize| Some(up_to(size) as u64 * 8 * SECOND * 11 / 10);
    for (bound, size) in [
        (bits(1), 1),
        (bits(0), 0),
        (bits(1), 0),
        (bits(2).map(|it| 2 * it), 2),
        (bits(0), 0),
        (None, 2),
    ] {
        let before = film.keyframes;
        film.row.routers[0].set_bound(film.row.now, BranchId(1), bound);
        film.row.settle();
        film.run(2 * SECOND);
        assert_eq!((film.gets(20), film.gets(1)), (size, 2), "{bound:?}");
        assert_eq!((film.crosses((0, 1)), film.crosses((1, 2))), (up_to(size), up_to(size)));
        assert!(film.keyframes - before <= 1, "{}", film.keyframes - before);
    }
}

/// Views that change at random, at branches as many as there may be.
#[test]
fn everybody_is_shown_what_he_would_be_shown_by_one_router() {
    for seed in 0..150 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let branches = rng.random_range(2..5);
        let mut films = [Film::new(1), Film::new(branches)];
        let places: Vec<usize> = (0..rng.random_range(1..5))
            .map(|_| rng.random_range(0..branches))
            .collect();
        let mut views = vec![LARGE; places.len()];
        for (peer, &at) in places.iter().enumerate() {
            films[0].receive(0, peer as u64, LARGE);
            films[1].receive(at, peer as u64, LARGE);
        }
        for _ in 0..6 {
            for _ in 0..rng.random_range(1..6) {
                let peer = rng.random_range(0..places.len());
                views[peer] = [SMALL, MIDDLE, LARGE][rng.random_range(0..3)];
                films[0].view(0, peer as u64, views[peer]);
                films[1].view(places[peer], peer as u64, views[peer]);
                let time = rng.random_range(0..2 * SECOND);
                films.iter_mut().for_each(|film| film.run(time));
            }
            films.iter_mut().for_each(|film| film.run(10 * SECOND));
            for peer in 0..places.len() as u64 {
                let [alone, spread] = films.each_mut().map(|film| film.gets(peer));
                assert_eq!(alone, spread, "seed {seed}, peer {peer} of {places:?} with {views:?}");
            }
            for at in 1..branches {
                let beyond = places.iter().zip(&views).filter(|(place, _)| **place >= at);
                let most = beyond.map(|(_, view)| (view / SMALL).ilog2() as usize).max();
                assert_eq!(
                    films[1].crosses((at - 1, at)),
                    most.map_or(0, up_to),
                    "seed {seed} at {at}"
                );
            }
        }
    }
}
