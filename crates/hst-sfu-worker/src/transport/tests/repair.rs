//! What a client who publishes protects (FlexFEC): what is lost of it is there without being asked for.

use super::{
    forger::{Draft, Forger},
    *,
};

/// Under which payload type he protects, and as which source.
const TYPE: u8 = 60;
const SOURCE: u32 = 77;
/// The numbers over all streams, and the time at which a packet leaves, as str0m numbers them.
const NUMBER: u8 = 3;
const SEND_TIME: u8 = 2;

fn protecting(sdp: &str) -> String {
    let line = sdp.lines().find(|line| line.starts_with("m=video")).expect("a camera");
    sdp.replacen(line, &format!("{line} {TYPE}"), 1) + &format!("a=rtpmap:{TYPE} flexfec-03/90000\r\n")
}

fn connected(offer: fn(&str) -> String) -> Pair {
    let mut pair = Pair::offering(|config| config, |sdp| offer(&sdp));
    pair.run(Duration::from_secs(1));
    assert!(pair.transport.is_connected());
    pair.happenings.clear();
    pair
}

impl Pair {
    /// A picture's packet with what is written when it leaves: zeros where it is protected.
    fn protected(&mut self, seq: u16, written: u8) -> Draft {
        let late = [
            NUMBER << 4 | 1,
            written,
            seq as u8 * written,
            SEND_TIME << 4 | 2,
            written,
            written,
            written,
        ];
        let len = 40 + usize::from(seq % 7);
        Draft {
            payload: (0..len)
                .map(|at| if at == 0 { 0x10 } else { seq as u8 ^ at as u8 })
                .collect(),
            ..self.draft(seq).extended(&late)
        }
    }

    /// The packet that protects these, which follow each other.
    fn repair(&mut self, seqs: std::ops::Range<u16>) -> Draft {
        let packets: Vec<_> = seqs.clone().map(|seq| self.protected(seq, 0).bytes()).collect();
        let longest = packets.iter().map(Vec::len).max().expect("at least one");
        let mut sum = vec![0; longest];
        let mut len = 0;
        for packet in &packets {
            sum.iter_mut().zip(packet).for_each(|(sum, byte)| *sum ^= byte);
            len ^= packet.len() as u16 - 12;
        }
        let mask = (0..seqs.len()).fold(1_u16 << 15, |mask, at| mask | 1 << (14 - at));
        let first = packets[0].clone();
        let payload = [
            &[sum[0] & 0x3f, sum[1]][..],
            &len.to_be_bytes(),
            &sum[4..8],
            &[1, 0, 0, 0],
            &first[8..12],
            &seqs.start.to_be_bytes(),
            &mask.to_be_bytes(),
            &sum[12..],
        ];
        Draft {
            payload_type: TYPE,
            seq: seqs.start,
            ssrc: SOURCE,
            payload: payload.concat(),
            ..self.draft(seqs.start)
        }
    }

    fn come(&mut self) -> Vec<(u16, u32, Vec<u8>)> {
        let media = self.happenings.drain(..).filter_map(|it| match it {
            Happening::Media(media) => Some((media.seq, media.timestamp, media.payload.to_vec())),
            _ => None,
        });
        media.collect()
    }
}

#[test]
fn what_is_lost_of_what_is_protected_is_forwarded_as_it_was_and_only_once() {
    let mut pair = connected(protecting);
    let forger = Forger::new();
    // The first that protects tells that this source is protected.
    for (first, lost) in [(100, None), (105, Some(107)), (110, Some(110)), (115, Some(119))] {
        for seq in (first..first + 5).filter(|seq| Some(*seq) != lost) {
            let draft = pair.protected(seq, 1);
            assert!(pair.takes(&forger, &draft));
        }
        let repair = pair.repair(first..first + 5);
        for seq in [first, first + 1] {
            let again = Draft { seq, ..repair.clone() };
            pair.receive(&forger.rtp(&again.bytes(), 0));
        }
        let lost: Vec<_> = lost.map(|seq| pair.protected(seq, 1)).into_iter().collect();
        let expected: Vec<_> = lost
            .iter()
            .map(|it| (it.seq, it.timestamp, it.payload.clone()))
            .collect();
        assert_eq!(pair.come(), expected);
        for late in lost {
            pair.receive(&forger.rtp(&late.bytes(), 0));
            assert_eq!(pair.come(), [], "it has been computed");
        }
    }
    assert_eq!(
        pair.transport.ingress.sources.count().0,
        1,
        "what protects is no source of media"
    );
}

#[test]
fn of_who_has_not_offered_it_nothing_is_taken() {
    let mut pair = connected(str::to_owned);
    let forger = Forger::new();
    for first in [100, 105] {
        for seq in first + 1..first + 5 {
            let draft = pair.protected(seq, 1);
            assert!(pair.takes(&forger, &draft));
        }
        let repair = pair.repair(first..first + 5);
        assert!(!pair.takes(&forger, &repair));
    }
}

#[test]
fn it_is_agreed_on_for_each_line_that_offers_it_and_under_a_number_that_nothing_else_has() {
    let answers = |pair: &mut Pair, change: &dyn Fn(String) -> String, role: LineRole| {
        let mut api = pair.client.sdp_api();
        let direction = match role {
            LineRole::Send { .. } => Direction::SendOnly,
            LineRole::Receive { .. } => Direction::RecvOnly,
        };
        let mid = api.add_media(MediaKind::Video, direction, None, None, None).to_string();
        let (offer, _) = api.apply().expect("an offer");
        let camera = Line::new(pair.camera.to_string(), LineRole::Send { track: TrackId(1) });
        let offer = parse(&change(offer.to_sdp_string()), &[camera, Line::new(mid, role)]).expect("readable");
        let (answer, _) = pair.transport.negotiate(pair.now, offer).expect("an answer");
        answer.to_sdp_string()
    };
    let agreed = format!("a=rtpmap:{TYPE} flexfec-03/90000");
    let last = |sdp: String| {
        let line = sdp
            .lines()
            .rfind(|line| line.starts_with("m=video"))
            .expect("it")
            .to_owned();
        let at = sdp.rfind(&line).expect("it") + line.len();
        format!("{} {TYPE}{}{agreed}\r\n", &sdp[..at], &sdp[at..])
    };
    let publishing = LineRole::Send { track: TrackId(2) };
    let answer = answers(&mut Pair::connected(), &last, publishing);
    let (first, second) = answer.split_at(answer.rfind("m=video").expect("two"));
    assert!(!first.contains("flexfec"), "{first}");
    assert!(
        second.contains(&agreed) && second.lines().next().is_some_and(|line| line.ends_with(" 60")),
        "{second}"
    );
    assert!(!second.contains("FEC-FR"), "on that line we send nothing: {second}");
    let receiving = LineRole::Receive { track: TrackId(2) };
    let answer = answers(&mut Pair::connected(), &last, receiving);
    let sources = |line: &str| {
        let (_, rest) = answer.split_once(line)?;
        let words = rest.lines().next()?.split(' ');
        words.map(|it| it.parse().ok()).collect::<Option<Vec<u32>>>()
    };
    let group = sources("a=ssrc-group:FEC-FR ").expect("two sources");
    let again = sources("a=ssrc-group:FID ").expect("two sources");
    assert_eq!(group[0], again[0]);
    let said = |ssrc: u32| answer.matches(&format!("a=ssrc:{ssrc} cname:")).count();
    assert_eq!([group[0], group[1]].map(said), [1, 1], "{answer}");
    assert!(answer.contains(&agreed), "{answer}");
    let plain = answers(&mut Pair::connected(), &|sdp| sdp, receiving);
    assert!(!plain.contains("flexfec") && !plain.contains("FEC-FR"), "{plain}");
    // The first line has VP8 there.
    let taken = |sdp: String| {
        let (first, last) = sdp.split_at(sdp.rfind("m=video").expect("two"));
        first.to_owned() + &last.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96 flexfec-03/90000")
    };
    assert!(!answers(&mut Pair::connected(), &taken, publishing).contains("flexfec"));
}
