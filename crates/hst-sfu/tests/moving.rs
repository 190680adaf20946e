//! A publisher who moves from one branch to another: to those who receive him his track goes on.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hst_sfu::{BranchId, Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId, Word};

const KEY: &[u8] = &[0x10, 0x00];
const DELTA: &[u8] = &[0x10, 0x01];
const CAMERA: TrackId = TrackId(1);
const OLD: u32 = 1;
const NEW: u32 = 9;

/// A branch in the middle and two at its sides. The publisher goes from the first to the last.
struct Star {
    now: Instant,
    routers: Vec<Router>,
    under_way: VecDeque<(usize, usize, Result<Word, Packet<'static>>)>,
    /// Who got a packet of which source, under which number.
    got: Vec<(u64, u32, u64)>,
    /// Where keyframes were asked of a publisher.
    asked: Vec<usize>,
}

fn packet(ssrc: u32, seq: u16, payload: &'static [u8]) -> Packet<'static> {
    Packet {
        encoding: 0,
        dependency: None,
        level: None,
        ssrc,
        seq,
        timestamp: u32::from(seq) * 3000,
        codec: Codec::Vp8,
        format: Format::new(1).expect("a small number"),
        payload,
    }
}

impl Star {
    /// With a receiver at each of these branches.
    fn new(receivers: &[usize]) -> Self {
        let mut star = Self {
            now: Instant::now(),
            routers: (0..3).map(|_| Router::new()).collect(),
            under_way: VecDeque::new(),
            got: Vec::new(),
            asked: Vec::new(),
        };
        for (one, other) in [(0, 1), (1, 2)] {
            star.routers[one].meet(star.now, BranchId(other as u64));
            star.routers[other].meet(star.now, BranchId(one as u64));
        }
        star.settle();
        star.routers[0].publish(CAMERA);
        star.routers[0].leave();
        for &at in receivers {
            let (peer, slot) = (PeerId(at as u64), 0);
            star.routers[at].subscribe(star.now, LineId { peer, slot }, CAMERA, Formats::ALL);
        }
        star.settle();
        star
    }

    /// A publisher here sends.
    fn send(&mut self, at: usize, packet: Packet<'static>) {
        self.take(at, None, packet);
        self.settle();
    }

    fn take(&mut self, at: usize, from: Option<BranchId>, packet: Packet<'static>) {
        if self.routers[at].takes(self.now, CAMERA, from, &packet) {
            self.routers[at].handle_packet(self.now, CAMERA, &packet);
        }
        self.drain(at, Some(packet));
    }

    fn settle(&mut self) {
        (0..3).for_each(|at| self.drain(at, None));
        while let Some((from, to, parcel)) = self.under_way.pop_front() {
            let branch = BranchId(from as u64);
            match parcel {
                Ok(word) => {
                    self.routers[to].hear(self.now, branch, word);
                    self.drain(to, None);
                }
                Err(packet) => self.take(to, Some(branch), packet),
            }
        }
    }

    fn drain(&mut self, at: usize, packet: Option<Packet<'static>>) {
        while let Some(output) = self.routers[at].poll_output() {
            match output {
                Output::Forward(forward) => {
                    let packet = packet.expect("nothing else is forwarded");
                    self.got.push((forward.line.peer.0, packet.ssrc, forward.seq));
                }
                Output::Relay { branch, edit: None, .. } => {
                    let packet = packet.expect("nothing else is passed on");
                    self.under_way.push_back((at, branch.0 as usize, Err(packet)));
                }
                Output::Tell { branch, word } => self.under_way.push_back((at, branch.0 as usize, Ok(word))),
                Output::RequestKeyframe { .. } => self.asked.push(at),
                _ => {}
            }
        }
    }

    /// What each receiver has got since, in the order of the branches.
    fn gets(&mut self) -> Vec<(u64, u32, u64)> {
        let mut got = std::mem::take(&mut self.got);
        got.sort_unstable();
        got
    }
}

#[test]
fn it_goes_over_at_the_first_keyframe_from_there_on_every_branch_and_without_a_gap() {
    for receivers in [&[0, 1, 2][..], &[0], &[1], &[2]] {
        let mut star = Star::new(receivers);
        star.send(0, packet(OLD, 1, KEY));
        // He connects at the other branch, and goes on here meanwhile.
        star.routers[2].publish(CAMERA);
        star.settle();
        star.send(0, packet(OLD, 2, DELTA));
        star.now += Duration::from_millis(600);
        star.asked.clear();
        star.send(2, packet(NEW, 500, DELTA));
        assert_eq!(
            star.asked,
            [2],
            "{receivers:?}: who cannot begin asks for a keyframe, there"
        );
        star.send(0, packet(OLD, 3, DELTA));
        let old = |seq| receivers.iter().map(move |&at| (at as u64, OLD, seq));
        let mut expected: Vec<_> = (1..=3_u64).flat_map(old).collect();
        expected.sort_unstable();
        assert_eq!(star.gets(), expected);

        star.send(2, packet(NEW, 501, KEY));
        star.send(0, packet(OLD, 4, DELTA));
        star.send(2, packet(NEW, 502, DELTA));
        // His transport of before is closed.
        star.routers[0].unpublish(CAMERA);
        star.settle();
        star.send(2, packet(NEW, 503, DELTA));
        let new = |seq| receivers.iter().map(move |&at| (at as u64, NEW, seq));
        let mut expected: Vec<_> = (4..=6_u64).flat_map(new).collect();
        expected.sort_unstable();
        assert_eq!(star.gets(), expected, "{receivers:?}");
    }
}

#[test]
fn when_the_way_of_before_ends_first_it_goes_on_as_soon_as_there_is_something_from_the_other() {
    let mut star = Star::new(&[0, 1, 2]);
    star.send(0, packet(OLD, 1, KEY));
    star.routers[2].publish(CAMERA);
    star.settle();
    star.routers[0].unpublish(CAMERA);
    star.settle();
    star.gets();
    star.send(2, packet(NEW, 500, KEY));
    assert_eq!(star.gets(), [(0, NEW, 2), (1, NEW, 2), (2, NEW, 2)]);
}

#[test]
fn who_gives_up_on_the_way_changes_nothing() {
    let mut star = Star::new(&[0, 1, 2]);
    star.send(0, packet(OLD, 1, KEY));
    star.routers[2].publish(CAMERA);
    star.settle();
    star.routers[2].unpublish(CAMERA);
    star.settle();
    star.gets();
    star.send(0, packet(OLD, 2, DELTA));
    assert_eq!(star.gets(), [(0, OLD, 2), (1, OLD, 2), (2, OLD, 2)]);
    star.send(2, packet(NEW, 500, KEY));
    assert_eq!(star.gets(), []);
}

#[test]
fn whoever_publishes_before_anybody_receives_him_there_is_not_sent_back_to_where_he_came_from() {
    let mut star = Star::new(&[0]);
    star.send(0, packet(OLD, 1, KEY));
    star.routers[2].publish(CAMERA);
    star.settle();
    // Receivers come after him, by his new branch and by that in the middle.
    for at in [1, 2] {
        let (peer, slot) = (PeerId(at as u64), 0);
        star.routers[at].subscribe(star.now, LineId { peer, slot }, CAMERA, Formats::ALL);
        star.settle();
    }
    star.gets();
    star.now += Duration::from_millis(600);
    star.send(0, packet(OLD, 2, KEY));
    star.send(2, packet(NEW, 500, KEY));
    star.send(0, packet(OLD, 3, KEY));
    star.send(2, packet(NEW, 501, DELTA));
    let got = star.gets();
    let last = |at: u64| {
        got.iter()
            .rfind(|(receiver, ..)| *receiver == at)
            .map(|(_, source, _)| *source)
    };
    assert_eq!([0, 1, 2].map(last), [Some(NEW); 3], "{got:?}");
    assert!(
        !got.contains(&(2, OLD, 1)),
        "who is with him gets him from there alone: {got:?}"
    );

    star.routers[0].unpublish(CAMERA);
    star.routers[1].part(star.now, BranchId(0));
    star.settle();
    star.send(2, packet(NEW, 502, DELTA));
    assert_eq!(star.gets().iter().filter(|(_, source, _)| *source == NEW).count(), 2);
}
