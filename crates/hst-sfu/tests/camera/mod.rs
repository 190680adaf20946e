//! A camera that sends in layers, the router, and what comes out of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::{Duration, Instant};

use hst_sfu::{Codec, Encodings, Format, Formats, Forward, LineId, Output, Packet, PeerId, Rates, Router, TrackId};

pub(crate) const CAMERA: TrackId = TrackId(1);
pub(crate) const FRAME: Duration = Duration::from_millis(33);
/// Bytes in a packet, and packets in a picture, by encoding: 150, 480 and 1500 kbit/s or so.
pub(crate) const PACKET: usize = 600;
pub(crate) const PACKETS: [u16; 3] = [1, 3, 10];

pub(crate) fn peer(number: u64) -> PeerId {
    PeerId(number)
}

pub(crate) fn line(number: u64) -> LineId {
    LineId {
        peer: peer(number),
        slot: 0,
    }
}

/// The temporal layer of each picture in turn, and whether it needs only pictures of the lowest one.
pub(crate) const PATTERN: [(u8, bool); 4] = [(0, false), (2, true), (1, true), (2, false)];

/// A camera that sends VP8 in three encodings with three temporal layers each.
pub(crate) struct Camera {
    pub(crate) now: Instant,
    pub(crate) router: Router,
    pub(crate) pictures: u32,
    pub(crate) seqs: [u16; 3],
    /// Whether the next picture must be a keyframe.
    pub(crate) is_keyframe_due: [bool; 3],
    /// Where each is in the pattern, and how much of it there is.
    pub(crate) cycle: [usize; 3],
    pub(crate) pattern: usize,
    pub(crate) tl0: [u8; 3],
    /// What is sent, unless the network or the sender cannot.
    pub(crate) is_on: [bool; 3],
    pub(crate) follows_wishes: bool,
    pub(crate) wanted: Option<Encodings>,
    pub(crate) requests: usize,
    pub(crate) keyframes: usize,
    /// When a keyframe was asked for, and of which encoding.
    pub(crate) asked: Vec<(Instant, u8)>,
    /// How often an encoding that had come was not sent any more.
    pub(crate) stops: usize,
    is_stopped: [bool; 3],
    /// When the next picture is due.
    next_at: Instant,
    pub(crate) starved: Vec<(LineId, bool)>,
    pub(crate) rates: Option<Rates>,
    pub(crate) got: Vec<Got>,
}

/// A packet as a receiver gets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Got {
    pub(crate) line: LineId,
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) picture_id: u16,
    pub(crate) tl0: u8,
    pub(crate) encoding: u8,
    /// Number of the picture at the camera.
    pub(crate) picture: u32,
    pub(crate) temporal: u8,
    /// Which pictures of the camera's it needs: it is in the pattern at this place.
    pub(crate) place: usize,
    pub(crate) is_key: bool,
    pub(crate) begins: bool,
}

impl Camera {
    pub(crate) fn new() -> Self {
        let mut router = Router::new();
        router.publish(CAMERA);
        let now = Instant::now();
        Self {
            now,
            router,
            pictures: 0,
            seqs: [65_000, 10, 32_000],
            is_keyframe_due: [true; 3],
            cycle: [0; 3],
            pattern: PATTERN.len(),
            tl0: [250; 3],
            is_on: [true; 3],
            follows_wishes: true,
            wanted: None,
            requests: 0,
            keyframes: 0,
            asked: Vec::new(),
            stops: 0,
            is_stopped: [false; 3],
            next_at: now,
            starved: Vec::new(),
            rates: None,
            got: Vec::new(),
        }
    }

    pub(crate) fn subscribe(&mut self, number: u64) {
        self.router.subscribe(self.now, line(number), CAMERA, Formats::ALL);
        self.drain(None);
    }

    pub(crate) fn budget(&mut self, number: u64, kbps: u64) {
        self.router.set_budget(self.now, peer(number), Some(kbps * 1000));
        self.drain(None);
    }

    pub(crate) fn view(&mut self, number: u64, height: Option<u32>) {
        self.router.set_view(self.now, peer(number), CAMERA, height);
        self.drain(None);
    }

    pub(crate) fn tell_heights(&mut self) {
        for encoding in 0..3 {
            self.router
                .set_sizes(CAMERA, encoding, [(320 << encoding, 180 << encoding)].into_iter());
        }
    }

    /// Lets exactly so much time pass, in which pictures are taken; gives what came.
    pub(crate) fn run(&mut self, time: Duration) -> &[Got] {
        let before = self.got.len();
        let end = self.now + time;
        // A test may have put the clock forward itself.
        self.next_at = self.next_at.max(self.now);
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

    pub(crate) fn take_picture(&mut self) {
        self.pictures += 1;
        for encoding in 0..3 {
            let is_wanted = self.wanted.is_none_or(|wanted| wanted.contains(encoding as u8));
            let is_sent = self.is_on[encoding] && (is_wanted || !self.follows_wishes);
            if is_sent {
                self.send(encoding);
            } else {
                // An encoder that starts again starts with a keyframe.
                self.is_keyframe_due[encoding] = true;
            }
            let was_stopped = std::mem::replace(&mut self.is_stopped[encoding], !is_sent);
            self.stops += usize::from(!is_sent && !was_stopped);
        }
    }

    pub(crate) fn send(&mut self, encoding: usize) {
        let is_key = std::mem::take(&mut self.is_keyframe_due[encoding]);
        self.cycle[encoding] = if is_key {
            0
        } else {
            (self.cycle[encoding] + 1) % self.pattern
        };
        let place = self.cycle[encoding];
        let (temporal, is_sync) = PATTERN[place];
        self.keyframes += usize::from(is_key);
        if temporal == 0 {
            self.tl0[encoding] = self.tl0[encoding].wrapping_add(1);
        }
        let picture_id = (self.pictures as u16).wrapping_add(1000 * encoding as u16) & 0x7fff;
        for at in 0..PACKETS[encoding] {
            let mut payload = vec![0; PACKET];
            payload[0] = 0x80 | if at == 0 { 0x10 } else { 0 };
            payload[1] = 0xe0;
            payload[2..4].copy_from_slice(&(0x8000 | picture_id).to_be_bytes());
            payload[4] = self.tl0[encoding];
            payload[5] = temporal << 6 | u8::from(is_sync) << 5;
            payload[6] = u8::from(!is_key);
            let packet = Packet {
                encoding: encoding as u8,
                ssrc: 100 + encoding as u32,
                seq: self.seqs[encoding],
                timestamp: (self.pictures * 2970).wrapping_add(0xf000_0000_u32.wrapping_mul(encoding as u32)),
                codec: Codec::Vp8,
                format: Format::new(1).expect("a small number"),
                dependency: None,
                level: None,
                payload: &payload,
            };
            self.seqs[encoding] = self.seqs[encoding].wrapping_add(1);
            self.router.handle_packet(self.now, CAMERA, &packet);
            self.drain(Some(Got {
                line: line(0),
                seq: 0,
                timestamp: 0,
                picture_id,
                tl0: self.tl0[encoding],
                encoding: encoding as u8,
                picture: self.pictures,
                temporal,
                place,
                is_key,
                begins: at == 0,
            }));
        }
    }

    /// The camera's encodings that are of use.
    pub(crate) fn wanted(&self) -> Vec<u8> {
        let wanted = self.wanted.expect("it was told");
        (0..3).filter(|&encoding| wanted.contains(encoding)).collect()
    }

    pub(crate) fn drain(&mut self, packet: Option<Got>) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Forward(Forward {
                    line,
                    seq,
                    timestamp,
                    vp8,
                    ..
                }) => {
                    let packet = packet.expect("only a packet is forwarded");
                    let picture_id = vp8.and_then(|ids| ids.picture_id).unwrap_or(packet.picture_id);
                    let tl0 = vp8.and_then(|ids| ids.tl0_pic_idx).unwrap_or(packet.tl0);
                    self.got.push(Got {
                        line,
                        seq,
                        timestamp,
                        picture_id,
                        tl0,
                        ..packet
                    });
                }
                Output::RequestKeyframe { encoding, .. } => {
                    self.requests += 1;
                    self.asked.push((self.now, encoding));
                    self.is_keyframe_due[usize::from(encoding)] = true;
                }
                Output::Wanted { encodings, .. } => self.wanted = Some(encodings),
                Output::Starved { line, is_starved, .. } => self.starved.push((line, is_starved)),
                Output::Rates { rates, .. } => self.rates = Some(rates),
                other => panic!("{other:?}"),
            }
        }
    }
}
