use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use hst_bwe::ProbeId;
use hst_rtp::{
    Header, nearest,
    rtcp::{ReportBlock, SenderReport, write_cname},
    rtx,
    send::{SenderReports, Timeline},
    timestamp::ticks,
};
use hst_sfu::Vp8Ids;

use super::{
    Heard, Way,
    allowance::Allowance,
    heading::Heading,
    log::{Changes, Log, Sent},
    way::{Body, Packet},
};
use crate::{
    media::{Media, Sampled},
    network::Outbox,
    passed::Ids,
    recent::Kept,
};
use protection::Protection;

mod protection;

/// How often a receiver is told what was sent. The first time is with the first packet: until then he cannot play sound and
/// picture together.
const REPORT: Duration = Duration::from_secs(1);
/// A packet is not sent again before so long after the last time: who asks twice within a round trip has not waited for it.
const AGAIN: Duration = Duration::from_millis(10);

/// Where much is lost, what is asked for again is sent so often at a time: another round trip is what a picture stands still for.
const LOSSY_COPIES: usize = 2;

/// What we send on an m-line, for as long as it is a receiving line of the client's.
#[derive(Debug)]
pub(crate) struct Line {
    ssrc: u32,
    /// The source of what is sent again.
    rtx: Option<u32>,
    heading: Heading,
    cname: String,
    /// What was sent of late.
    log: Log,
    allowance: Allowance,
    /// The number of the next packet that is sent again.
    next_again: u64,
    /// The payload type of what is sent again, of what was sent last.
    again_type: Option<u8>,
    newest: Option<Newest>,
    reports: SenderReports,
    report_at: Option<Instant>,
    packets: u64,
    nacks: u64,
    keyframe_requests: u64,
    heard: Option<Heard>,
    protection: Option<Box<Protection>>,
}

/// A packet on its way to one receiver.
pub(crate) struct Outgoing<'a> {
    pub(crate) media: &'a Media,
    /// Where it is kept, if it is.
    pub(crate) kept: Option<&'a Kept>,
    pub(crate) sent: Sent,
    pub(crate) payload_type: u8,
    /// That of its repetitions, if it may be asked for again.
    pub(crate) again_type: Option<u8>,
    /// What it carries, where that is not what came.
    pub(crate) payload: Option<&'a [u8]>,
}

impl Line {
    pub(crate) fn new(ssrc: u32, rtx: Option<u32>, (mid, cname): (&str, &str), share: f32) -> Self {
        Self {
            ssrc,
            rtx,
            heading: Heading::new(mid),
            cname: cname.to_owned(),
            log: Log::default(),
            allowance: Allowance::new(share),
            next_again: 1,
            again_type: None,
            newest: None,
            reports: SenderReports::default(),
            report_at: None,
            packets: 0,
            nacks: 0,
            keyframe_requests: 0,
            heard: None,
            protection: None,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The source of what is sent again.
    pub(crate) fn rtx(&self) -> Option<u32> {
        self.rtx
    }

    /// The name of its sources.
    pub(crate) fn cname(&self) -> &str {
        &self.cname
    }

    /// Under which numbers it sends: for the first time, again, and to protect that.
    pub(crate) fn sources(&self) -> impl Iterator<Item = u32> + use<> {
        let others = [self.rtx, self.protector()];
        std::iter::once(self.ssrc).chain(others.into_iter().flatten())
    }

    /// The client has agreed on these.
    pub(crate) fn set_ids(&mut self, ids: Ids) {
        self.heading.set_ids(ids);
    }

    /// This share of what is sent may go into sending lost packets again.
    pub(crate) fn set_share(&mut self, share: f32) {
        self.allowance.set_share(share);
    }

    /// Packets that were sent, repetitions included.
    pub(crate) fn packets(&self) -> u64 {
        self.packets + self.next_again - 1
    }

    /// How often packets were asked for again.
    pub(crate) fn nacks(&self) -> u64 {
        self.nacks
    }

    /// How often a keyframe was asked for.
    pub(crate) fn keyframe_requests(&self) -> u64 {
        self.keyframe_requests
    }

    /// What the client has told of it last.
    pub(crate) fn heard(&self) -> Option<&Heard> {
        self.heard.as_ref()
    }

    pub(crate) fn count_keyframe_request(&mut self) {
        self.keyframe_requests += 1;
    }

    /// Takes what the client reports of it.
    pub(crate) fn hear(&mut self, now: hst_rtp::Ntp, block: &ReportBlock) {
        if self.heading.drop_mid() {
            self.begin_protection();
        }
        self.heard.get_or_insert_default().take(now, block);
    }

    /// Reads what sending will use: something of each piece of memory that this is in.
    pub(crate) fn foresee(&self) {
        black_box((self.ssrc, self.packets, self.newest, self.report_at));
        self.allowance.foresee();
        self.log.foresee();
    }

    /// Reads what is behind that.
    pub(crate) fn foresee_more(&self) {
        self.heading.foresee();
        self.log.foresee_more();
    }

    /// Sends a packet.
    pub(crate) fn send(&mut self, now: Instant, way: &mut Way, out: &mut Outbox, outgoing: Outgoing<'_>) {
        let Outgoing {
            media,
            kept,
            sent,
            payload_type,
            again_type,
            payload,
        } = outgoing;
        let Sent { seq, timestamp, .. } = sent;
        let Changes { vp8, descriptor } = sent.changes;
        let descriptor_here = descriptor.and_then(|patch| media.described(patch));
        let packet = Packet {
            header: sent.header(self.ssrc, payload_type),
            index: seq,
            head: self.heading.of(&media.passed, descriptor_here.as_deref()),
            probe: None,
        };
        let payload = payload.unwrap_or(&media.payload);
        let write = |bytes: &mut Vec<u8>| put(bytes, payload, vp8);
        let len = way.send(now, out, packet, Body::Payload(write));
        if len == 0 {
            return;
        }
        self.allowance.earn(len);
        self.packets += 1;
        self.reports.handle_packet(payload.len());
        self.newest = Some(Newest {
            timestamp,
            sampled: Sampled {
                at: media.sampled.at,
                timestamp: media
                    .sampled
                    .timestamp
                    .wrapping_add(timestamp)
                    .wrapping_sub(media.timestamp),
            },
            clock_rate: media.codec.clock_rate(),
        });
        self.report_at.get_or_insert(now);
        self.again_type = again_type;
        if let (Some(kept), Some(_), Some(_)) = (kept, self.rtx, again_type) {
            self.log.push(kept, media, &sent);
        }
    }

    /// Sends packets again that the client misses: more than once where his network loses much.
    pub(crate) fn send_again(
        &mut self,
        now: Instant,
        way: &mut Way,
        out: &mut Outbox,
        seqs: impl Iterator<Item = u16>,
        is_lossy: bool,
    ) {
        self.nacks += 1;
        let (Some(ssrc), Some(payload_type)) = (self.rtx, self.again_type) else {
            return;
        };
        for seq in seqs {
            let seq = nearest(self.log.highest(), seq);
            let Some((media, sent, again_at)) = self.log.get(now, seq) else {
                continue;
            };
            let age = now.saturating_duration_since(media.arrived);
            if again_at.is_some_and(|at| age.saturating_sub(at) < AGAIN) {
                continue;
            }
            let copies = if is_lossy { LOSSY_COPIES } else { 1 };
            for _ in 0..copies {
                if !self.allowance.spend(media.payload.len()) {
                    break;
                }
                self.log.set_again(seq, age);
                let repetition = Repetition {
                    ssrc,
                    payload_type,
                    index: self.next_again,
                    heading: &mut self.heading,
                    probe: None,
                };
                self.next_again += 1;
                repetition.send(now, way, out, &media, &sent);
            }
        }
    }

    /// Sends something that the client does not need, to learn what his network carries: the last packet once more, or
    /// padding where that is larger than what is asked for. Says how many bytes it was; nothing is sent where the client could not
    /// tell it from media.
    pub(crate) fn probe(
        &mut self,
        now: Instant,
        way: &mut Way,
        out: &mut Outbox,
        (bytes, probe): (usize, ProbeId),
    ) -> usize {
        let (Some(ssrc), Some(payload_type)) = (self.rtx, self.again_type) else {
            return 0;
        };
        let index = self.next_again;
        self.next_again += 1;
        let probe = Some(probe);
        let last = self.log.get(now, self.log.highest());
        let padding = u8::try_from(bytes).unwrap_or(u8::MAX);
        if let Some((media, sent, _)) = last.filter(|(media, ..)| media.payload.len() <= bytes || padding == u8::MAX) {
            let repetition = Repetition {
                ssrc,
                payload_type,
                index,
                heading: &mut self.heading,
                probe,
            };
            return repetition.send(now, way, out, &media, &sent);
        }
        let header = Header {
            marker: false,
            payload_type,
            seq: index as u16,
            timestamp: self.newest.map_or(0, |newest| newest.timestamp),
            ssrc,
        };
        let packet = Packet {
            header,
            index,
            head: self.heading.of(&Arc::default(), None),
            probe,
        };
        way.send(now, out, packet, Body::<fn(&mut Vec<u8>)>::Padding(padding))
    }

    /// Whether there is something to probe with, and its arrival would be told.
    pub(crate) fn can_probe(&self) -> bool {
        self.rtx.is_some() && self.again_type.is_some() && self.heading.is_numbered()
    }

    /// When it has to tell what it has sent.
    pub(crate) fn report_at(&self) -> Option<Instant> {
        self.report_at
    }

    /// Tells what it has sent, if it is time.
    pub(crate) fn report(&mut self, now: Instant, way: &mut Way, out: &mut Outbox) {
        let Some(newest) = self.newest.filter(|_| self.report_at.is_some_and(|at| at <= now)) else {
            return;
        };
        let Newest {
            sampled, clock_rate, ..
        } = newest;
        let since = ticks(now.saturating_duration_since(sampled.at), clock_rate);
        let timeline = Timeline {
            ntp: way.ntp(now),
            timestamp: sampled.timestamp.wrapping_add(since),
            clock_rate,
        };
        self.report_at = Some(now + REPORT);
        let Some(info) = self.reports.report(way.ntp(now), &timeline) else {
            return;
        };
        way.report(out, |bytes| {
            SenderReport::write(bytes, self.ssrc, info, []);
            write_cname(bytes, self.ssrc, &self.cname);
        });
    }
}

/// The packet that was sent last: what its source's reports tell.
#[derive(Debug, Clone, Copy)]
struct Newest {
    timestamp: u32,
    /// Of the timestamps as they are sent.
    sampled: Sampled,
    clock_rate: u32,
}

/// Under what a packet is sent again.
struct Repetition<'a> {
    ssrc: u32,
    payload_type: u8,
    index: u64,
    heading: &'a mut Heading,
    probe: Option<ProbeId>,
}

impl Repetition<'_> {
    fn send(self, now: Instant, way: &mut Way, out: &mut Outbox, media: &Media, sent: &Sent) -> usize {
        let Changes { vp8, descriptor } = sent.changes;
        let descriptor = descriptor.and_then(|patch| media.described(patch));
        let packet = Packet {
            header: Header {
                seq: self.index as u16,
                ..sent.header(self.ssrc, self.payload_type)
            },
            index: self.index,
            head: self.heading.of(&media.passed, descriptor.as_deref()),
            probe: self.probe,
        };
        let write = |bytes: &mut Vec<u8>| {
            rtx::write(bytes, sent.seq as u16, &[]);
            put(bytes, &media.payload, vp8);
        };
        way.send(now, out, packet, Body::Payload(write))
    }
}

/// Writes a payload, with the ids that this receiver's decoder expects.
fn put(bytes: &mut Vec<u8>, payload: &[u8], vp8: Option<Vp8Ids>) {
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    if let Some(ids) = vp8 {
        ids.write(&mut bytes[start..]);
    }
}
