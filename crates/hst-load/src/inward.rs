//! What a client receives, and what it tells the server of it.

use std::time::{Duration, Instant};

use hst_rtp::{
    Packet,
    receive::{Arrivals, Budget, Missing, Patience, Reception},
    rtcp::{Nack, ReceiverReport, SenderReport},
    rtx,
    value::transport_seq,
};

use crate::{Tally, formats::Formats, packet, seen::Seen};

/// How often it is told what has come, where enough does; of what is missing it is told at once.
const TELL: Duration = Duration::from_millis(50);
/// How often it is told how each source is received.
const REPORT: Duration = Duration::from_secs(1);
/// Who only receives speaks as this source, as in browsers.
const OWN: u32 = 1;
/// Nobody on loopback waits longer for what he asks for again.
const ROUND_TRIP: Duration = Duration::from_millis(10);
/// How many ticks the clock of a picture has in a second.
const CLOCK: u32 = 90_000;

/// When a datagram came, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    pub(crate) at: Instant,
    /// Since the Unix epoch.
    pub(crate) time: Duration,
}

/// The lines on which a client receives.
#[derive(Debug)]
pub(crate) struct Inward {
    lines: Vec<Line>,
    /// Of each source the stream in which its packets are sent again, that one first.
    repairs: Vec<[u32; 2]>,
    arrivals: Arrivals,
    budget: Budget,
    /// When there is something to tell, at the earliest.
    tell_at: Instant,
    report_at: Instant,
}

/// The packets of one source: by the numbers that their sender has given them, and by those of the server.
#[derive(Debug)]
struct Line {
    ssrc: u32,
    sent: Seen,
    passed: Seen,
    reception: Reception,
    missing: Missing,
}

impl Inward {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            lines: Vec::new(),
            repairs: Vec::new(),
            arrivals: Arrivals::new(now),
            budget: Budget::default(),
            tell_at: now,
            report_at: now + REPORT,
        }
    }

    /// Reads in which streams the server sends again, if it says so.
    pub(crate) fn learn(&mut self, answer: &str) {
        let pairs = answer.lines().filter_map(|line| {
            let (source, again) = line.trim_end().strip_prefix("a=ssrc-group:FID ")?.split_once(' ')?;
            Some([again.parse().ok()?, source.parse().ok()?])
        });
        self.repairs = pairs.collect();
    }

    /// Takes a packet that is decrypted.
    pub(crate) fn take(&mut self, came: Came, packet: &Packet<'_>, formats: &Formats, tally: &mut Tally) {
        self.budget.handle_packet();
        if let Some(seq) = packet.extension(formats.transport_seq).and_then(transport_seq) {
            self.arrivals.handle_packet(came.at, seq);
        }
        let header = &packet.header;
        if header.payload_type == formats.again {
            return self.take_again(came, packet, tally);
        }
        let line = match self.lines.iter().position(|line| line.ssrc == header.ssrc) {
            Some(at) => &mut self.lines[at],
            None => {
                self.lines.push(Line::new(header.ssrc));
                self.lines.last_mut().expect("it was just added")
            }
        };
        let Some(number) = line.reception.handle_packet(came.at, header, packet.payload.len()) else {
            return;
        };
        if header.payload_type == formats.picture {
            line.missing.handle_packet(came.at, number);
            if let Some(due) = line.missing.poll_timeout() {
                self.tell_at = self.tell_at.min(due);
            }
        }
        line.count(came, number, packet.payload, tally);
    }

    /// Takes one that was sent again, in a stream of its own.
    fn take_again(&mut self, came: Came, packet: &Packet<'_>, tally: &mut Tally) {
        let pair = self.repairs.iter().find(|[again, _]| *again == packet.header.ssrc);
        let line = pair.and_then(|[_, source]| self.lines.iter_mut().find(|line| line.ssrc == *source));
        // What carries nothing only finds out how much the network carries.
        if let Some(line) = line
            && let Some((seq, payload)) = rtx::read(packet.payload)
            && let Some(number) = line.reception.number(seq)
        {
            line.missing.handle_again(came.at, number);
            line.count(came, number, payload, tally);
        }
    }

    /// Takes what a sender reports of its source.
    pub(crate) fn take_report(&mut self, now: Instant, report: &SenderReport<'_>) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.ssrc == report.ssrc) {
            line.reception.handle_report(now, report.info);
        }
    }

    /// When to ask for what there is to tell.
    pub(crate) fn tell_at(&self) -> Instant {
        self.tell_at
    }

    /// Appends what is missing, and how sources are received, to a datagram.
    pub(crate) fn tell(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.tell_at = now + TELL;
        if self.report_at <= now {
            self.report_at = now + REPORT;
            let blocks = self.lines.iter_mut();
            ReceiverReport::write(
                out,
                OWN,
                blocks.filter_map(|line| line.reception.report(now, line.ssrc)),
            );
        }
        for line in &mut self.lines {
            if line.missing.poll_timeout().is_some_and(|due| due <= now) {
                let mut seqs = Vec::new();
                line.missing.ask(now, ROUND_TRIP, &mut self.budget, &mut seqs);
                Nack::write(out, OWN, line.ssrc, seqs);
            }
            if let Some(due) = line.missing.poll_timeout() {
                self.tell_at = self.tell_at.min(due);
            }
        }
    }

    /// Appends when packets came to an empty datagram; says whether there was something to tell, and then there may be more.
    pub(crate) fn tell_arrivals(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let source = self.lines.first().map_or(0, |line| line.ssrc);
        self.arrivals.poll_feedback(now, OWN, source, out)
    }

    /// Forgets what has come so far, as far as it is counted.
    pub(crate) fn begin_count(&mut self) {
        for line in &mut self.lines {
            (line.sent, line.passed) = (Seen::default(), Seen::default());
        }
    }

    /// Adds what did not come.
    pub(crate) fn add_lost(&self, tally: &mut Tally) {
        for Line { sent, passed, .. } in &self.lines {
            tally.lost_behind_server += passed.missing();
            tally.lost_in_server += sent.missing().saturating_sub(passed.missing());
        }
    }
}

impl Line {
    fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            sent: Seen::default(),
            passed: Seen::default(),
            reception: Reception::new(CLOCK),
            missing: Missing::new(Patience::default()),
        }
    }

    /// Counts a packet that the server has sent under this number.
    fn count(&mut self, came: Came, number: u64, payload: &[u8], tally: &mut Tally) {
        self.passed.take(number);
        if payload.is_empty() {
            return;
        }
        match packet::check(payload, came.time) {
            Some((own, delay)) if self.sent.take(own.into()) => {
                tally.received += 1;
                tally.bytes += payload.len() as u64;
                tally.delays.add(delay);
            }
            Some(_) => {}
            None => tally.damaged += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_rtp::{
        Header,
        rtcp::{Compound, Message},
    };

    use super::*;

    const PICTURE: u8 = 96;
    const AGAIN: u8 = 97;

    /// A client at the beginning, and what it was sent.
    struct Scene {
        inward: Inward,
        now: Instant,
        tally: Tally,
    }

    impl Scene {
        fn new() -> Self {
            let now = Instant::now();
            let mut inward = Inward::new(now);
            inward.learn("v=0\r\na=ssrc-group:FID 7 8\r\na=ssrc:7 cname:a\r\n");
            Self {
                inward,
                now,
                tally: Tally::default(),
            }
        }

        fn take(&mut self, ssrc: u32, payload_type: u8, seq: u16, payload: &[u8]) {
            let header = Header {
                ssrc,
                payload_type,
                seq,
                ..Header::default()
            };
            let mut bytes = Vec::new();
            hst_rtp::write_header(&mut bytes, header, [(3, &seq.to_be_bytes()[..])]);
            bytes.extend_from_slice(payload);
            let formats = Formats {
                picture: PICTURE,
                again: AGAIN,
                transport_seq: 3,
                ..Formats::default()
            };
            let came = Came {
                at: self.now,
                time: Duration::from_secs(9),
            };
            let packet = Packet::parse(&bytes).unwrap();
            self.inward.take(came, &packet, &formats, &mut self.tally);
        }
    }

    fn payload(number: u32) -> Vec<u8> {
        let mut out = Vec::new();
        packet::picture(&mut out, 100, number, Duration::from_secs(8), true, false);
        out
    }

    #[test]
    fn what_the_server_did_not_number_it_has_lost_itself() {
        let mut scene = Scene::new();
        // 2 was lost by the server, and 4 behind it. What probes the network is numbered and carries nothing.
        for (seq, number) in [(10, 1), (11, 3), (13, 5), (13, 5)] {
            scene.take(7, PICTURE, seq, &payload(number));
        }
        scene.take(7, PICTURE, 14, &[]);
        scene.take(7, PICTURE, 15, &payload(6));
        scene.inward.add_lost(&mut scene.tally);
        let tally = scene.tally;
        assert_eq!((tally.received, tally.bytes, tally.damaged), (4, 400, 0));
        assert_eq!((tally.lost_in_server, tally.lost_behind_server), (1, 1));
        assert_eq!(tally.delays.permille(1000).as_millis() / 100, 10);
    }

    #[test]
    fn what_is_missing_is_asked_for_and_counts_when_it_is_sent_again() {
        let mut scene = Scene::new();
        let ask = |scene: &mut Scene| {
            let mut out = Vec::new();
            scene.inward.tell(scene.now, &mut out);
            let nacks = Compound::new(&out).filter_map(|message| match message {
                Message::Nack(nack) => Some((nack.media, nack.seqs().collect::<Vec<_>>())),
                _ => None,
            });
            nacks.collect::<Vec<_>>()
        };
        for seq in [1, 2, 4] {
            scene.take(7, PICTURE, seq, &payload(seq.into()));
        }
        assert!(scene.inward.tell_at() <= scene.now + Duration::from_millis(5));
        scene.now = scene.inward.tell_at() + Duration::from_millis(5);
        assert_eq!(ask(&mut scene), [(7, vec![3])]);
        scene.take(8, AGAIN, 1, &[&[0, 3][..], &payload(3)].concat());
        scene.now += Duration::from_millis(100);
        assert_eq!(ask(&mut scene), []);
        scene.inward.add_lost(&mut scene.tally);
        assert_eq!((scene.tally.received, scene.tally.lost_behind_server), (4, 0));
    }

    #[test]
    fn arrivals_are_told_as_often_as_browsers_do() {
        let mut scene = Scene::new();
        let mut told = 0;
        for seq in 0..1000 {
            scene.take(7, PICTURE, seq, &payload(seq.into()));
            scene.now += Duration::from_millis(1);
            if scene.inward.tell_at() <= scene.now {
                let mut out = Vec::new();
                scene.inward.tell(scene.now, &mut out);
                while scene.inward.tell_arrivals(scene.now, &mut out) {
                    told += 1;
                }
            }
        }
        assert!((10..=20).contains(&told), "{told}");
    }

    #[test]
    fn a_changed_packet_is_no_packet() {
        let mut scene = Scene::new();
        let mut changed = payload(1);
        changed[50] ^= 1;
        scene.take(7, PICTURE, 1, &changed);
        assert_eq!((scene.tally.received, scene.tally.damaged), (0, 1));
    }
}
