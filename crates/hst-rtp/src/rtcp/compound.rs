use super::{
    Bye, ExtendedReport, Fir, Nack, Pli, ReceiverReport, Remb, SenderReport, TransportFeedback,
    frame::{Frame, kind},
};

/// How many packets all messages of a datagram may name together: a run of 8,191 takes two bytes, and whoever walks through what
/// some thousand bytes can say walks for long. A message that names more than is left is passed over.
pub const MAX_NAMED: usize = 1 << 14;

/// Whether a datagram of a path that RTP and RTCP share is the latter (RFC 5761 section 4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [0x80..0xc0, 192..=223, ..])
}

/// The messages of a datagram, up to the first that is no message. Those of kinds that nobody here asks for, and those of which
/// the inside makes no sense, are passed over.
#[derive(Debug, Clone)]
pub struct Compound<'a> {
    rest: &'a [u8],
    /// How many packets may still be named.
    named: usize,
}

/// A message of RTCP.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// What a sender has sent, and how it receives.
    SenderReport(SenderReport<'a>),
    /// How somebody receives.
    ReceiverReport(ReceiverReport<'a>),
    /// Sources that are over.
    Bye(Bye<'a>),
    /// Packets that are asked for again.
    Nack(Nack<'a>),
    /// A keyframe is asked for.
    Pli(Pli),
    /// The same, with a number by which a repeated request is known.
    Fir(Fir<'a>),
    /// How much may be sent.
    Remb(Remb<'a>),
    /// When packets arrived.
    TransportFeedback(TransportFeedback<'a>),
    /// What is told beside reports.
    ExtendedReport(ExtendedReport<'a>),
}

impl<'a> Compound<'a> {
    /// Takes a plain datagram.
    pub fn new(datagram: &'a [u8]) -> Self {
        Self {
            rest: datagram,
            named: MAX_NAMED,
        }
    }

    fn message(&mut self, frame: Frame<'a>) -> Option<Message<'a>> {
        let Frame { kind, count, body } = frame;
        let message = match (kind, count) {
            (kind::SENDER_REPORT, _) => Message::SenderReport(SenderReport::read(count, body)?),
            (kind::RECEIVER_REPORT, _) => Message::ReceiverReport(ReceiverReport::read(count, body)?),
            (kind::BYE, _) => Message::Bye(Bye::read(count, body)?),
            (kind::TRANSPORT_FEEDBACK, Nack::FORMAT) => Message::Nack(Nack::read(body)?),
            (kind::TRANSPORT_FEEDBACK, TransportFeedback::FORMAT) => {
                // How many it names must be known before it is walked through.
                let names = TransportFeedback::status_count_of(body)?;
                self.named = self.named.checked_sub(names.into())?;
                return TransportFeedback::read(body).map(Message::TransportFeedback);
            }
            (kind::PAYLOAD_FEEDBACK, Pli::FORMAT) => Message::Pli(Pli::read(body)?),
            (kind::PAYLOAD_FEEDBACK, Fir::FORMAT) => Message::Fir(Fir::read(body)?),
            (kind::PAYLOAD_FEEDBACK, Remb::FORMAT) => Message::Remb(Remb::read(body)?),
            (kind::EXTENDED_REPORT, _) => Message::ExtendedReport(ExtendedReport::read(body)?),
            _ => return None,
        };
        if let Message::Nack(nack) = &message {
            self.named = self.named.checked_sub(nack.most())?;
        }
        Some(message)
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        loop {
            let (frame, rest) = Frame::split(self.rest)?;
            self.rest = rest;
            if let Some(message) = self.message(frame) {
                return Some(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtcp_is_told_from_rtp_by_its_second_byte() {
        assert!(is_rtcp(&[0x80, 200, 0, 6]) && is_rtcp(&[0xbf, 223]));
        assert!(!is_rtcp(&[0x80, 96]) && !is_rtcp(&[0x80, 0x80 | 96]) && !is_rtcp(&[0x16, 200]) && !is_rtcp(&[0x80]));
    }

    #[test]
    fn messages_that_nobody_asks_for_are_passed_over() {
        let mut datagram = Vec::new();
        super::super::write_cname(&mut datagram, 1, "cname");
        datagram.extend([0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e']);
        datagram.extend([0x80, 208, 0, 1, 0, 0, 0, 1]);
        datagram.extend([0x81, 200, 0, 1, 0, 0, 0, 1]);
        let pli = Pli { sender: 1, media: 2 };
        pli.write(&mut datagram);
        datagram.extend([0x81, 206]);
        let messages: Vec<_> = Compound::new(&datagram).collect();
        assert!(
            matches!(&messages[..], [Message::Pli(read)] if *read == pli),
            "{messages:?}"
        );
    }

    #[test]
    fn a_datagram_names_no_more_packets_than_it_may() {
        // Two runs of 8,191 lost packets, again and again.
        let runs = [
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0x3f, 0xfe, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff,
        ];
        let named = |datagram: &[u8]| -> usize {
            let names = |message| match message {
                Message::TransportFeedback(feedback) => usize::from(feedback.status_count),
                Message::Nack(nack) => nack.seqs().count(),
                _ => 0,
            };
            Compound::new(datagram).map(names).sum()
        };
        assert_eq!(named(&runs), 16_382);
        assert_eq!(named(&runs.repeat(60)), 16_382);
        let mut nacks = Vec::new();
        Nack::write(&mut nacks, 1, 2, 0..MAX_NAMED as u16);
        assert_eq!(named(&nacks), 0, "the last entry names more than it needs");
        nacks.clear();
        Nack::write(&mut nacks, 1, 2, 0..10_000);
        assert_eq!(named(&nacks.repeat(2)), 10_000);
    }
}
