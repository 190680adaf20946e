use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Counters, Echo, Incoming, Outgoing, Packet, assemble::Assembler, packetize::packetize};
use crate::{Codec, Direction, Frame, FrameReader, Kind, LineId, LineStats};

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

/// The next frame, if it is there.
fn now(reader: &mut Box<dyn FrameReader>) -> Option<Frame> {
    match reader.read().as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(frame) => frame,
        Poll::Pending => None,
    }
}

/// A voice of so many sounds over a path that loses this share of them: how many come out, and how many packets count as lost.
fn hear(rate: f64, is_redundant: bool) -> (usize, u64) {
    const PT: u8 = 111;
    let (mut at, counters) = (Instant::now(), Arc::new(Counters::default()));
    let (mut incoming, mut reader) = Incoming::new(Codec::Opus, counters.clone());
    let (mut stream, mut echo) = (Outgoing::new(Codec::Opus, 65_000), Echo::default());
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64; // xorshift
    let mut is_lost = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % 1000) as f64 / 1000.0 < rate
    };
    let mut heard = Vec::new();
    for number in 0..1000_u32 {
        at += Duration::from_millis(20);
        let frame = Frame {
            data: [&[0xfc][..], &number.to_be_bytes()].concat().into(),
            time: Duration::from_millis(20) * number,
            duration: Duration::from_millis(20),
            keyframe: true,
            level: None,
        };
        for mut packet in stream.packets(at, u32::MAX - 10_000, &frame) {
            packet.sequence %= 1 << 16;
            if is_redundant {
                packet.payload = echo.payload(packet.timestamp, &packet.payload, PT);
            }
            match (number > 0 && is_lost(), is_redundant) {
                (true, _) => {}
                (false, true) => incoming.take_redundant(at, packet, PT),
                (false, false) => incoming.take(at, packet),
            }
        }
        incoming.advance(at);
        while let Some(frame) = now(&mut reader) {
            let number = u32::from_be_bytes(frame.data[1..].try_into().unwrap());
            assert!(frame.time.abs_diff(Duration::from_millis(20) * number) < Duration::from_micros(50));
            heard.push(number);
        }
    }
    assert!(heard.is_sorted_by(|one, next| one < next), "in order, and each once");
    let line = LineStats::new(LineId(0), Direction::Receive, Kind::Audio);
    (heard.len(), counters.fill(line).lost)
}

#[test]
fn what_is_repeated_is_heard_although_it_was_lost() {
    for (rate, misses) in [(0.05, 3), (0.1, 6), (0.2, 20)] {
        let (plain, lost) = hear(rate, false);
        let (heard, lost_too) = hear(rate, true);
        println!("{rate}: {plain} of 1000 are heard, and {heard} with repeats");
        assert!((1000 - plain) as f64 > rate * 700.0, "{plain}");
        assert!(1000 - heard <= misses, "{heard}");
        // Nobody is told that the network loses less.
        assert!(lost_too.abs_diff(lost) < 4, "{lost_too} are not {lost}");
    }
    assert_eq!(hear(0.0, true), (1000, 0));
}

#[test]
fn a_packet_that_comes_behind_its_repeat_is_heard_once() {
    let (at, counters) = (Instant::now(), Arc::new(Counters::default()));
    let (mut incoming, mut reader) = Incoming::new(Codec::Opus, counters.clone());
    let mut echo = Echo::default();
    let packets: Vec<_> = (0..4_u8)
        .map(|number| {
            let (timestamp, sound) = (u32::from(number) * 960, Bytes::from(vec![0xfc, number]));
            Packet {
                sequence: number.into(),
                timestamp,
                payload: echo.payload(timestamp, &sound, 111),
                ..Packet::default()
            }
        })
        .collect();
    for number in [0, 3, 1, 2, 3] {
        incoming.take_redundant(at, packets[number].clone(), 111);
        incoming.advance(at);
    }
    // One that is damaged is taken for padding.
    let damaged = Packet {
        sequence: 4,
        payload: Bytes::from_static(&[0xef, 1]),
        ..Packet::default()
    };
    incoming.take_redundant(at, damaged, 111);
    incoming.advance(at);
    for number in 0..4 {
        let frame = now(&mut reader).unwrap();
        assert_eq!(frame.data[1], number);
    }
    assert!(now(&mut reader).is_none());
    let line = counters.fill(LineStats::new(LineId(0), Direction::Receive, Kind::Audio));
    assert_eq!((line.packets, line.lost), (5, 0), "nothing is lost");
}
