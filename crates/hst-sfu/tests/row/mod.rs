//! Branches of a room in a row, with what goes back and forth between them.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use hst_sfu::{BranchId, Codec, Encodings, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId, Word};

pub(crate) const KEY: &[u8] = &[0x10, 0x00];
pub(crate) const DELTA: &[u8] = &[0x10, 0x01];
pub(crate) const CAMERA: TrackId = TrackId(1);

/// Branches in a row, each the neighbour of the one before it, with what goes back and forth between them.
pub(crate) struct Row {
    pub(crate) now: Instant,
    pub(crate) routers: Vec<Router>,
    /// What is under way, by where it comes from and goes to.
    pub(crate) under_way: VecDeque<(usize, usize, Parcel)>,
    pub(crate) heard: Vec<(usize, usize, Word)>,
    pub(crate) relayed: HashMap<(usize, usize), usize>,
    /// Bytes of payload, likewise.
    pub(crate) relayed_bytes: HashMap<(usize, usize), usize>,
    /// Who got which packet of which track under which number.
    pub(crate) got: Vec<(LineId, TrackId, u16, u64)>,
    /// Of each of these, whether it ends its picture.
    pub(crate) ends: Vec<bool>,
    /// For which encodings keyframes were asked of publishers.
    pub(crate) asked: Vec<(usize, TrackId, u8)>,
    /// Which encodings publishers were told to be wanted.
    pub(crate) wanted: Vec<(usize, TrackId, Encodings)>,
}

pub(crate) enum Parcel {
    Word(Word),
    Packet(Travelling),
}

/// A packet on its way.
#[derive(Clone, Copy)]
pub(crate) struct Travelling {
    track: TrackId,
    packet: Packet<'static>,
    /// Its number at its publisher.
    original: u16,
    is_last: bool,
}

pub(crate) fn line(peer: u64) -> LineId {
    LineId {
        peer: PeerId(peer),
        slot: 0,
    }
}

pub(crate) fn video(seq: u16, payload: &[u8]) -> Packet<'_> {
    Packet {
        encoding: 0,
        dependency: None,
        level: None,
        ssrc: 1,
        seq,
        timestamp: u32::from(seq) * 3000,
        codec: Codec::Vp8,
        format: Format::new(1).expect("a small number"),
        payload,
    }
}

pub(crate) fn encodings(numbers: &[u8]) -> Encodings {
    numbers.iter().copied().collect()
}

impl Row {
    pub(crate) fn new(length: usize) -> Self {
        let mut row = Self {
            now: Instant::now(),
            routers: (0..length).map(|_| Router::new()).collect(),
            under_way: VecDeque::new(),
            heard: Vec::new(),
            relayed: HashMap::new(),
            relayed_bytes: HashMap::new(),
            got: Vec::new(),
            ends: Vec::new(),
            asked: Vec::new(),
            wanted: Vec::new(),
        };
        (1..length).for_each(|at| row.meet(at - 1, at));
        row
    }

    pub(crate) fn meet(&mut self, one: usize, other: usize) {
        self.routers[one].meet(self.now, BranchId(other as u64));
        self.routers[other].meet(self.now, BranchId(one as u64));
        self.settle();
    }

    pub(crate) fn publish(&mut self, at: usize, track: TrackId, encodings: usize) {
        self.routers[at].publish(track);
        self.routers[at].set_encodings(track, encodings);
        self.settle();
    }

    pub(crate) fn subscribe(&mut self, at: usize, peer: u64, track: TrackId) {
        self.routers[at].subscribe(self.now, line(peer), track, Formats::ALL);
        self.settle();
    }

    pub(crate) fn pause(&mut self, at: usize, peer: u64) {
        self.routers[at].pause(self.now, line(peer));
        self.settle();
    }

    pub(crate) fn packet(&mut self, at: usize, track: TrackId, packet: Packet<'static>) {
        self.send(at, track, packet, false);
    }

    /// A packet that ends its picture, as its publisher says, or not.
    pub(crate) fn send(&mut self, at: usize, track: TrackId, packet: Packet<'static>, is_last: bool) {
        let original = packet.seq;
        let travelling = Travelling {
            track,
            packet,
            original,
            is_last,
        };
        self.routers[at].handle_packet(self.now, track, &packet);
        self.drain(at, Some(travelling));
        self.settle();
    }

    /// Lets everything arrive, and everything that follows from it.
    pub(crate) fn settle(&mut self) {
        (0..self.routers.len()).for_each(|at| self.drain(at, None));
        while let Some((from, to, parcel)) = self.under_way.pop_front() {
            let branch = BranchId(from as u64);
            match parcel {
                Parcel::Word(word) => {
                    self.heard.push((from, to, word));
                    self.routers[to].hear(self.now, branch, word);
                    self.drain(to, None);
                }
                Parcel::Packet(travelling) => {
                    let Travelling { track, packet, .. } = travelling;
                    *self.relayed.entry((from, to)).or_default() += 1;
                    *self.relayed_bytes.entry((from, to)).or_default() += packet.payload.len();
                    if self.routers[to].branch_of(track) == Some(branch) {
                        self.routers[to].handle_packet(self.now, track, &packet);
                        self.drain(to, Some(travelling));
                    }
                }
            }
        }
    }

    pub(crate) fn drain(&mut self, at: usize, packet: Option<Travelling>) {
        while let Some(output) = self.routers[at].poll_output() {
            match output {
                Output::Forward(forward) => {
                    let it = packet.expect("nothing else is forwarded");
                    self.got.push((forward.line, it.track, it.original, forward.seq));
                    self.ends.push(it.is_last || forward.ends_picture);
                }
                Output::Relay { branch, edit, .. } => {
                    let mut travelling = packet.expect("nothing else is passed on");
                    if let Some(edit) = edit {
                        travelling.packet.seq = edit.seq;
                        travelling.is_last |= edit.ends_picture;
                    }
                    self.under_way
                        .push_back((at, branch.0 as usize, Parcel::Packet(travelling)));
                }
                Output::Tell { branch, word } => {
                    self.under_way.push_back((at, branch.0 as usize, Parcel::Word(word)));
                }
                Output::RequestKeyframe { track, encoding } => self.asked.push((at, track, encoding)),
                Output::Wanted { track, encodings } => self.wanted.push((at, track, encodings)),
                _ => {}
            }
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(50);
            for at in 0..self.routers.len() {
                if self.routers[at].poll_timeout().is_some_and(|due| due <= self.now) {
                    self.routers[at].handle_timeout(self.now);
                    self.drain(at, None);
                }
            }
            self.settle();
        }
    }

    pub(crate) fn receivers(&self) -> Vec<u64> {
        self.got.iter().map(|(line, ..)| line.peer.0).collect()
    }
}
