//! A camera that sends three sizes and three frame rates in one stream, the router, and what comes out of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Format, Formats, Forward, LineId, Output, Packet, PeerId, Router, TrackId};

use self::descriptor::{descriptor, targets};

mod descriptor;

pub(crate) const CAMERA: TrackId = TrackId(1);
pub(crate) const FRAME: Duration = Duration::from_millis(33);
/// Bytes in a packet, and packets in a frame, by size: 150, 290 and 580 kbit/s or so.
const PACKET: usize = 600;
const PACKETS: [u8; 3] = [1, 2, 4];
/// The temporal layer of each picture in turn.
const PATTERN: [u8; 4] = [0, 2, 1, 2];

pub(crate) fn line(number: u64) -> LineId {
    LineId {
        peer: PeerId(number),
        slot: 0,
    }
}

/// A frame: one size of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) picture: u32,
    /// How many pictures there have been since the last keyframe.
    pub(crate) since_key: u32,
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    number: u16,
    timestamp: u32,
}

impl Frame {
    /// Which pictures it needs, by how far before its own they are. Each second time the first picture of the highest frame rate
    /// needs the last one of that, too: so who does not get those cannot take them up just there.
    fn needs(&self) -> &'static [u32] {
        match (self.since_key % 4, self.since_key) {
            (_, 0) => &[],
            (0, _) => &[4],
            (1, at) if at % 8 == 5 => &[1, 2],
            (2, _) => &[2],
            _ => &[1],
        }
    }

    /// Whether pictures of the highest frame rate behind it need none of those before it.
    fn is_clean(&self) -> bool {
        self.since_key % 8 != 4
    }
}

/// A packet as a receiver gets it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) line: LineId,
    pub(crate) at: Instant,
    pub(crate) frame: Frame,
    /// Which of the frame's packets it is.
    index: u8,
    seq: u64,
    timestamp: u32,
    /// The number of its frame, and which decode targets there are, as the receiver is told.
    number: Option<u16>,
    targets: Option<u32>,
    is_last: bool,
}

/// The camera with all that it is connected to.
pub(crate) struct Stream {
    codec: Codec,
    pub(crate) now: Instant,
    next_at: Instant,
    pub(crate) router: Router,
    pub(crate) pictures: u32,
    since_key: u32,
    seq: u16,
    number: u16,
    is_keyframe_due: bool,
    pub(crate) keyframes: usize,
    /// When a keyframe was asked for.
    pub(crate) requests: Vec<Instant>,
    pub(crate) got: Vec<Got>,
}

impl Stream {
    pub(crate) fn new(codec: Codec) -> Self {
        let now = Instant::now();
        let mut router = Router::new();
        router.publish(CAMERA);
        Self {
            codec,
            now,
            next_at: now,
            router,
            pictures: 0,
            since_key: 0,
            seq: 65_000,
            number: 65_500,
            is_keyframe_due: true,
            keyframes: 0,
            requests: Vec::new(),
            got: Vec::new(),
        }
    }

    pub(crate) fn subscribe(&mut self, number: u64) {
        self.router.subscribe(self.now, line(number), CAMERA, Formats::ALL);
        self.drain(None);
    }

    pub(crate) fn budget(&mut self, number: u64, kbps: u64) {
        self.router.set_budget(self.now, PeerId(number), Some(kbps * 1000));
        self.drain(None);
    }

    pub(crate) fn view(&mut self, number: u64, height: u32) {
        self.router.set_view(self.now, PeerId(number), CAMERA, Some(height));
        self.drain(None);
    }

    /// Lets exactly so much time pass, and gives what came in it.
    pub(crate) fn run(&mut self, time: Duration) -> &[Got] {
        let before = self.got.len();
        let end = self.now + time;
        while self.next_at < end {
            self.now = self.next_at;
            self.take_picture();
            self.next_at += FRAME;
            self.tick();
        }
        self.now = end;
        self.tick();
        &self.got[before..]
    }

    fn tick(&mut self) {
        if self.router.poll_timeout().is_some_and(|at| at <= self.now) {
            self.router.handle_timeout(self.now);
            self.drain(None);
        }
    }

    fn take_picture(&mut self) {
        let is_key = std::mem::take(&mut self.is_keyframe_due);
        self.keyframes += usize::from(is_key);
        self.since_key = if is_key { 0 } else { self.since_key + 1 };
        self.pictures += 1;
        for spatial in 0..3 {
            let frame = Frame {
                picture: self.pictures,
                since_key: self.since_key,
                spatial,
                temporal: PATTERN[self.since_key as usize % PATTERN.len()],
                number: self.number,
                timestamp: 0xffff_0000_u32.wrapping_add(self.pictures * 2970),
            };
            self.number = self.number.wrapping_add(1);
            let count = PACKETS[usize::from(spatial)];
            (0..count).for_each(|index| self.send(frame, index, index + 1 == count));
        }
        let sizes = [(320, 180), (640, 360), (1280, 720)];
        self.router.set_sizes(CAMERA, 0, sizes.into_iter());
    }

    fn send(&mut self, frame: Frame, index: u8, ends: bool) {
        let mut payload = vec![0xff; PACKET];
        let told = match self.codec {
            Codec::Vp9 => {
                describe(&frame, index == 0, ends, &mut payload);
                None
            }
            // Encrypted: only its descriptor says what it is.
            _ => Some(descriptor(&frame, index == 0, ends)),
        };
        let packet = Packet {
            encoding: 0,
            ssrc: 7,
            seq: self.seq,
            timestamp: frame.timestamp,
            codec: self.codec,
            format: Format::new(1).expect("a small number"),
            dependency: told.as_deref(),
            level: None,
            payload: &payload,
        };
        self.seq = self.seq.wrapping_add(1);
        self.router.handle_packet(self.now, CAMERA, &packet);
        let is_last = ends && frame.spatial == 2;
        self.drain(Some((frame, index, is_last, told.as_deref())));
    }

    fn drain(&mut self, packet: Option<(Frame, u8, bool, Option<&[u8]>)>) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Forward(Forward {
                    line,
                    seq,
                    timestamp,
                    ends_picture,
                    descriptor,
                    ..
                }) => {
                    let (frame, index, is_last, told) = packet.expect("only a packet is forwarded");
                    let told = told.map(|told| {
                        let patch = descriptor.expect("it goes on to receivers");
                        patch.apply(told).expect("it is one")
                    });
                    self.got.push(Got {
                        line,
                        at: self.now,
                        frame,
                        index,
                        seq,
                        timestamp,
                        number: told.as_ref().map(|it| u16::from_be_bytes([it[1], it[2]])),
                        targets: told.as_deref().filter(|_| index == 0).map(targets),
                        is_last: is_last || ends_picture,
                    });
                }
                Output::RequestKeyframe { .. } => {
                    self.requests.push(self.now);
                    self.is_keyframe_due = true;
                }
                Output::Rates { .. } | Output::Starved { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Writes a VP9 payload descriptor (RFC 9628 section 4.2).
fn describe(frame: &Frame, begins: bool, ends: bool, payload: &mut [u8]) {
    let is_inter = frame.since_key > 0;
    payload[0] = 0xa0 | u8::from(is_inter) << 6 | u8::from(begins) << 3 | u8::from(ends) << 2;
    payload[1..3].copy_from_slice(&(0x8000 | frame.picture as u16 & 0x7fff).to_be_bytes());
    let is_up = frame.temporal < 2 && frame.is_clean();
    payload[3] = frame.temporal << 5 | u8::from(is_up) << 4 | frame.spatial << 1 | u8::from(frame.spatial > 0);
    payload[4] = 0;
}

/// The packets of each picture that a receiver got.
pub(crate) fn pictures(got: &[Got]) -> impl Iterator<Item = &[Got]> {
    got.chunk_by(|one, next| one.frame.picture == next.frame.picture)
}

/// How large a picture is for its receiver.
pub(crate) fn size(picture: &[Got]) -> u8 {
    picture[picture.len() - 1].frame.spatial
}

/// Fails unless all that a receiver got is one stream without gaps, and a decoder can show it.
pub(crate) fn assert_decodable(got: &[Got]) {
    let first = &got[0];
    for (before, it) in got.iter().zip(&got[1..]) {
        assert_eq!(it.seq, before.seq + 1, "no gap: {before:?} {it:?}");
        // It is one source, so time runs as it does there.
        let ahead = |it: &Got| it.timestamp.wrapping_sub(it.frame.timestamp);
        assert_eq!(ahead(it), ahead(first), "{it:?}");
        let ahead = |it: &Got| it.number.map(|number| number.wrapping_sub(it.frame.number));
        assert_eq!(ahead(it), ahead(first), "{it:?}");
    }
    let mut shown = HashSet::new();
    let mut largest = 0;
    for picture in pictures(got) {
        let Frame {
            since_key, temporal, ..
        } = picture[0].frame;
        if since_key == 0 {
            shown.clear();
        } else {
            assert!(
                size(picture) <= largest,
                "a larger size begins at a keyframe: {picture:?}"
            );
        }
        largest = size(picture);
        for (number, it) in picture.iter().enumerate() {
            let Frame {
                picture: at, spatial, ..
            } = it.frame;
            assert_eq!(it.is_last, number + 1 == picture.len(), "its end is told: {it:?}");
            let is_there = |(picture, spatial): (u32, u8)| shown.contains(&(picture, spatial));
            assert!(it.index == 0 || picture[number - 1].index + 1 == it.index, "{it:?}");
            assert!(spatial == 0 || is_there((at, spatial - 1)), "its smaller size: {it:?}");
            let mut needs = it.frame.needs().iter();
            assert!(
                needs.all(|back| is_there((at - back, spatial))),
                "what it needs: {it:?}"
            );
            if it.index + 1 == PACKETS[usize::from(spatial)] {
                shown.insert((at, spatial));
            }
            if let Some(told) = it.targets {
                let upto = |top: u8| descriptor::mask(size(picture), top);
                assert!((temporal..3).any(|top| told == upto(top)), "{told:b} {it:?}");
                assert_eq!(Some(told), picture[0].targets, "{it:?}");
            }
        }
        let whole: usize = PACKETS[..=usize::from(largest)].iter().map(|&it| usize::from(it)).sum();
        assert_eq!(picture.len(), whole, "each of its sizes is whole: {picture:?}");
    }
}
