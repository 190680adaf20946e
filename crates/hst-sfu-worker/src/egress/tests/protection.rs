//! What protects what a line sends.

use hst_rtp::{fec::Repair, receive::Recovery, rtcp::ReportBlock};
use hst_sfu::TrackId;

use super::*;
use crate::protected::Protected;

const FEC: u8 = 60;
const MID: u8 = 4;

impl Call {
    /// Has these packets of the publisher's protected; says how many bytes that took.
    fn protect(&mut self, numbers: impl IntoIterator<Item = u16>) -> usize {
        let protected = Protected {
            recent: self.recents.of(TrackId(1), 0, 0).expect("something was sent"),
            numbers: numbers.into_iter().collect(),
        };
        let (way, out) = (&mut self.way, &mut self.outbox);
        let type_of = |_: &Media| Some(PT);
        self.line.send_protection(self.now, way, out, &protected, type_of)
    }

    /// What has come, as it was before it left: with no number among all packets.
    fn plain(&mut self) -> Vec<Vec<u8>> {
        let sent = self.outbox.take();
        let plain = sent.into_iter().map(|(_, mut bytes)| {
            let len = self.client.unprotect(&mut bytes).expect("it is for him").len;
            bytes.truncate(len);
            let number = Packet::parse(&bytes).and_then(|it| it.extension_range(NUMBER));
            bytes[number.expect("each is numbered")].fill(0);
            bytes
        });
        plain.collect()
    }

    /// Which packets are protected by what has come.
    fn protected(&mut self) -> Vec<u16> {
        let plain = self.plain();
        let packets = plain.iter().filter_map(|it| Packet::parse(it));
        let repairs = packets.filter(|it| it.header.payload_type == FEC);
        let repairs = repairs.map(|it| Repair::parse(it.payload).expect("well-formed"));
        repairs.flat_map(|it| it.seqs()).collect()
    }
}

#[test]
fn each_packet_that_was_sent_can_be_computed_from_the_others_and_what_protects_them() {
    let mut call = Call::new(0.2);
    let source = call.line.protect(Some(FEC)).expect("it can be sent again");
    assert_eq!(call.line.sources().collect::<Vec<_>>(), [SSRC, RTX, source]);
    // One is left out for him, and one comes late.
    for seq in [65_533, 65_534, 65_536, 65_535, 65_538] {
        call.send(seq);
    }
    let sent = call.plain();
    assert!(call.protect([65_534, 65_535, 0, 1, 2]) > 1000);
    let repair = call.plain().pop().expect("a packet");
    let repair = Packet::parse(&repair).expect("a packet");
    assert_eq!((repair.header.ssrc, repair.header.payload_type), (source, FEC));
    let parsed = Repair::parse(repair.payload).expect("well-formed");
    assert_eq!(parsed.seqs().collect::<Vec<_>>(), [65_534, 65_535, 0, 2]);
    assert_eq!(parsed.ssrc, SSRC);
    for lost in 1..sent.len() {
        let mut recovery = Recovery::new();
        let others = (0..sent.len()).filter(|at| *at != lost);
        others.for_each(|at| recovery.handle_packet(&sent[at], []));
        recovery.handle_repair(&parsed, repair.payload);
        assert_eq!(recovery.poll_recovered().as_ref(), Some(&sent[lost]), "{lost}");
    }
}

#[test]
fn nothing_protects_what_was_not_sent_cannot_be_sent_again_or_is_not_wanted() {
    let mut call = Call::new(0.2);
    call.send(1);
    assert_eq!(call.protect([1]), 0, "that was not agreed on");
    call.line.protect(Some(FEC));
    assert_eq!(call.protect([1]), 0, "it may have been sent under another type");
    call.send(2);
    assert_eq!(call.protect([3, 4]), 0);
    assert!(call.protect([2, 3]) > 0);
    call.line.protect(None);
    assert_eq!(call.protect([2]), 0);
    let mut line = Line::new(SSRC, None, ("0", "somebody"), 0.2);
    assert_eq!(line.protect(Some(FEC)), None, "nothing of it is remembered");
}

#[test]
fn packets_that_had_another_header_than_now_are_not_in_a_sum() {
    let mut call = Call::new(0.2);
    let mut map = ExtensionMap::empty();
    map.set(NUMBER, Extension::TransportSequenceNumber);
    map.set(MID, Extension::RtpMid);
    call.line.set_ids(Ids::of(&map));
    call.line.protect(Some(FEC));
    (1..=4).for_each(|seq| call.send(seq));
    call.protect([1, 2, 3, 4]);
    assert_eq!(call.protected(), [1, 2, 3, 4]);
    // From now on they go without the line's name.
    let ntp = call.way.ntp(call.now);
    call.line.hear(ntp, &ReportBlock::default());
    (5..=6).for_each(|seq| call.send(seq));
    call.protect([3, 4, 5, 6]);
    assert_eq!(call.protected(), [5, 6]);
    call.line.hear(ntp, &ReportBlock::default());
    call.protect([5, 6]);
    assert_eq!(call.protected(), [5, 6], "nothing has changed");
}
