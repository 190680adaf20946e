use str0m::rtp::{RedEncoder, RedundantBlock};

use super::*;

fn packet(now: Instant) -> Media {
    let mut passed = Passed::default();
    passed.push(1, &[1]).expect("a kind that is passed on");
    Media {
        track: TrackId(u64::MAX - 7),
        format: Format::new(63).unwrap(),
        codec: Codec::Av1,
        encoding: 2,
        marker: true,
        seq: 65_535,
        number: 3,
        timestamp: 4_000_000_000,
        ssrc: 1,
        level: Some(127),
        descriptor: Some([1, 2, 3].into()),
        sizes: Some(Box::new(vec![vec![(320, 180), (640, 360)], vec![]])),
        red: None,
        passed: Arc::new(passed),
        payload: [7; 1200].into(),
        arrived: now,
        sampled: Sampled {
            at: now.checked_sub(Duration::from_millis(70)).unwrap(),
            timestamp: 4_000_000_000,
        },
    }
}

fn bytes_before(packet: &Media) -> usize {
    let mut bytes = Vec::new();
    write_packet(packet.arrived, packet, *RELAY_VERSIONS.end(), &mut bytes);
    bytes.len() - packet.payload.len()
}

fn there_and_back(now: Instant, content: &Content) -> Content {
    let mut bytes = Vec::new();
    write(now, content, *RELAY_VERSIONS.end(), &mut bytes);
    read(now, &bytes).expect("what was written")
}

#[test]
fn what_is_written_is_read_again() {
    let now = Instant::now();
    let track = TrackId(7);
    for word in [
        Word::Hello,
        Word::Want {
            track,
            encodings: Encodings::ALL,
            spatial: u8::MAX,
        },
        Word::Want {
            track,
            encodings: Encodings::ALL,
            spatial: 1,
        },
        Word::Want {
            track,
            encodings: Encodings::NONE,
            spatial: u8::MAX,
        },
        Word::Here { track, encodings: 3 },
        Word::Gone { track },
        Word::Keyframe { track, encoding: 1 },
    ] {
        let Content::Word(read) = there_and_back(now, &Content::Word(word)) else {
            panic!("{word:?} is a word")
        };
        assert_eq!(read, word);
    }
    let full = packet(now);
    let bare = Media {
        marker: false,
        number: 65_535,
        sampled: Sampled {
            at: now,
            ..full.sampled
        },
        level: None,
        descriptor: None,
        sizes: None,
        passed: Arc::default(),
        ..full.clone()
    };
    let repeat = RedundantBlock {
        pt: 111,
        timestamp_offset: 960,
        payload: vec![9; 40],
    };
    let payload: Arc<[u8]> = RedEncoder::encode(111, &[8; 40], &[repeat]).into();
    let redundant = Media {
        codec: Codec::Opus,
        red: Red::parse(&payload, 111.into()),
        payload,
        ..bare.clone()
    };
    assert!(redundant.red.is_some());
    for media in [full, bare, redundant] {
        let Content::Media(read) = there_and_back(now, &Content::Media(Arc::new(media.clone()))) else {
            panic!("a packet")
        };
        assert_eq!(*read, media);
    }
    let covered = Covered {
        track,
        encoding: 2,
        ssrc: 7,
        numbers: [65_535, 3, 100].into_iter().collect(),
    };
    let Content::Covered(read) = there_and_back(now, &Content::Covered(covered)) else {
        panic!("what is protected")
    };
    assert_eq!(read, covered);
}

/// Nodes of neighbouring versions write these: other bytes are another of the versions of links (`hst-cascade`).
#[test]
fn the_bytes_stay() {
    let now = Instant::now();
    let word = |kind: u8, rest: &[u8]| [&[kind, 0, 0, 0, 0, 0, 0, 0, 9], rest].concat();
    let packet = [
        &[
            16, 15, 63, 2, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0, 0, 0, 5, 0, 0, 0, 1, 127,
        ][..],
        &[3, 1, 2, 3, 2, 1, 1, 64, 0, 180, 0, 1, 1, 1, 1, 7, 7],
    ]
    .concat();
    // Numbered anew, and 70,000 µs late.
    let mut later = packet.clone();
    later[1] |= 32 | 64;
    later.splice(23..23, [0, 3, 0, 1, 17, 112]);
    let covered = [&[2, 0, 0, 0, 1, 0xff, 0xff][..], &[0; 15], &[5]].concat();
    for (version, bytes) in [
        (1, vec![1]),
        (1, word(2, &[5])),
        (1, word(3, &[3])),
        (1, word(4, &[])),
        (1, word(5, &[1])),
        (1, packet.clone()),
        (2, word(2, &[5])),
        (2, word(6, &[5, 1])),
        (2, packet.clone()),
        (3, packet.clone()),
        (3, later),
        (3, word(17, &covered)),
    ] {
        let mut written = Vec::new();
        write(now, &read(now, &bytes).unwrap(), version, &mut written);
        assert_eq!(written, bytes);
    }
    let Ok(Content::Media(media)) = read(now, &packet) else {
        panic!("a packet")
    };
    let read = (media.codec, media.encoding, media.marker, media.seq, media.timestamp);
    assert_eq!(read, (Codec::Av1, 2, true, 65_535, 5));
    assert_eq!(media.sizes.as_deref(), Some(&vec![vec![(320, 180)], vec![]]));
    assert_eq!(&media.payload[..], [7, 7]);
}

#[test]
fn who_speaks_the_first_version_is_asked_for_every_size() {
    let (track, encodings) = (TrackId(7), Encodings::ALL);
    let of = |spatial| {
        let word = Word::Want {
            track,
            encodings,
            spatial,
        };
        let mut bytes = Vec::new();
        write(Instant::now(), &Content::Word(word), 1, &mut bytes);
        bytes
    };
    assert_eq!(of(0), of(u8::MAX));
    assert_eq!(of(0), [WANT, 0, 0, 0, 0, 0, 0, 0, 7, 15]);
}

#[test]
fn who_speaks_an_older_version_is_told_nothing_that_he_does_not_know() {
    let now = Instant::now();
    let packet = packet(now);
    let as_usual = Media {
        number: packet.seq,
        sampled: Sampled {
            at: now,
            timestamp: packet.timestamp,
        },
        ..packet.clone()
    };
    let covered = Covered {
        track: TrackId(7),
        encoding: 0,
        ssrc: 7,
        numbers: [1].into_iter().collect(),
    };
    for version in [1, 2] {
        let of = |content: Content| {
            let mut bytes = Vec::new();
            write(now, &content, version, &mut bytes);
            bytes
        };
        let [it, usual] = [&packet, &as_usual].map(|media| of(Content::Media(Arc::new(media.clone()))));
        assert_eq!(it, usual);
        assert!(of(Content::Covered(covered)).is_empty());
    }
}

#[test]
fn what_is_cut_short_or_garbled_is_refused_or_something_else_but_no_fault() {
    let now = Instant::now();
    let mut bytes = Vec::new();
    let packet = packet(now);
    let header = bytes_before(&packet);
    write(
        now,
        &Content::Media(Arc::new(packet)),
        *RELAY_VERSIONS.end(),
        &mut bytes,
    );
    for len in 0..=header {
        assert!(read(now, &bytes[..len]).is_err(), "{len}");
    }
    for at in 0..header {
        for bit in 0..8 {
            let mut garbled = bytes.clone();
            garbled[at] ^= 1 << bit;
            let _ = read(now, &garbled);
        }
    }
    for bytes in [
        &[][..],
        &[0],
        &[99, 1],
        &[HELLO, 0],
        &[WANT, 0, 0, 0, 0, 0, 0, 0, 1, 16],
        &[WANT_UP_TO, 0, 0, 0, 0, 0, 0, 0, 1, 1],
        &[COVERED, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0],
        &[COVERED, 0, 0, 0, 0, 0, 0, 0, 1, 1],
    ] {
        assert!(read(now, bytes).is_err(), "{bytes:?}");
    }
}
