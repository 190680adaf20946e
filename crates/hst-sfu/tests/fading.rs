//! A room whose middle goes from one branch to another: nobody who receives anything notices.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use hst_sfu::{BranchId, Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId, Word};
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

const KEY: &[u8] = &[0x10, 0x00];
const DELTA: &[u8] = &[0x10, 0x01];
/// The branch in the middle at first, where nobody is.
const OLD: usize = 0;
/// The one that is in the middle then.
const NEW: usize = 1;

type Parcel = Result<Word, (TrackId, Packet<'static>)>;

/// A publisher and a receiver of all others at each branch but the first.
struct Room {
    now: Instant,
    rng: StdRng,
    routers: Vec<Router>,
    /// What is under way from one to another: words in their order, packets in theirs.
    under_way: BTreeMap<(usize, usize, bool), VecDeque<Parcel>>,
    last: Vec<u16>,
    got: BTreeMap<(LineId, TrackId), Vec<(u16, u64)>>,
}

impl Room {
    fn new(branches: usize, rng: StdRng) -> Self {
        let mut room = Self {
            now: Instant::now(),
            rng,
            routers: (0..branches).map(|_| Router::new()).collect(),
            under_way: BTreeMap::new(),
            last: vec![0; branches],
            got: BTreeMap::new(),
        };
        (1..branches).for_each(|at| room.meet(OLD, at));
        for (at, track) in room.publishers() {
            room.routers[at].publish(track);
        }
        for (at, line, track) in room.lines() {
            room.routers[at].subscribe(room.now, line, track, Formats::ALL);
        }
        room.settle();
        for (at, _) in room.publishers() {
            room.send(at, KEY);
        }
        room.settle();
        room
    }

    fn publishers(&self) -> Vec<(usize, TrackId)> {
        (1..self.routers.len()).map(|at| (at, TrackId(at as u64))).collect()
    }

    fn lines(&self) -> Vec<(usize, LineId, TrackId)> {
        let mut lines = Vec::new();
        for at in 1..self.routers.len() {
            for (publisher, track) in self.publishers() {
                let peer = PeerId(at as u64);
                let slot = publisher as u16;
                lines.push((at, LineId { peer, slot }, track));
            }
        }
        lines.retain(|&(at, _, track)| track.0 != at as u64);
        lines
    }

    fn meet(&mut self, one: usize, other: usize) {
        self.routers[one].meet(self.now, BranchId(other as u64));
        self.routers[other].meet(self.now, BranchId(one as u64));
        self.drain(one, None);
        self.drain(other, None);
    }

    fn send(&mut self, at: usize, payload: &'static [u8]) {
        self.last[at] += 1;
        let seq = self.last[at];
        let packet = Packet {
            encoding: 0,
            dependency: None,
            level: None,
            ssrc: at as u32,
            seq,
            timestamp: u32::from(seq) * 3000,
            codec: Codec::Vp8,
            format: Format::new(1).expect("a small number"),
            payload,
        };
        self.take(at, None, TrackId(at as u64), packet);
    }

    fn take(&mut self, at: usize, from: Option<BranchId>, track: TrackId, packet: Packet<'static>) {
        if self.routers[at].takes(self.now, track, from, &packet) {
            self.routers[at].handle_packet(self.now, track, &packet);
        }
        self.drain(at, Some(packet));
    }

    fn drain(&mut self, at: usize, packet: Option<Packet<'static>>) {
        while let Some(output) = self.routers[at].poll_output() {
            match output {
                Output::Forward(forward) => {
                    let packet = packet.expect("nothing else is forwarded");
                    let of = (forward.line, TrackId(packet.ssrc.into()));
                    self.got.entry(of).or_default().push((packet.seq, forward.seq));
                }
                Output::Relay { branch, .. } => {
                    let packet = packet.expect("nothing else is passed on");
                    let way = (at, branch.0 as usize, true);
                    let parcel = Err((TrackId(packet.ssrc.into()), packet));
                    self.under_way.entry(way).or_default().push_back(parcel);
                }
                Output::Tell { branch, word } => {
                    let way = (at, branch.0 as usize, false);
                    self.under_way.entry(way).or_default().push_back(Ok(word));
                }
                _ => {}
            }
        }
    }

    /// One thing that is under way arrives, if anything is.
    fn arrive(&mut self) -> bool {
        let ways: Vec<_> = self.under_way.keys().copied().collect();
        if ways.is_empty() {
            return false;
        }
        let way @ (from, to, _) = ways[self.rng.random_range(0..ways.len())];
        let Some(waiting) = self.under_way.get_mut(&way) else {
            return false;
        };
        let parcel = waiting.pop_front().expect("what is empty is taken out");
        if waiting.is_empty() {
            self.under_way.remove(&way);
        }
        let branch = BranchId(from as u64);
        match parcel {
            Ok(word) => {
                self.routers[to].hear(self.now, branch, word);
                self.drain(to, None);
            }
            Err((track, packet)) => self.take(to, Some(branch), track, packet),
        }
        true
    }

    fn settle(&mut self) {
        while self.arrive() {}
    }

    /// Somebody sends, or something arrives.
    fn go_on(&mut self, steps: usize) {
        for _ in 0..steps {
            let branches = self.routers.len();
            match self.rng.random_range(0..3_u32) {
                0 => {
                    let at = self.rng.random_range(1..branches);
                    self.send(at, DELTA);
                }
                _ => _ = self.arrive(),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// No keyframe comes after the first: whoever had to begin anew would get nothing more.
    #[test]
    fn everybody_gets_every_packet_once(branches in 3_usize..6, seed in any::<u64>(), steps in 0_usize..60) {
        let mut room = Room::new(branches, StdRng::seed_from_u64(seed));
        room.go_on(steps);
        for at in 1..branches {
            room.routers[at].fade(BranchId(OLD as u64));
            if at != NEW {
                room.meet(NEW, at);
            }
            room.go_on(steps);
        }
        // The old one stays for long enough.
        for _ in 0..8 {
            room.settle();
            (1..branches).for_each(|at| room.send(at, DELTA));
        }
        room.settle();
        for at in 1..branches {
            room.go_on(steps / 4);
            room.routers[at].part(room.now, BranchId(OLD as u64));
            room.drain(at, None);
            room.routers[OLD].part(room.now, BranchId(at as u64));
            room.drain(OLD, None);
        }
        room.go_on(steps);
        room.settle();
        for (at, line, track) in room.lines() {
            let got = &room.got[&(line, track)];
            let sent: Vec<_> = (1..=room.last[track.0 as usize]).collect();
            let came: Vec<_> = got.iter().map(|&(seq, _)| seq).collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(&came, &sent, "{:?} at {}", track, at);
            prop_assert_eq!(got.len(), sent.len(), "nothing twice");
            prop_assert!(got.iter().all(|&(seq, number)| u64::from(seq) == number), "{:?}", got);
        }
    }
}

/// Something was left out on the way by the old middle, and what is behind that has other numbers there.
#[test]
fn what_is_numbered_otherwise_by_another_way_begins_at_a_keyframe_and_nothing_comes_twice() {
    let (now, track) = (Instant::now(), TrackId(1));
    let (old, new) = (BranchId(OLD as u64), BranchId(NEW as u64));
    let mut router = Router::new();
    for branch in [old, new] {
        router.meet(now, branch);
        router.hear(now, branch, Word::Hello);
    }
    let line = LineId {
        peer: PeerId(1),
        slot: 0,
    };
    router.subscribe(now, line, track, Formats::ALL);
    router.hear(now, old, Word::Here { track, encodings: 1 });
    router.fade(old);
    router.hear(now, new, Word::Here { track, encodings: 1 });
    let mut got = Vec::new();
    let mut take = |branch: BranchId, frame: u16, payload: &'static [u8]| {
        let left_out = if branch == old { 2 } else { 0 };
        let packet = Packet {
            encoding: 0,
            dependency: None,
            level: None,
            ssrc: 1,
            seq: frame + 100 - left_out,
            timestamp: u32::from(frame) * 3000,
            codec: Codec::Vp8,
            format: Format::new(1).expect("a small number"),
            payload,
        };
        if router.takes(now, track, Some(branch), &packet) {
            router.handle_packet(now, track, &packet);
        }
        while let Some(output) = router.poll_output() {
            if let Output::Forward(forward) = output {
                got.push((frame, forward.seq));
            }
        }
    };
    for frame in 1..8 {
        let payload = if frame == 1 { KEY } else { DELTA };
        take(old, frame, payload);
        if frame > 1 {
            take(new, frame, DELTA);
        }
    }
    for frame in 8..12 {
        let payload = if frame == 8 { KEY } else { DELTA };
        take(new, frame, payload);
        take(old, frame, payload);
    }
    let expected: Vec<_> = (1..12_u16).map(|frame| (frame, u64::from(frame))).collect();
    assert_eq!(got, expected);
}
