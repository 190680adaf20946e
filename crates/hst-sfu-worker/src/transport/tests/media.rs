//! RTP of every shape, from somebody who can send in the client's name and from a client that holds to nothing.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    forger::{Draft, Forger},
    *,
};

/// The id of the header extension that names the line (`a=extmap`, as str0m numbers it).
const MID: u8 = 4;
/// That of the numbers over all streams, of which feedback is given.
const NUMBER: u8 = 3;

fn one_byte(id: u8, value: &[u8]) -> Vec<u8> {
    [&[id << 4 | (value.len() as u8 - 1)], value].concat()
}

impl Pair {
    /// How many sources are known, and how many ever were.
    fn sources(&self) -> (usize, usize) {
        self.transport.ingress.sources.count()
    }

    /// A packet of the camera that names its line, from this source.
    fn of_source(&mut self, ssrc: u32, seq: u16) -> Draft {
        let mid = self.camera.to_string();
        let draft = self.draft(seq);
        Draft { ssrc, ..draft }.extended(&one_byte(MID, mid.as_bytes()))
    }
}

#[test]
fn r1_datagrams_of_every_length_in_the_clients_name_harm_nothing() {
    for mut pair in [Pair::new(), Pair::connected()] {
        let good = pair.draft(1).bytes();
        for first in [0x80, 0x90, 0x9f, 0xa0, 0xaf, 0xbf] {
            for second in [good[1], good[1] | 0x80, 200, 201, 202, 203, 204, 205, 206, 207] {
                for len in 0..=200 {
                    let mut bytes = vec![0xff; len.max(12)];
                    bytes[..2].copy_from_slice(&[first, second]);
                    bytes[8..12].copy_from_slice(&good[8..12]);
                    pair.receive(&bytes[..len]);
                }
            }
        }
        assert_eq!((pair.media(), pair.sources()), (0, (0, 0)));
        pair.goes_on_at(1);
    }
}

#[test]
fn r2_r14_a_million_packets_that_are_not_signed_are_dropped_and_the_call_goes_on() {
    let mut pair = Pair::connected();
    pair.video(1, 500);
    assert_eq!(pair.media(), 1);
    let mut dice = StdRng::seed_from_u64(2);
    let mut packet = pair.draft(2).bytes();
    for number in 0..1_000_000_u32 {
        let tag = packet.len() - 16;
        dice.fill(&mut packet[tag..]);
        // What a receiver would take for the next, for one of long ago, and for a report.
        packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        packet[1] = if number % 5 == 0 { 200 } else { 96 };
        pair.receive(&packet);
        pair.now += Duration::from_micros(10);
    }
    assert_eq!((pair.lost(), pair.media()), (None, 0));
    pair.goes_on_at(2);
}

#[test]
fn r2_r7_sources_that_are_made_up_in_the_clients_name_do_not_count_as_his() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    for ssrc in 0..10_000 {
        let mut packet = forger.rtp(&pair.of_source(ssrc, 1).bytes(), 0);
        let end = packet.len() - 1;
        packet[end] ^= 1;
        pair.receive(&packet);
    }
    assert_eq!((pair.media(), pair.sources()), (0, (0, 0)));
    pair.goes_on_at(1);
}

#[test]
fn r2_r7_nobody_takes_a_line_from_its_source_in_the_clients_name() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let draft = pair.draft(1);
    assert!(pair.takes(&forger, &draft));
    let mut forged = forger.rtp(&pair.of_source(666, 1).bytes(), 0);
    let end = forged.len() - 1;
    forged[end] ^= 1;
    pair.receive(&forged);
    let draft = pair.draft(2);
    assert!(
        pair.takes(&forger, &draft),
        "a browser names the line only in the beginning"
    );
}

#[test]
fn r3_what_was_received_is_received_once() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let packets: Vec<_> = (0..10_200)
        .map(|seq| {
            let draft = pair.draft(seq);
            forger.rtp(&draft.bytes(), 0)
        })
        .collect();
    // One comes 100 later than it should.
    let late = 10_000;
    for (at, packet) in packets.iter().enumerate() {
        if at != late {
            pair.receive(packet);
        }
        if at == late + 100 {
            pair.receive(&packets[late]);
        }
    }
    assert_eq!(pair.media(), packets.len());
    for distance in (1..=200).chain([1_000, 10_000]) {
        pair.receive(&packets[packets.len() - distance]);
        assert_eq!(pair.media(), 0, "{distance}");
    }
    pair.goes_on_at(10_200);
}

#[test]
fn r4_numbers_roll_over_three_times_under_loss_and_nothing_else_is_lost() {
    for first in [65_500_u64, 0] {
        let mut pair = Pair::connected();
        let forger = Forger::new();
        let mut dice = StdRng::seed_from_u64(first);
        let mut seq = first;
        while seq < 4 << 16 {
            let mut draft = pair.draft(seq as u16);
            draft.timestamp = (seq * 3000) as u32;
            if !dice.random_bool(0.1) {
                pair.receive(&forger.rtp(&draft.bytes(), (seq >> 16) as u32));
                assert_eq!(pair.media(), 1, "{seq}");
            }
            // Close to the end of the numbers each one is sent, and elsewhere many are lost in a row.
            let to_the_end = 0xffff - (seq & 0xffff);
            seq += if to_the_end > 300 && to_the_end < 65_300 {
                dice.random_range(1..200)
            } else {
                1
            };
        }
        // Another source takes over, and the first one comes back where it was.
        let [other, mut again] = [pair.of_source(77, 65_500), pair.draft(seq as u16)];
        assert!(pair.takes(&forger, &other));
        let mid = pair.camera.to_string();
        again = again.extended(&one_byte(MID, mid.as_bytes()));
        pair.receive(&forger.rtp(&again.bytes(), (seq >> 16) as u32));
        assert_eq!(pair.media(), 1);
    }
}

#[test]
fn r5_padding_extensions_and_sources_that_claim_too_much_harm_nothing() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut seq = 0;
    for len in [0, 1, 2, 40, 255] {
        for pad in [0, 1, 2, len as u8, (len as u8).wrapping_add(1), 254, 255] {
            seq += 1;
            let mut draft = pair.draft(seq);
            draft.first |= 0x20;
            draft.payload = vec![pad; len];
            let passes = pair.takes(&forger, &draft);
            assert!(!passes || usize::from(pad) < len, "{pad} of {len} bytes");
        }
    }
    for words in (0..200).chain([255, 256, 1_000, 16_384, 65_535_u16]) {
        for count in 0..=15 {
            for len in [0, 1, 4, 60, 300] {
                seq += 1;
                let mut draft = pair.draft(seq);
                draft.first |= 0x10 | count;
                draft.payload = [&[0xbe, 0xde][..], &words.to_be_bytes(), &vec![0x10; len]].concat();
                pair.takes(&forger, &draft);
            }
        }
    }
    assert_eq!(pair.lost(), None);
    pair.goes_on_at(u64::from(seq) + 1);
}

#[test]
fn r6_header_extensions_of_every_form_harm_nothing() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut dice = StdRng::seed_from_u64(6);
    let mut seq = 0;
    let mut send = |pair: &mut Pair, profile: u16, body: Vec<u8>, claimed: Option<u16>| {
        seq += 1;
        let mut draft = pair.draft(seq);
        draft.first |= 0x10;
        let words = claimed.unwrap_or(body.len() as u16 / 4);
        draft.more = [&profile.to_be_bytes()[..], &words.to_be_bytes(), &body].concat();
        pair.takes(&forger, &draft)
    };
    // One byte: each id with each length, alone and twice, whole and past the end. Id 15 ends them.
    for id in 0..=15 {
        for len in 0..=15 {
            let element = [vec![id << 4 | len], vec![0xa5; usize::from(len) + 1]].concat();
            for mut body in [element.clone(), [element.clone(), element].concat()] {
                body.resize(body.len().next_multiple_of(4), 0);
                send(&mut pair, 0xbede, body.clone(), None);
                body.truncate(4);
                send(&mut pair, 0xbede, body, None);
            }
        }
    }
    // Two bytes, of which the profile has sixteen forms, and one that is neither.
    for profile in (0x1000..=0x100f).chain([0, 0xffff]) {
        for id in [0, 1, 4, 14, 15, 16, 255] {
            for len in [0, 1, 3, 16, 200, 255] {
                let mut body = [vec![id, len], vec![0xa5; usize::from(len)]].concat();
                body.resize(body.len().next_multiple_of(4), 0);
                send(&mut pair, profile, body.clone(), None);
                body.truncate(4);
                send(&mut pair, profile, body, None);
            }
        }
    }
    for _ in 0..5_000 {
        let profile = if dice.random() { 0xbede } else { 0x1000 };
        let mut body = vec![0; 4 * dice.random_range(0..20)];
        dice.fill(&mut body[..]);
        send(&mut pair, profile, body, None);
    }
    assert!(send(&mut pair, 0xbede, vec![0; 4], None), "zeros are padding");
    assert!(!send(&mut pair, 0xbede, vec![0; 4], Some(9_999)));
    assert_eq!(pair.lost(), None);
    pair.goes_on_at(u64::from(seq) + 1);
}

#[test]
fn r11_numbers_over_all_streams_that_jump_cost_the_client_itself_at_most() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut dice = StdRng::seed_from_u64(11);
    for seq in 0..3_000 {
        let number: u16 = dice.random();
        let draft = pair.draft(seq).extended(&one_byte(NUMBER, &number.to_be_bytes()));
        pair.takes(&forger, &draft);
        pair.now += Duration::from_millis(1);
        pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
        pair.outbox.take();
    }
    assert_eq!(pair.lost(), None);
}

#[test]
fn r7_one_source_for_two_lines_is_that_of_the_first() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut api = pair.client.sdp_api();
    let other = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let (offer, pending) = api.apply().expect("an offer");
    let lines = [(pair.camera, 1), (other, 2)]
        .map(|(mid, track)| Line::new(mid.to_string(), LineRole::Send { track: TrackId(track) }));
    let offer = parse(&offer.to_sdp_string(), &lines).expect("readable");
    let (answer, _) = pair.transport.negotiate(pair.now, offer).expect("an answer");
    pair.accept(pending, &answer.to_sdp_string());
    let of = |pair: &mut Pair, ssrc: Option<u32>, seq: u16, mid: Mid| {
        let draft = pair.draft(seq);
        let ssrc = ssrc.unwrap_or(draft.ssrc);
        let draft = Draft { ssrc, ..draft }.extended(&one_byte(MID, mid.to_string().as_bytes()));
        pair.receive(&forger.rtp(&draft.bytes(), 0));
        let of = |happening| match happening {
            Happening::Media(media) => Some(media.track),
            _ => None,
        };
        pair.happenings.drain(..).find_map(of)
    };
    let (camera, first, second) = (pair.camera, Some(TrackId(1)), Some(TrackId(2)));
    assert_eq!(of(&mut pair, None, 1, camera), first);
    for seq in 2..100 {
        let mid = [camera, other][usize::from(seq % 2)];
        assert_eq!(of(&mut pair, None, seq, mid), first, "whatever line it names");
    }
    assert_eq!(pair.sources(), (1, 1));
    assert_eq!(of(&mut pair, Some(77), 1, other), second, "a source of its own");
    assert_eq!(of(&mut pair, Some(77), 2, camera), second);
    assert_eq!(pair.sources(), (2, 2));
}

#[test]
fn r7_a_source_belongs_to_the_line_that_had_it_first() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let draft = pair.draft(1);
    assert!(pair.takes(&forger, &draft));
    assert_eq!(pair.sources(), (1, 1));
    // The same source under the name of another line, and under no line's name.
    for (seq, mid) in (2..).zip(["nobody", "0", "zzz"]) {
        let draft = pair.draft(seq).extended(&one_byte(MID, mid.as_bytes()));
        assert!(pair.takes(&forger, &draft), "{mid}");
        assert_eq!(pair.sources(), (1, 1));
    }
    // It goes on as another source in the middle.
    let draft = pair.of_source(99, 1);
    assert!(pair.takes(&forger, &draft));
    assert_eq!(pair.sources(), (2, 2));
}

#[test]
fn r8_what_was_not_agreed_is_dropped_and_nothing_is_kept_of_it() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut seq = 0;
    for ssrc in 1..3_000 {
        seq += 1;
        let mut draft = pair.draft(seq);
        // Without a line's name, and with that of none.
        draft.ssrc = ssrc;
        assert!(!pair.takes(&forger, &draft));
        assert!(!pair.takes(&forger, &draft.extended(&one_byte(MID, b"nobody"))));
    }
    for payload_type in (0..64).chain(96..=127) {
        seq += 1;
        let good = pair.draft(seq);
        let known = pair.client.codec_config().iter();
        let is_known = known
            .flat_map(|it| [Some(it.pt()), it.resend()])
            .flatten()
            .any(|pt| *pt == payload_type);
        let draft = Draft { payload_type, ..good };
        assert!(is_known || !pair.takes(&forger, &draft), "{payload_type}");
    }
    assert!(pair.sources() <= (1, 1), "{:?}", pair.sources());
    pair.goes_on_at(u64::from(seq) + 1);
}

#[test]
fn r12_r13_changed_packets_under_the_right_keys_harm_nothing() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut dice = StdRng::seed_from_u64(12);
    let types: Vec<u8> = pair
        .client
        .codec_config()
        .iter()
        .flat_map(|it| [Some(it.pt()), it.resend()])
        .flatten()
        .map(|pt| *pt)
        .collect();
    for seq in 0..20_000 {
        let mut draft = if seq % 2 == 0 {
            pair.draft(seq)
        } else {
            pair.of_source(u32::from(seq % 8), seq)
        };
        draft.payload_type = types[dice.random_range(0..types.len())];
        draft.payload.resize(dice.random_range(0..60), 0);
        dice.fill(&mut draft.payload[..]);
        let mut bytes = draft.bytes();
        for _ in 0..dice.random_range(0..4) {
            let at = dice.random_range(0..bytes.len());
            bytes[at] = dice.random();
        }
        if dice.random_bool(0.1) {
            bytes.truncate(dice.random_range(12..=bytes.len().max(12)));
        }
        pair.receive(&forger.rtp(&bytes, 0));
        pair.now += Duration::from_micros(dice.random_range(0..2_000));
        assert!(
            !matches!(pair.lost(), Some(LostReason::Fault | LostReason::Failed)),
            "packet {seq}"
        );
        pair.happenings.clear();
    }
}

#[test]
fn r15_media_of_a_clock_that_stands_or_races_harm_nothing() {
    for rate in ["0", "1", "4294967295"] {
        let offered = Pair::refusable(|config| config, |sdp| sdp.replace("VP8/90000", &format!("VP8/{rate}")));
        // It may be refused as well.
        let Ok(mut pair) = offered else { continue };
        pair.run(Duration::from_secs(1));
        let forger = Forger::new();
        for seq in 0..500 {
            let mut draft = pair.draft(seq);
            draft.timestamp = [0, 1 << 31, u32::MAX][usize::from(seq % 3)];
            pair.takes(&forger, &draft);
            pair.now += Duration::from_millis(10);
            pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
            assert_eq!(pair.lost(), None, "{rate}");
        }
    }
}

#[test]
fn r15_time_that_jumps_harms_nothing() {
    let mut pair = Pair::connected();
    let forger = Forger::new();
    let mut timestamp = 0_u32;
    for (seq, jump) in (0..3_000).zip(
        [1 << 31, 1, u32::MAX, (1 << 31) - 1, 0, 3000, 1 << 30]
            .into_iter()
            .cycle(),
    ) {
        timestamp = timestamp.wrapping_add(jump);
        let mut draft = pair.draft(seq);
        draft.timestamp = timestamp;
        assert!(pair.takes(&forger, &draft), "{seq}");
        pair.now += Duration::from_millis(1);
        pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
    }
    pair.goes_on_at(3_000);
}
