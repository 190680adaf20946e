//! What a client who publishes is told: what has come, what is missing, and that a keyframe is wanted.

use std::collections::BTreeSet;

use hst_rtp::rtcp::{Compound, Message, Nack};
use hst_srtp::{Profile, Receiver, Side};

use super::{
    forger::{Draft, Forger},
    mirror::Mirror,
    *,
};

/// The id of the numbers over all streams, as str0m numbers it.
const NUMBER: u8 = 3;

/// What the client is told, decrypted.
struct Listener {
    receiver: Receiver,
    nacks: Vec<(u32, Vec<u16>)>,
    keyframes: Vec<u32>,
    arrived: BTreeSet<u16>,
    highest: Option<u32>,
    goodbyes: Vec<u32>,
}

impl Listener {
    /// One with the keys of this thread's last client.
    fn new() -> Self {
        let keys = spy::agreed().expect("it is connected").keys;
        let (_, receiver) = hst_srtp::contexts(Profile::AeadAes128Gcm, &keys, Side::Client).expect("the right length");
        Self {
            receiver,
            nacks: Vec::new(),
            keyframes: Vec::new(),
            arrived: BTreeSet::new(),
            highest: None,
            goodbyes: Vec::new(),
        }
    }

    fn listen(&mut self, pair: &mut Pair) {
        for (_, mut bytes) in pair.outbox.take() {
            assert!(bytes.len() <= 1_250, "it fits a datagram");
            let Ok(len) = self.receiver.unprotect_rtcp(&mut bytes) else {
                continue;
            };
            assert_eq!(bytes[1], 201, "it begins with a report");
            Compound::new(&bytes[..len]).for_each(|message| self.take(message));
        }
    }

    fn take(&mut self, message: Message<'_>) {
        match message {
            Message::Nack(nack) => self.nacks.push((nack.media, nack.seqs().collect())),
            Message::Pli(pli) => self.keyframes.push(pli.media),
            Message::ReceiverReport(report) => {
                self.highest = report.blocks.map(|it| it.highest).last().or(self.highest)
            }
            Message::TransportFeedback(feedback) => {
                let arrivals = feedback.arrivals(&mut Default::default());
                self.arrived
                    .extend(arrivals.filter_map(|(seq, time)| time.map(|_| seq)));
            }
            Message::Bye(bye) => self.goodbyes.extend(bye.sources()),
            _ => {}
        }
    }

    /// Lets time pass for the transport alone.
    fn wait(&mut self, pair: &mut Pair, ms: u64) {
        for _ in 0..ms {
            pair.now += Duration::from_millis(1);
            pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
            self.listen(pair);
        }
    }
}

impl Pair {
    /// The packet of a draft, as it is sent again under this number.
    fn again(&mut self, draft: &Draft, seq: u16) -> Draft {
        let mut config = self.client.codec_config().iter();
        let vp8 = config.find(|it| it.spec().codec == Codec::Vp8).expect("VP8");
        let payload_type = *vp8.resend().expect("it can be sent again");
        let mut api = self.client.direct_api();
        let stream = api.stream_tx_by_mid(self.camera, None).expect("the camera's stream");
        Draft {
            payload_type,
            seq,
            ssrc: *stream.rtx().expect("it can be sent again"),
            payload: [&draft.seq.to_be_bytes()[..], &draft.payload].concat(),
            ..draft.clone()
        }
    }

    /// Takes five packets but for the third, which it gives, and waits for a few round trips.
    fn lose_third(&mut self, forger: &Forger, listener: &mut Listener) -> Draft {
        for seq in [1, 2, 4, 5] {
            let draft = self.draft(seq);
            assert!(self.takes(forger, &draft));
        }
        listener.wait(self, 300);
        self.draft(3)
    }

    /// The sources and the numbers of what has come through.
    fn through(&mut self) -> Vec<(u32, u16)> {
        let media = self.happenings.drain(..).filter_map(|it| match it {
            Happening::Media(media) => Some((media.ssrc, media.seq)),
            _ => None,
        });
        media.collect()
    }
}

#[test]
fn what_is_lost_is_asked_for_each_round_trip_until_it_comes_and_takes_its_place_once() {
    let mut pair = Pair::connected();
    let (forger, mut listener) = (Forger::new(), Listener::new());
    let lost = pair.lose_third(&forger, &mut listener);
    assert_eq!(
        listener.nacks,
        vec![(lost.ssrc, vec![3]); 3],
        "as long as the way is unknown"
    );
    let again = pair.again(&lost, 500);
    for (seq, through) in [(500, &[(lost.ssrc, 3)][..]), (501, &[])] {
        pair.receive(&forger.rtp(&Draft { seq, ..again.clone() }.bytes(), 0));
        assert_eq!(pair.through(), through);
    }
    pair.receive(&forger.rtp(&lost.bytes(), 0));
    assert_eq!(pair.through(), [], "it comes twice");
    listener.nacks.clear();
    listener.wait(&mut pair, 2_000);
    assert_eq!(listener.nacks, []);
    assert_eq!(listener.highest, Some(5), "it is reported what has come");
}

/// The offer of a client who has no packets of their own for what is sent again (RTX), and hears what he is asked for or not.
fn without_rtx(sdp: &str, hears: bool) -> String {
    let types = sdp.lines().filter_map(|line| line.strip_prefix("a=rtpmap:"));
    let types: Vec<_> = types.filter_map(|it| it.strip_suffix(" rtx/90000")).collect();
    let is_rtx = |line: &str| {
        let of = line.split_once(':').and_then(|(_, rest)| rest.split_once(' '));
        let is_of = |name: &str| line.starts_with(name) && of.is_some_and(|(of, _)| types.contains(&of));
        is_of("a=rtpmap:") || is_of("a=fmtp:") || line.starts_with("a=ssrc-group:FID")
    };
    let lines = sdp
        .lines()
        .filter(|line| !is_rtx(line) && (hears || !line.ends_with(" nack")));
    let lines = lines.map(|line| match line.starts_with("m=") {
        true => line
            .split(' ')
            .filter(|word| !types.contains(word))
            .collect::<Vec<_>>()
            .join(" "),
        false => line.to_owned(),
    });
    lines.map(|line| line + "\r\n").collect()
}

#[test]
fn what_is_sent_again_as_it_was_is_asked_for_of_who_says_that_he_hears_it() {
    for (hears, times) in [(true, 3), (false, 0)] {
        let mut pair = Pair::offering(|config| config, |sdp| without_rtx(&sdp, hears));
        pair.run(Duration::from_secs(1));
        assert!(pair.transport.is_connected());
        pair.happenings.clear();
        let (forger, mut listener) = (Forger::new(), Listener::new());
        let lost = pair.lose_third(&forger, &mut listener);
        assert_eq!(listener.nacks, vec![(lost.ssrc, vec![3]); times]);
        pair.receive(&forger.rtp(&lost.bytes(), 0));
        assert_eq!(pair.through(), [(lost.ssrc, 3)]);
        listener.nacks.clear();
        listener.wait(&mut pair, 2_000);
        assert_eq!((listener.nacks, listener.keyframes), (vec![], vec![]));
    }
}

#[test]
fn what_never_comes_is_given_up_and_no_more_is_asked_for_than_the_budget_has() {
    let mut pair = Pair::connected();
    let (forger, mut listener) = (Forger::new(), Listener::new());
    for seq in [1, 900] {
        let draft = pair.draft(seq);
        assert!(pair.takes(&forger, &draft));
    }
    listener.wait(&mut pair, 3_000);
    let asked = listener.nacks.iter().map(|(_, seqs)| seqs.len()).sum::<usize>();
    assert_eq!(asked, 128, "two packets have come");
    listener.nacks.clear();
    listener.wait(&mut pair, 3_000);
    assert_eq!(listener.nacks, []);
}

#[test]
fn what_is_given_up_is_told_once() {
    let mut pair = Pair::connected();
    let (forger, mut listener) = (Forger::new(), Listener::new());
    for seq in [1, 3, 4] {
        let draft = pair.draft(seq);
        assert!(pair.takes(&forger, &draft));
    }
    listener.wait(&mut pair, 5_000);
    let lost = Lost {
        slot: 0,
        encoding: 0,
        seq: 2,
    };
    assert!(
        matches!(pair.happenings[..], [Happening::GivenUp(told)] if told == lost),
        "{:?}",
        pair.happenings
    );
}

#[test]
fn where_much_is_lost_a_keyframe_is_asked_for_in_some_datagrams() {
    for (gap, datagrams) in [(1, 1), (2, 4)] {
        let mut pair = Pair::connected();
        let (forger, mut listener) = (Forger::new(), Listener::new());
        for seq in 1..=20 {
            let draft = pair.draft(seq * gap);
            assert!(pair.takes(&forger, &draft));
        }
        listener.wait(&mut pair, 300);
        pair.transport.request_keyframe(0, 0);
        pair.transport.flush(pair.now, &mut pair.outbox, &mut pair.happenings);
        let ssrc = pair.draft(1).ssrc;
        listener.listen(&mut pair);
        assert_eq!(listener.keyframes, vec![ssrc; datagrams]);
    }
}

#[test]
fn what_is_sent_again_of_a_source_that_was_replaced_does_not_get_among_the_packets_of_the_next() {
    let mut pair = Pair::connected();
    let (forger, mid) = (Forger::new(), pair.camera.to_string());
    for seq in [1, 3] {
        let draft = pair.draft(seq);
        assert!(pair.takes(&forger, &draft));
    }
    let named = [&[4 << 4 | (mid.len() as u8 - 1)], mid.as_bytes()].concat();
    for seq in [1, 3] {
        let draft = Draft {
            ssrc: 99,
            ..pair.draft(seq)
        }
        .extended(&named);
        assert!(pair.takes(&forger, &draft));
    }
    let lost = pair.draft(2);
    let again = pair.again(&lost, 1);
    pair.receive(&forger.rtp(&again.bytes(), 0));
    assert_eq!(pair.through(), [(lost.ssrc, 2)]);
    pair.transport.request_keyframe(0, 0);
    let mut listener = Listener::new();
    pair.transport.flush(pair.now, &mut pair.outbox, &mut pair.happenings);
    listener.listen(&mut pair);
    assert_eq!(listener.keyframes, [99], "it is the next that is asked for a keyframe");
}

#[test]
fn of_whom_nothing_has_come_no_keyframe_is_asked() {
    let mut pair = Pair::connected();
    let mut listener = Listener::new();
    for encoding in [0, 1, 200] {
        pair.transport.request_keyframe(0, encoding);
    }
    pair.transport.request_keyframe(7, 0);
    pair.transport.flush(pair.now, &mut pair.outbox, &mut pair.happenings);
    listener.listen(&mut pair);
    assert!(listener.keyframes.is_empty(), "{:?}", listener.keyframes);
}

#[test]
fn arrivals_are_told_of_all_that_is_authentic_and_of_nothing_else() {
    let mut pair = Pair::connected();
    let (forger, mut listener) = (Forger::new(), Listener::new());
    for number in 1..=20_u16 {
        let mut draft = pair
            .draft(number)
            .extended(&[&[NUMBER << 4 | 1][..], &number.to_be_bytes()].concat());
        // Each fourth is a probe, of no source and with nothing but padding; and another one is not the client's.
        if number % 4 == 0 {
            (draft.first, draft.ssrc, draft.payload) = (draft.first | 0x20, 0, vec![4; 4]);
        }
        let mut packet = forger.rtp(&draft.bytes(), 0);
        let end = packet.len() - 1;
        packet[end] ^= u8::from(number % 4 == 1);
        pair.receive(&packet);
    }
    assert_eq!(pair.media(), 10);
    listener.wait(&mut pair, 200);
    assert!(
        listener
            .arrived
            .iter()
            .copied()
            .eq((1..=20).filter(|number| number % 4 != 1))
    );
}

#[test]
fn how_long_the_way_is_is_known_of_who_only_publishes() {
    let mut pair = Pair::connected();
    for seq in 1..=30 {
        pair.video(seq, 500);
        pair.run(Duration::from_millis(100));
    }
    assert!(pair.transport.ingress.round_trip().is_some());
    assert!(pair.transport.path.round_trip.is_some(), "and told");
    let quality = pair.transport.quality(0, 0).expect("it comes");
    assert_eq!(quality.loss_rate, 0.0);
}

#[test]
fn requests_of_one_who_only_publishes_go_no_further_and_goodbyes_are_said_of_what_was_sent() {
    let mut mirror = Mirror::new(Pair::connected());
    let mut forger = Forger::new();
    mirror.pair.video(1, 1_000);
    let media = mirror.pair.taken();
    mirror.is_sent(1, media);
    mirror.pair.outbox.take();
    let mut request = Vec::new();
    Nack::write(&mut request, 1, 12_345, [1]);
    mirror.pair.receive(&forger.rtcp(&request));
    assert!(mirror.pair.outbox.take().is_empty(), "that is no source of ours");
    let mut listener = Listener::new();
    mirror.pair.transport.close(mirror.pair.now, &mut mirror.pair.outbox);
    listener.listen(&mut mirror.pair);
    assert!(listener.goodbyes.contains(&mirror.ssrc), "{:?}", listener.goodbyes);
}
