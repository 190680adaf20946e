use bytes::Bytes;

use super::{Packet, assemble::Assembler, packetize::packetize};
use crate::{Codec, Frame};

/// The packets of a frame, as the sending side makes them.
fn packets(codec: Codec, data: &[u8], timestamp: u32) -> Vec<Packet> {
    let payloads = packetize(codec, &Bytes::copy_from_slice(data), 5);
    let last = payloads.len() - 1;
    let packet = |(index, payload)| Packet {
        timestamp,
        marker: index == last,
        payload,
        ..Packet::default()
    };
    payloads.into_iter().enumerate().map(packet).collect()
}

fn push(assembler: &mut Assembler, packets: &[Packet]) -> Vec<Frame> {
    let mut frames = Vec::new();
    packets.iter().for_each(|packet| assembler.push(packet, &mut frames));
    frames
}

fn vp8(keyframe: bool, len: usize) -> Vec<u8> {
    std::iter::once(u8::from(!keyframe))
        .chain((1..len).map(|i| i as u8))
        .collect()
}

fn h264(keyframe: bool, len: usize) -> Vec<u8> {
    let slice = |header| std::iter::once(header).chain((1..len).map(|i| i as u8 | 1));
    let start = [0, 0, 0, 1];
    match keyframe {
        true => [&start[..], &[0x67, 9, 9, 9], &start, &[0x68, 8], &start]
            .concat()
            .into_iter()
            .chain(slice(0x65))
            .collect(),
        false => start.into_iter().chain(slice(0x41)).collect(),
    }
}

type Maker = fn(bool, usize) -> Vec<u8>;
const MAKERS: [(Codec, Maker); 2] = [(Codec::Vp8, vp8), (Codec::H264, h264)];

#[test]
fn times_count_from_the_first_frame_across_the_wrap() {
    let mut assembler = Assembler::new(Codec::Vp8);
    let start = u32::MAX - 4000;
    let mut times = Vec::new();
    for number in 0..4u32 {
        let frames = push(
            &mut assembler,
            &packets(Codec::Vp8, &vp8(number == 0, 50), start.wrapping_add(number * 3000)),
        );
        times.push(frames[0].time.as_micros());
    }
    assert_eq!(times, [0, 33_333, 66_666, 100_000]);
}

#[test]
fn a_hole_in_a_picture_costs_everything_up_to_the_next_keyframe() {
    for (codec, make) in MAKERS {
        let mut assembler = Assembler::new(codec);
        assert_eq!(push(&mut assembler, &packets(codec, &make(true, 3000), 0)).len(), 1);
        let broken = packets(codec, &make(false, 3000), 3000);
        assert!(push(&mut assembler, &broken[..1]).is_empty());
        assembler.lost();
        assert!(push(&mut assembler, &broken[2..]).is_empty(), "{codec}");
        assert!(assembler.needs_keyframe());
        assert!(
            push(&mut assembler, &packets(codec, &make(false, 100), 6000)).is_empty(),
            "{codec}"
        );
        let frames = push(&mut assembler, &packets(codec, &make(true, 2000), 9000));
        assert_eq!(frames[0].data, make(true, 2000), "{codec}");
        assert!(!assembler.needs_keyframe());
    }
}

#[test]
fn a_keyframe_without_its_beginning_is_none() {
    for (codec, make) in MAKERS {
        let mut assembler = Assembler::new(codec);
        let headless = packets(codec, &make(true, 3000), 0);
        assert!(push(&mut assembler, &headless[1..]).is_empty(), "{codec}");
        assert!(assembler.needs_keyframe());
        assert_eq!(
            push(&mut assembler, &packets(codec, &make(true, 3000), 3000)).len(),
            1,
            "{codec}"
        );
    }
}

#[test]
fn a_picture_without_an_end_mark_ends_where_the_next_begins() {
    for (codec, make) in MAKERS {
        let mut assembler = Assembler::new(codec);
        let mut unmarked = packets(codec, &make(true, 2000), 0);
        unmarked.iter_mut().for_each(|packet| packet.marker = false);
        assert!(push(&mut assembler, &unmarked).is_empty());
        let frames = push(&mut assembler, &packets(codec, &make(false, 2000), 3000));
        assert_eq!(
            [&frames[0].data[..], &frames[1].data[..]],
            [make(true, 2000), make(false, 2000)],
            "{codec}"
        );
    }
}

#[test]
fn descriptors_of_every_form_are_understood() {
    let picture = [&[0x10u8, 2, 3][..], &[4, 5]].concat();
    for descriptor in [
        &[0x10][..],
        &[0x90, 0x80, 7],
        &[0x90, 0x80, 0x81, 7],
        &[0x90, 0xe0, 0x81, 7, 1, 0x20],
        &[0x90, 0xf0, 7, 1, 0xe5],
    ] {
        let payload = [descriptor, &picture].concat().into();
        let packet = Packet {
            marker: true,
            payload,
            ..Packet::default()
        };
        let frames = push(&mut Assembler::new(Codec::Vp8), &[packet]);
        assert_eq!(frames[0].data, picture, "{descriptor:x?}");
    }
}

#[test]
fn no_payload_makes_it_panic() {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64; // xorshift
    let mut roll = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    };
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
        let mut assembler = Assembler::new(codec);
        for _ in 0..20_000 {
            let len = roll() % 12;
            let payload: Vec<u8> = (0..len)
                .map(|_| [24, 28, 0x90, 0xff, roll() as u8][roll() as usize % 5])
                .collect();
            let packet = Packet {
                marker: roll() % 2 == 0,
                timestamp: roll() as u32 % 8,
                payload: payload.into(),
                ..Packet::default()
            };
            push(&mut assembler, &[packet]);
            if roll() % 7 == 0 {
                assembler.lost();
            }
        }
    }
}
