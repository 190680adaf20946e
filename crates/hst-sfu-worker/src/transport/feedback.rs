//! What a client tells of what we send, and what str0m would send him in our place.

use std::time::Instant;

use hst_rtp::rtcp::{Compound, Message, ReceiverReport, is_rtcp};
use str0m::{Input, rtp::Ssrc};

use super::{Happening, Transport};
use crate::{dtls::Contexts, egress::Line, network::Outbox, remote::Remote};

/// A change of the estimate by less than this share, in percent, changes nothing for anybody.
const NOTEWORTHY: u64 = 2;
/// No source has this number: whoever is named so is nobody.
const NOBODY: u32 = 0;
/// The kinds of messages that only who sends media writes: his reports, and his name (RFC 3550 section 12.1).
const SENDER_REPORT: u8 = 200;
const DESCRIPTION: u8 = 202;
/// A request for a keyframe (RFC 4585 section 6.3.1): its kind, its format, and where it names whom it asks.
const PLI: (u8, u8) = (206, 1);
const MEDIA_AT: usize = 8;

impl Transport {
    /// Takes reports of the client's. str0m gets them as well, for what it receives.
    pub(super) fn hear(&mut self, now: Instant, datagram: &[u8], outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        let plain = self.decrypt(datagram, |contexts| &mut contexts.inward);
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
            Message::SenderReport(report) => report.blocks,
            Message::ReceiverReport(report) => report.blocks,
            Message::Nack(nack) => {
                let Self { slots, way, .. } = self;
                let mut lines = slots.iter_mut().filter_map(|slot| slot.line.as_mut());
                if let Some(line) = lines.find(|line| line.ssrc() == nack.media) {
                    line.send_again(now, way, outbox, nack.seqs());
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
            _ => return,
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

    /// Has str0m say where it sends to, which it only says by sending: a request to nobody, which goes no further.
    pub(super) fn ask_way(&mut self, now: Instant, outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        let asked = self.guard(|it| {
            let nobody = Ssrc::from(NOBODY);
            it.rtc.direct_api().send_pli_feedback(nobody, nobody);
            Ok(())
        });
        self.end_on(asked, happenings);
        self.drive(now, Input::Timeout(now), outbox, happenings);
    }

    /// Passes on what str0m sends. Its reports are encrypted anew: under the same keys two who count for themselves would use
    /// the same numbers, and give the keys away. It has sent no media, so what it says as a sender of such is left out.
    pub(super) fn relay(&mut self, to: Remote, datagram: &[u8], outbox: &mut Outbox) {
        if !matches!(datagram, [0x80..0xc0, ..]) {
            return outbox.push(to, datagram);
        }
        self.way.lead_to(to);
        if !is_rtcp(datagram) {
            return;
        }
        let plain = self.decrypt(datagram, |contexts| &mut contexts.own);
        self.way.report(outbox, |out| pass_on(&plain, out));
        self.plain = plain;
    }

    /// The plain text of reports; nothing of what is not authentic. Whoever has read it gives the buffer back.
    fn decrypt(&mut self, datagram: &[u8], receiver: fn(&mut Contexts) -> &mut hst_srtp::Receiver) -> Vec<u8> {
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        plain.extend_from_slice(datagram);
        let contexts = self.way.contexts();
        let len = contexts.and_then(|contexts| receiver(contexts).unprotect_rtcp(&mut plain).ok());
        plain.truncate(len.unwrap_or_default());
        plain
    }
}

/// Copies the messages of one who receives.
fn pass_on(compound: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = compound;
    while let &[first, kind, high, low, ..] = rest {
        let len = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let Some((message, behind)) = rest.split_at_checked(len) else {
            break;
        };
        rest = behind;
        let to_nobody = (kind, first & 0x1f) == PLI && message.get(MEDIA_AT..).is_some_and(|media| media == [0; 4]);
        if to_nobody || kind == SENDER_REPORT || kind == DESCRIPTION {
            continue;
        }
        // The first of them has to be a report (RFC 3550 section 6.1).
        if out.len() == start && kind != 201 {
            ReceiverReport::write(out, NOBODY, []);
        }
        out.extend_from_slice(message);
    }
}

#[cfg(test)]
mod tests {
    use hst_rtp::rtcp::{Nack, Pli, SenderInfo, SenderReport, write_cname};

    use super::*;

    fn passed_on(compound: &[u8]) -> Vec<String> {
        let mut out = vec![0xaa; 3];
        pass_on(compound, &mut out);
        Compound::new(&out[3..])
            .map(|message| {
                format!("{message:?}")
                    .split(['(', ' '])
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn what_str0m_says_as_a_receiver_is_passed_on_behind_a_report() {
        let (nobody, somebody) = (Pli { sender: 0, media: 0 }, Pli { sender: 0, media: 5 });
        let mut compound = Vec::new();
        SenderReport::write(&mut compound, 5, SenderInfo::default(), []);
        write_cname(&mut compound, 5, "somebody");
        nobody.write(&mut compound);
        assert_eq!(passed_on(&compound), [""; 0]);
        Nack::write(&mut compound, 1, 5, [3]);
        somebody.write(&mut compound);
        assert_eq!(passed_on(&compound), ["ReceiverReport", "Nack", "Pli"]);
        let mut reports = Vec::new();
        ReceiverReport::write(&mut reports, 1, []);
        reports.extend(&compound);
        assert_eq!(passed_on(&reports), ["ReceiverReport", "Nack", "Pli"]);
        // Whatever it is, it ends.
        for len in 0..reports.len() {
            passed_on(&reports[..len]);
        }
    }
}
