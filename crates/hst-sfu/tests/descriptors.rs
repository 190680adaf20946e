//! A picture whose layers are in one stream, of which only dependency descriptors tell: its payload is encrypted.

use std::time::{Duration, Instant};

use hst_sfu::{Codec, Format, Formats, LineId, Output, Packet, PeerId, Router, TrackId};

const FRAME: Duration = Duration::from_millis(33);
/// It says nothing: read as AV1, each packet would begin a keyframe.
const SECRET: [u8; 500] = [0xff; 500];
/// The structure of two sizes with two frame rates each, in bits: the number of its first template and of its decode
/// targets, the layers of its templates, what their frames are to the targets, whom they need, and their chains.
const STRUCTURE: &[&str] = &[
    "000101 00011",
    "01 10 01 11",
    "10101111 00100011 00001010 00000010",
    "100100 100100 100100 100100",
    "10 1111 0001 0001 0001 0001 0001 0001 0001 0001",
    "0",
];
const FIRST_TEMPLATE: u8 = 5;

/// A packet as a receiver gets it.
#[derive(Debug)]
struct Got {
    peer: u64,
    seq: u64,
    spatial: u8,
    ends_picture: bool,
    frame: u16,
    descriptor: Vec<u8>,
}

/// Cameras that send in two sizes, and those who receive them, each on a line of his own.
struct House {
    now: Instant,
    router: Router,
    pictures: u32,
    /// The next number of each camera's packets, and of its frames.
    numbers: [(u16, u16); 2],
    is_keyframe_due: [bool; 2],
    /// How often one was asked for.
    keyframes: usize,
    got: Vec<Got>,
}

impl House {
    fn new() -> Self {
        let mut house = Self {
            now: Instant::now(),
            router: Router::new(),
            pictures: 0,
            numbers: [(100, 65_500), (7, 9)],
            is_keyframe_due: [true; 2],
            keyframes: 0,
            got: Vec::new(),
        };
        for track in 0..2 {
            house.router.publish(TrackId(track));
        }
        house
    }

    fn subscribe(&mut self, peer: u64, track: u64) {
        let line = LineId {
            peer: PeerId(peer),
            slot: 0,
        };
        self.router.subscribe(self.now, line, TrackId(track), Formats::ALL);
        self.drain(None);
    }

    fn view(&mut self, peer: u64, height: Option<u32>) {
        self.router.set_view(self.now, PeerId(peer), TrackId(0), height);
        self.drain(None);
    }

    fn run(&mut self, seconds: u64) -> Vec<Got> {
        self.got.clear();
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            self.pictures += 1;
            (0..2).for_each(|camera| self.take_picture(camera));
            self.now += FRAME;
            self.router.handle_timeout(self.now);
            self.drain(None);
        }
        std::mem::take(&mut self.got)
    }

    fn take_picture(&mut self, camera: usize) {
        let is_key = std::mem::take(&mut self.is_keyframe_due[camera]);
        let temporal = if is_key { 0 } else { (self.pictures % 2) as u8 };
        let track = TrackId(camera as u64);
        let sizes = [(320, 180), (640, 360)];
        for spatial in 0..2 {
            let (seq, frame) = self.numbers[camera];
            self.numbers[camera] = (seq.wrapping_add(2), frame.wrapping_add(1));
            // Each frame is of two packets.
            for (at, (starts, ends)) in [(true, false), (false, true)].into_iter().enumerate() {
                let brings_structure = is_key && spatial == 0 && starts;
                let descriptor = descriptor(starts, ends, spatial, temporal, frame, brings_structure);
                let packet = Packet {
                    encoding: 0,
                    ssrc: 1,
                    seq: seq.wrapping_add(at as u16),
                    timestamp: self.pictures * 2970,
                    codec: Codec::Av1,
                    format: Format::new(1).expect("a small number"),
                    dependency: Some(&descriptor),
                    level: None,
                    payload: &SECRET,
                };
                self.router.handle_packet(self.now, track, &packet);
                self.drain(Some((spatial, &descriptor)));
            }
        }
        self.router.set_sizes(track, 0, sizes.into_iter());
    }

    fn drain(&mut self, packet: Option<(u8, &[u8])>) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Forward(forward) => {
                    let (spatial, told) = packet.expect("only a packet is forwarded");
                    let patch = forward.descriptor.expect("it goes on to receivers");
                    let descriptor = patch.apply(told).expect("it is one");
                    self.got.push(Got {
                        peer: forward.line.peer.0,
                        seq: forward.seq,
                        spatial,
                        ends_picture: forward.ends_picture,
                        frame: u16::from_be_bytes([descriptor[1], descriptor[2]]),
                        descriptor,
                    });
                }
                Output::RequestKeyframe { track, .. } => {
                    self.keyframes += 1;
                    self.is_keyframe_due[track.0 as usize] = true;
                }
                _ => {}
            }
        }
    }
}

fn descriptor(starts: bool, ends: bool, spatial: u8, temporal: u8, frame: u16, brings_structure: bool) -> Vec<u8> {
    let template = FIRST_TEMPLATE + 2 * spatial + temporal;
    let mandatory = format!("{}{}{template:06b}{frame:016b}", u8::from(starts), u8::from(ends));
    let structure = match brings_structure {
        true => format!("10000{}", STRUCTURE.concat()),
        false => String::new(),
    };
    bytes(&(mandatory + &structure))
}

fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<_> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    let byte = |bits: &[u8]| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).copied().unwrap_or(0));
    bits.chunks(8).map(byte).collect()
}

/// Which decode targets the first packet of a later frame says to be there.
fn active(got: &Got) -> u8 {
    assert_eq!(got.descriptor.len(), 5, "{got:?}");
    assert_eq!(got.descriptor[3] >> 3, 0b01000, "nothing else is told: {got:?}");
    (got.descriptor[3] & 0b111) << 1 | got.descriptor[4] >> 7
}

/// Numbers have no gaps, and those of frames grow.
fn assert_goes_on(got: &[Got]) {
    for pair in got.windows(2) {
        let [before, it] = pair else { unreachable!() };
        assert_eq!(it.seq, before.seq + 1, "{pair:?}");
        let step = it.frame.wrapping_sub(before.frame);
        assert!(step < 8, "{pair:?}");
    }
}

#[test]
fn each_receiver_gets_his_layers_of_one_stream_and_is_told_which() {
    let mut house = House::new();
    house.subscribe(1, 0);
    house.subscribe(2, 0);
    house.run(2);
    let mut all: [Vec<Got>; 2] = Default::default();
    for (height, largest, targets) in [(Some(180), 0, 0b0011), (None, 1, 0b1111), (Some(100), 0, 0b0011)] {
        house.view(1, height);
        for wait in [true, false] {
            let (small, whole): (Vec<_>, Vec<_>) = house.run(1).into_iter().partition(|it| it.peer == 1);
            if !wait {
                assert!(small.iter().all(|it| it.spatial <= largest) && small.iter().any(|it| it.spatial == largest));
                for it in &small {
                    // Where larger ones are left out, the second packet of his ends the picture.
                    let ends_frame = it.descriptor[0] & 0x40 != 0;
                    assert_eq!(it.ends_picture, largest == 0 && ends_frame, "{it:?}");
                }
                let first_of_frame = |it: &&Got| it.descriptor[0] & 0x80 != 0 && it.descriptor.len() < 8;
                assert!(small.iter().filter(first_of_frame).all(|it| active(it) == targets));
                assert!(whole.iter().filter(first_of_frame).all(|it| active(it) == 0b1111));
                assert_eq!(whole.iter().filter(|it| it.spatial == 1).count() * 2, whole.len());
            }
            all[0].extend(small);
            all[1].extend(whole);
        }
    }
    all.iter().for_each(|got| assert_goes_on(got));
}

#[test]
fn a_line_that_goes_over_to_another_picture_goes_on_in_its_frame_numbers() {
    let mut house = House::new();
    house.subscribe(1, 0);
    let mut got = house.run(2);
    for track in [1, 0, 1] {
        house.subscribe(1, track);
        let next = house.run(1);
        assert!(
            next[0].descriptor.len() > 8,
            "it begins with its structure: {:?}",
            next[0]
        );
        got.extend(next);
    }
    assert_goes_on(&got);
}

#[test]
fn who_reads_no_descriptors_gets_the_smallest_size_which_he_can_show_without() {
    let mut house = House::new();
    let line = LineId {
        peer: PeerId(1),
        slot: 0,
    };
    let formats = Formats::ALL.with_descriptors(false);
    house.router.subscribe(house.now, line, TrackId(0), formats);
    let got = house.run(2);
    assert!(got.len() > 100 && got.iter().all(|it| it.spatial == 0));
    assert!(got.iter().all(|it| it.ends_picture == (it.descriptor[0] & 0x40 != 0)));
    assert_goes_on(&got);
    assert!(house.keyframes <= 2, "no larger one is waited for: {}", house.keyframes);
}
