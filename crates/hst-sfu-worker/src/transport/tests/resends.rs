//! Receivers who ask for what they have got again and again (RFC 4585, section 6.2.1).

use str0m::rtp::Ssrc;

use super::{forger::Forger, mirror::Mirror, *};
use crate::losses::Report;

/// How many datagrams a second it asks by.
const FLOOD: u32 = 2_000;
/// What is kept of a line: no more of it can be sent for one of them, however often it names it.
const KEPT: usize = 512;

/// Bytes of RTP to the client.
#[derive(Debug, Default)]
struct Tally {
    sent: usize,
    resent: usize,
    /// The most datagrams at a time.
    most: usize,
}

impl Tally {
    fn count(&mut self, pair: &mut Pair) {
        let sent = pair.outbox.take();
        self.most = self.most.max(sent.len());
        for (_, bytes) in sent {
            let kind = bytes[1] & 0x7f;
            let mut codecs = pair.client.codec_config().iter();
            match bytes[0] >> 6 {
                2 if codecs.any(|it| it.resend().is_some_and(|pt| *pt == kind)) => self.resent += bytes.len(),
                2 if !(64..96).contains(&kind) => self.sent += bytes.len(),
                _ => {}
            }
        }
    }
}

/// A report that asks for all of the last packets of this source, ten times.
fn all_again(ssrc: Ssrc, last: u64) -> Vec<u8> {
    let entry = |at: u16| [(last as u16).wrapping_sub(17 * at).to_be_bytes(), [0xff; 2]].concat();
    let entries: Vec<u8> = (1..=31).flat_map(entry).collect();
    let entries = entries.repeat(10);
    let len = 2 + entries.len() as u16 / 4;
    [
        &[0x81, 205][..],
        &len.to_be_bytes(),
        &[0, 0, 0, 1],
        &ssrc.to_be_bytes(),
        &entries,
    ]
    .concat()
}

#[test]
fn where_much_is_lost_each_is_sent_again_twice_also_on_a_line_that_came_later() {
    for (lost, copies) in [(0.0, 1), (0.2, 2)] {
        let mut pair = Pair::connected();
        let report = Report {
            at: pair.now,
            lost,
            round_trip: Some(Duration::from_millis(50)),
        };
        pair.transport.losses.report(&report);
        let mut mirror = Mirror::new(pair);
        mirror.pair.video(1, 1_000);
        let media = mirror.pair.taken();
        mirror.is_sent(1, media);
        mirror.pair.outbox.take();
        let nack = [
            &[0x81, 205, 0, 3, 0, 0, 0, 1][..],
            &mirror.ssrc.to_be_bytes(),
            &[0, 1, 0, 0],
        ]
        .concat();
        let report = Forger::new().rtcp(&nack);
        mirror.pair.receive(&report);
        assert_eq!(mirror.pair.outbox.take().len(), copies, "{lost}");
    }
}

#[test]
fn r10_who_asks_for_everything_again_thousands_of_times_a_second_gets_a_burst_and_a_fifth_more_at_most() {
    let mut mirror = Mirror::new(Pair::connected());
    let mut forger = Forger::new();
    let mut tally = Tally::default();
    for seq in 1..=300 {
        mirror.pair.video(seq, 1_000);
        let media = mirror.pair.taken();
        mirror.is_sent(seq, media);
        tally.count(&mut mirror.pair);
        for _ in 0..FLOOD / 100 {
            let pair = &mut mirror.pair;
            let report = forger.rtcp(&all_again(mirror.ssrc, seq));
            pair.receive(&report);
            pair.now += Duration::from_secs(1) / FLOOD;
            pair.transport.tick(pair.now, &mut pair.outbox, &mut pair.happenings);
            tally.count(pair);
        }
    }
    assert!(tally.sent > 300_000, "{tally:?}");
    // A fifth of the stream, and once all that is kept of it.
    assert!(tally.resent <= tally.sent / 5 + 512 * MAX_PAYLOAD, "{tally:?}");
    assert!(tally.most <= KEPT, "{tally:?}");
    assert_eq!(mirror.pair.lost(), None);
    mirror.pair.goes_on_at(301);
}
