//! RTCP of every shape under the right keys, and data channels that nobody has agreed to.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{effort::Effort, forger::Forger, *};

/// An RTCP packet (RFC 3550 section 6.4.1): `len` is what it says of itself, in words after the first.
fn report(first: u8, kind: u8, len: u16, body: &[u8]) -> Vec<u8> {
    [&[first, kind], &len.to_be_bytes()[..], body].concat()
}

#[test]
fn r9_every_report_of_every_count_and_length_harms_nothing() {
    let mut pair = Pair::connected();
    let mut forger = Forger::new();
    let ssrc = pair.draft(0).ssrc.to_be_bytes();
    for kind in 192..=223 {
        for count in 0..32 {
            for words in [0_u16, 1, 2, 5, 12, 40] {
                let mut body = vec![0xff; usize::from(words) * 4];
                body.iter_mut().zip(ssrc).for_each(|(byte, of)| *byte = of);
                body.resize(body.len().max(4), 0);
                for claimed in [words, words.wrapping_sub(1), words + 1, u16::MAX] {
                    let report = report(0x80 | count, kind, claimed, &body);
                    pair.receive(&forger.rtcp(&report));
                }
                pair.outbox.take();
            }
        }
        assert_eq!(pair.lost(), None, "{kind}");
    }
    pair.goes_on_at(1);
}

#[test]
fn r9_a_goodbye_of_anybodys_source_ends_nobodys_stream() {
    let mut pair = Pair::connected();
    let mut forger = Forger::new();
    pair.video(1, 100);
    let own = pair.draft(0).ssrc;
    for source in [1, own, u32::MAX] {
        let goodbye = report(0x81, 203, 1, &source.to_be_bytes());
        pair.receive(&forger.rtcp(&goodbye));
    }
    pair.happenings.clear();
    pair.goes_on_at(2);
}

#[test]
fn r9_a_report_of_a_thousand_parts_is_read_in_time() {
    let mut pair = Pair::connected();
    let mut forger = Forger::new();
    let own = pair.draft(0).ssrc.to_be_bytes();
    for part in [
        report(0x80, 201, 1, &own),
        report(0x81, 206, 2, &[own, own].concat()),
        report(0x81, 203, 1, &own),
        report(0x81, 205, 3, &[&own[..], &own, &[0, 1, 0xff, 0xff]].concat()),
    ] {
        let effort = Effort::begin();
        pair.receive(&forger.rtcp(&part.repeat(1_000)));
        assert!(effort.so_far() < Duration::from_secs(1), "{:?}", effort.so_far());
        pair.happenings.clear();
    }
    pair.goes_on_at(1);
}

#[test]
fn r3_r12_changed_and_repeated_reports_under_the_right_keys_harm_nothing() {
    let mut pair = Pair::connected();
    let mut forger = Forger::new();
    let own = pair.draft(0).ssrc.to_be_bytes();
    let mut dice = StdRng::seed_from_u64(12);
    for round in 0..20_000 {
        let mut compound = Vec::new();
        for _ in 0..dice.random_range(1..4) {
            let words = dice.random_range(1..20);
            let mut body = vec![0; words * 4];
            dice.fill(&mut body[..]);
            body[..4].copy_from_slice(&own);
            let kind = dice.random_range(200..=207);
            compound.extend(report(0x80 | dice.random_range(0..32), kind, words as u16, &body));
        }
        for _ in 0..dice.random_range(0..3) {
            let at = dice.random_range(0..compound.len());
            compound[at] = dice.random();
        }
        let packet = forger.rtcp(&compound);
        for _ in 0..2 {
            pair.receive(&packet);
        }
        pair.now += Duration::from_micros(dice.random_range(0..200));
        pair.outbox.take();
        assert_eq!(pair.lost(), None, "round {round}");
        pair.happenings.clear();
    }
}

#[test]
fn r15_clocks_that_jump_in_sender_reports_harm_nothing() {
    let mut pair = Pair::connected();
    let mut forger = Forger::new();
    let own = pair.draft(0).ssrc;
    for (seq, time) in (1..2_000).zip([0, 1, u64::MAX, 1 << 63, (1 << 63) - 1].into_iter().cycle()) {
        let stamp = (time as u32).rotate_left(seq);
        let mut body = own.to_be_bytes().to_vec();
        body.extend(time.to_be_bytes());
        body.extend(stamp.to_be_bytes());
        body.extend([0xff; 8]);
        pair.receive(&forger.rtcp(&report(0x80, 200, 6, &body)));
        pair.video(u64::from(seq), 50);
        pair.now += Duration::from_millis(10);
        pair.outbox.take();
        assert_eq!(pair.media(), 1);
    }
    pair.goes_on_at(2_000);
}

/// An SCTP packet (RFC 9260 section 3) of these chunks; its sum is right.
fn sctp(tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut packet = [
        &5000_u16.to_be_bytes()[..],
        &5000_u16.to_be_bytes(),
        &tag.to_be_bytes(),
        &[0; 4],
        chunks,
    ]
    .concat();
    let sum = !packet.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    });
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    packet
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = [&[kind, flags], &(value.len() as u16 + 4).to_be_bytes()[..], value].concat();
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

#[test]
fn r16_data_channels_that_nobody_agreed_to_open_nothing_and_harm_nothing() {
    let mut pair = Pair::connected();
    let mut dice = StdRng::seed_from_u64(16);
    let word = u32::to_be_bytes;
    let init = [word(7), word(1 << 17), [0xff; 4], word(1)].concat();
    let mut packets = vec![
        sctp(0, &chunk(1, 0, &init)),
        vec![0; 1100],
        vec![],
        sctp(7, &chunk(6, 0, &[])),
    ];
    for stream in [0_u16, 1, 2, 1023, 65_534, 65_535] {
        let open = [
            &word(1)[..],
            &stream.to_be_bytes(),
            &[0, 0],
            &word(50),
            &[3, 0, 0, 0],
            &[0; 8],
        ]
        .concat();
        let reset = [&[0, 13, 0, 18][..], &word(1), &word(1), &word(1), &stream.to_be_bytes()].concat();
        packets.extend([
            sctp(7, &chunk(0, 3, &open)),
            sctp(7, &chunk(0, 3, &open)),
            sctp(7, &chunk(130, 0, &reset)),
        ]);
    }
    for _ in 0..3_000 {
        let mut value = vec![0; dice.random_range(0..80)];
        dice.fill(&mut value[..]);
        let kind = if dice.random() {
            dice.random_range(0..16)
        } else {
            dice.random()
        };
        packets.push(sctp(dice.random_range(0..3), &chunk(kind, dice.random(), &value)));
    }
    for packet in packets {
        spy::say(packet);
        let now = pair.now;
        pair.tell(Input::Timeout(now));
        pair.exchange();
        assert_eq!(pair.lost(), None);
    }
    pair.goes_on_at(1);
}
