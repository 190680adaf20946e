//! What a client reports, and what he is told.

use std::time::Instant;

use hst_rtp::rtcp::{Bye, Compound, Message, ReceiverReport};

use super::{Happening, Transport};
use crate::{egress::Line, network::Outbox};

/// A change of the estimate by less than this share, in percent, changes nothing for anybody.
const NOTEWORTHY: u64 = 2;

impl Transport {
    /// Takes reports of the client's. Goodbyes are none: browsers say them of sources with which they go on.
    pub(super) fn hear(&mut self, now: Instant, datagram: &[u8], outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        let plain = self.decrypt(datagram, |receiver, plain| receiver.unprotect_rtcp(plain).ok());
        for message in Compound::new(&plain) {
            self.take_report(now, message, outbox, happenings);
        }
        self.plain = plain;
    }

    fn take_report(
        &mut self,
        now: Instant,
        message: Message<'_>,
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
    ) {
        let blocks = match message {
            Message::SenderReport(report) => {
                self.ingress.handle_report(now, &report);
                report.blocks
            }
            Message::ReceiverReport(report) => report.blocks,
            Message::Nack(nack) => {
                let Self { slots, way, losses, .. } = self;
                let mut lines = slots.iter_mut().filter_map(|slot| slot.line.as_mut());
                if let Some(line) = lines.find(|line| line.ssrc() == nack.media) {
                    line.send_again(now, way, outbox, nack.seqs(), losses.is_lossy());
                }
                return;
            }
            Message::Pli(pli) => return self.take_keyframe_request(pli.media, happenings),
            Message::Fir(fir) => {
                return fir
                    .requests()
                    .for_each(|(ssrc, _)| self.take_keyframe_request(ssrc, happenings));
            }
            Message::TransportFeedback(feedback) => {
                let arrivals = feedback.arrivals(&mut self.reference);
                self.way.estimator().feedback(now, arrivals);
                self.begin_probe(now);
                return self.tell_budget(now, happenings);
            }
            Message::ExtendedReport(report) => return self.ingress.handle_answers(now, &self.way, &report),
            Message::Bye(_) | Message::Remb(_) => return,
        };
        let ntp = self.way.ntp(now);
        for block in blocks {
            if let Some(line) = self.line(block.ssrc) {
                line.hear(ntp, &block);
            }
        }
    }

    fn take_keyframe_request(&mut self, ssrc: u32, happenings: &mut Vec<Happening>) {
        let place = |line: &Option<Line>| line.as_ref().is_some_and(|line| line.ssrc() == ssrc);
        let Some(slot) = self.slots.iter().position(|slot| place(&slot.line)) else {
            return;
        };
        if let Some(line) = &mut self.slots[slot].line {
            line.count_keyframe_request();
        }
        happenings.push(Happening::KeyframeRequest { slot: slot as u16 });
    }

    fn line(&mut self, ssrc: u32) -> Option<&mut Line> {
        let mut lines = self.slots.iter_mut().filter_map(|slot| slot.line.as_mut());
        lines.find(|line| line.ssrc() == ssrc)
    }

    /// Tells what the client's network carries, where that is something else than was told before.
    pub(super) fn tell_budget(&mut self, now: Instant, happenings: &mut Vec<Happening>) {
        let budget = self.budget(now);
        let is_news = match (self.told, budget) {
            (Some(told), Some(budget)) => told.abs_diff(budget) * 100 > told * NOTEWORTHY,
            (told, budget) => told != budget,
        };
        if is_news {
            self.told = budget;
            happenings.push(Happening::Budget(budget));
        }
    }

    /// Tells the client that what we have sent is over.
    pub(super) fn say_goodbye(&mut self, outbox: &mut Outbox) {
        let lines = self.slots.iter().filter_map(|slot| slot.line.as_ref());
        let sources: Vec<_> = lines.flat_map(Line::sources).collect();
        if self.is_connected() && !sources.is_empty() {
            self.way.report(outbox, |out| {
                ReceiverReport::write(out, sources[0], []);
                Bye::write(out, &sources);
            });
        }
    }
}
