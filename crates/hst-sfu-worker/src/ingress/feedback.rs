use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hst_rtp::{
    receive::MAX_FEEDBACK,
    rtcp::{ExtendedReport, Nack, Pli, ReceiverReport, SenderReport, write_receiver_time},
};

use super::{Ingress, Lost, sources::Source};
use crate::{egress::Way, media::Media, network::Outbox};

/// How often it is reported what has come, and how soon for the first time: the answer tells how long the way is.
const REPORT: Duration = Duration::from_secs(1);
const FIRST_REPORT: Duration = Duration::from_millis(200);
/// How long the way there and back is taken to be until it is known.
const UNKNOWN: Duration = Duration::from_millis(100);
/// So many packets are asked for at once, and for 100 that come: what little would be enough where losses are rare, and 111 with 40 %
/// lost on both ways.
const BUDGET: (u16, u32) = (128, 200);
/// Where packets wait for so long, they are lost because too much is sent: to ask for much would make it worse.
const QUEUED: Duration = Duration::from_millis(100);
const LITTLE: (u16, u32) = (16, 25);
/// Requests are sent so often that no larger share of them is lost with all copies, but not more often than this.
const UNHEARD: f32 = 0.02;
const COPIES: usize = 4;
/// The most bytes of messages in one datagram, beside the report that it begins with.
const MAX_MESSAGES: usize = MAX_FEEDBACK + 50;
/// The kind of a receiver's report (RFC 3550 section 6.4.2).
const RECEIVER_REPORT: u8 = 201;

impl Ingress {
    /// When to call [`tell`](Self::tell).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn wake_at(&mut self, at: Option<Instant>) {
        self.due = self.due.into_iter().chain(at).min();
    }

    /// Something has come.
    pub(super) fn begin_reports(&mut self, now: Instant) {
        if self.report_at.is_none() {
            self.report_at = Some(now + FIRST_REPORT);
            self.wake_at(self.report_at);
        }
    }

    /// The way there and back, as his answers tell it.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip.smoothed()
    }

    /// Takes what he reports of a source of his.
    pub(crate) fn handle_report(&mut self, now: Instant, report: &SenderReport<'_>) {
        if let Some(Source::Media(stream)) = self.sources.get(report.ssrc) {
            stream.handle_report(now, report.info);
            self.clock.take(now, report.info.ntp);
            self.sources
                .streams()
                .for_each(|(_, stream)| stream.handle_clock(&self.clock));
        }
    }

    /// Takes what he answers to our reports.
    pub(crate) fn handle_answers(&mut self, now: Instant, way: &Way, report: &ExtendedReport<'_>) {
        let own = report.answers().filter(|answer| answer.ssrc == self.voice);
        for answer in own {
            self.round_trip.handle_answer(way.ntp(now), &answer);
        }
    }

    /// Tells what is due: what is missing, what has come, and when. `round_trip` is what else is known of the way. Says whether
    /// anything was due.
    pub(crate) fn tell(
        &mut self,
        now: Instant,
        round_trip: Option<Duration>,
        way: &mut Way,
        outbox: &mut Outbox,
    ) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.report(now, way);
        self.ask(now, round_trip);
        while self
            .arrivals
            .poll_feedback(now, self.voice, self.any, &mut self.messages)
        {}
        self.send(way, outbox);
        let streams = self
            .sources
            .streams()
            .filter_map(|(_, stream)| stream.poll_timeout())
            .min();
        self.due = streams
            .into_iter()
            .chain(self.report_at)
            .chain(self.arrivals.poll_timeout())
            .chain(self.holds.poll_timeout())
            .min();
        true
    }

    fn report(&mut self, now: Instant, way: &Way) {
        if self.report_at.is_none_or(|at| at > now) {
            return;
        }
        let streams = self.sources.streams();
        let mut blocks = streams.filter_map(|(ssrc, stream)| stream.report(now, ssrc)).peekable();
        // Of what is silent there is nothing to report, until it is heard again.
        self.report_at = blocks.peek().map(|_| now + REPORT);
        if self.report_at.is_some() {
            ReceiverReport::write(&mut self.messages, self.voice, blocks);
            write_receiver_time(&mut self.messages, self.voice, way.ntp(now));
        }
    }

    fn ask(&mut self, now: Instant, round_trip: Option<Duration>) {
        let is_queued = self.is_queued();
        let (at_once, share) = if is_queued { LITTLE } else { BUDGET };
        self.budget.set(at_once, share);
        let known = self.round_trip.smoothed().or(round_trip).unwrap_or(UNKNOWN);
        let round_trip = if is_queued { known + self.waits } else { known };
        let mut seqs = Vec::new();
        for (ssrc, stream) in self.sources.streams() {
            stream.ask(now, round_trip, &mut self.budget, &mut seqs);
            Nack::write(&mut self.messages, self.voice, ssrc, seqs.drain(..));
        }
    }

    /// Takes a packet on its way to the receivers, and appends what goes on now.
    pub(crate) fn hold(&mut self, now: Instant, media: Arc<Media>, released: &mut Vec<Arc<Media>>) {
        self.holds.take(now, media, released);
        self.wake_at(self.holds.poll_timeout());
    }

    /// Which packets have been given up since the last time: of each source the newest. None while packets wait in a queue, which a
    /// keyframe would only make longer.
    pub(crate) fn given_up(&mut self) -> impl Iterator<Item = Lost> + '_ {
        let is_queued = self.is_queued();
        let lost = self.sources.streams().filter_map(|(_, stream)| stream.given_up());
        lost.filter(move |_| !is_queued)
    }

    /// Whether too much is sent.
    fn is_queued(&self) -> bool {
        self.waits > QUEUED
    }

    /// Asks for keyframes of these sources, and sends what is to be told: on a way that loses much in some datagrams, of which one
    /// comes nearly for sure. It is one request all the same.
    pub(crate) fn ask_for_keyframes(&mut self, now: Instant, ssrcs: &[u32], way: &mut Way, outbox: &mut Outbox) {
        // A source of few packets may have lost none of late on a way that loses many.
        let losses = self.sources.streams().map(|(_, stream)| stream.quality().loss_rate);
        let lost = losses.fold(0.0, f32::max);
        let copies = if self.is_queued() { 1 } else { copies(lost) };
        for _ in 0..copies {
            for &media in ssrcs {
                let sender = self.voice;
                Pli { sender, media }.write(&mut self.messages);
            }
            self.send(way, outbox);
        }
        ssrcs.iter().for_each(|ssrc| self.holds.begin(now, *ssrc));
    }

    /// Sends what is to be told, as much in a datagram as fits, each behind a report (RFC 3550 section 6.1).
    pub(crate) fn send(&mut self, way: &mut Way, outbox: &mut Outbox) {
        let mut rest = &self.messages[..];
        while !rest.is_empty() {
            let (messages, later) = rest.split_at(fitting(rest));
            way.report(outbox, |out| {
                if messages[1] != RECEIVER_REPORT {
                    ReceiverReport::write(out, self.voice, []);
                }
                out.extend_from_slice(messages);
            });
            rest = later;
        }
        self.messages.clear();
    }
}

/// In how many datagrams to send what should come, where this share is lost.
fn copies(lost: f32) -> usize {
    let all_lost = |copies: &usize| lost.powi(*copies as i32) <= UNHEARD;
    (1..COPIES).find(all_lost).unwrap_or(COPIES)
}

/// The bytes of the first messages that fit one datagram together, at least of one.
fn fitting(messages: &[u8]) -> usize {
    let mut len = 0;
    while let Some(&[_, _, high, low]) = messages[len..].first_chunk() {
        let next = len + (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        if next > MAX_MESSAGES && len > 0 {
            break;
        }
        len = next;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_lost_the_more_copies_there_are() {
        for (lost, expected) in [(0.0, 1), (0.01, 1), (0.1, 2), (0.2, 3), (0.4, 4), (1.0, 4)] {
            assert_eq!(copies(lost), expected, "{lost}");
        }
    }
}
