//! What a client publishes.

use std::{mem, time::Duration};

use hst_rtp::{
    Header, Ntp,
    rtcp::{SenderInfo, SenderReport, write_cname},
    rtx,
    value::{AbsSendTime, AudioLevel},
    write_header,
};
use hst_srtp::Sender;
use str0m::{Rtc, media::Mid};

use crate::{Kind, Pace, formats::Formats, packet};

/// How loud a speaker is, in decibels below the loudest: those who began first are the louder ones.
const LOUD: u8 = 20;
/// So many packets are kept for when they are asked for again.
const KEPT: usize = 512;

/// A line on which a client publishes.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) mid: Mid,
    kind: Kind,
    ssrc: u32,
    /// The source of what is sent again, and how many were.
    again: Option<(u32, u32)>,
    /// Of the next packet.
    number: u32,
    time: u32,
    octets: u32,
    wants_key: bool,
    /// The packets of the last numbers, each where its number leads.
    kept: Vec<Kept>,
}

/// A packet that may be asked for again.
#[derive(Debug, Default, Clone)]
struct Kept {
    seq: u16,
    time: u32,
    marker: bool,
    payload: Vec<u8>,
}

/// What all lines of a client share.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) sender: Sender,
    pub(crate) formats: Formats,
    /// Of the next packet.
    transport_seq: u16,
    /// How loud the client is.
    level: u8,
}

impl Way {
    pub(crate) fn new(sender: Sender, formats: Formats, place: usize) -> Self {
        Self {
            sender,
            formats,
            transport_seq: 0,
            level: LOUD + place.min(80) as u8,
        }
    }

    /// Writes the header of a packet that leaves now.
    fn head(&mut self, out: &mut Vec<u8>, line: &Sending, header: Header, sent: Duration) {
        let level = AudioLevel {
            below_loudest: self.level,
            is_speech: true,
        };
        let (level, time, seq) = (
            level.to_bytes(),
            AbsSendTime::at(sent).to_bytes(),
            self.transport_seq.to_be_bytes(),
        );
        self.transport_seq = self.transport_seq.wrapping_add(1);
        // What has no identifier is left out.
        let level_id = match line.kind {
            Kind::Sound => self.formats.level,
            Kind::Picture => 0,
        };
        let extensions: [(u8, &[u8]); 4] = [
            (level_id, &level),
            (self.formats.send_time, &time),
            (self.formats.transport_seq, &seq),
            (self.formats.mid, line.mid.as_bytes()),
        ];
        write_header(out, header, extensions);
    }
}

impl Sending {
    pub(crate) fn new(mid: Mid, kind: Kind) -> Self {
        Self {
            mid,
            kind,
            ssrc: 0,
            again: None,
            number: 0,
            time: 0,
            octets: 0,
            wants_key: true,
            kept: Vec::new(),
        }
    }

    /// Takes the sources that str0m has named in the offer.
    pub(crate) fn name(&mut self, rtc: &mut Rtc) {
        let mut api = rtc.direct_api();
        if let Some(stream) = api.stream_tx_by_mid(self.mid, None) {
            self.ssrc = *stream.ssrc();
            self.again = stream.rtx().map(|ssrc| (*ssrc, 0));
        }
    }

    /// Whether the next burst is a keyframe, because one was asked for.
    pub(crate) fn take_wants_key(&mut self) -> bool {
        mem::take(&mut self.wants_key)
    }

    /// The source is asked for a keyframe.
    pub(crate) fn ask_key(&mut self, ssrc: u32) {
        self.wants_key |= ssrc == self.ssrc;
    }

    /// Writes the next packet into an empty buffer, encrypted: one of a burst, which says that it leaves now.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        way: &mut Way,
        pace: &Pace,
        index: usize,
        is_key: bool,
        sent: Duration,
    ) {
        // Below the middle, so that nobody mistakes the first ones for the last before a wrap.
        let seq = u64::from(self.number) + 1;
        let header = Header {
            marker: index + 1 == pace.burst,
            payload_type: way.formats.payload_type(self.kind),
            seq: seq as u16,
            timestamp: self.time,
            ssrc: self.ssrc,
        };
        way.head(out, self, header, sent);
        let header_len = out.len();
        match self.kind {
            Kind::Picture => packet::picture(out, pace.size, self.number, sent, index == 0, is_key),
            Kind::Sound => packet::sound(out, pace.size, self.number, sent),
        }
        self.octets = self.octets.wrapping_add((out.len() - header_len) as u32);
        self.number += 1;
        if self.again.is_some() {
            self.keep(&header, &out[header_len..]);
        }
        way.sender.protect(seq, out, 0, header_len);
    }

    /// The clock goes on by what lies between two bursts.
    pub(crate) fn end_burst(&mut self, pace: &Pace) {
        let rate = match self.kind {
            Kind::Sound => 48_000,
            Kind::Picture => 90_000,
        };
        let ticks = pace.every.as_micros() as u64 * rate / 1_000_000;
        self.time = self.time.wrapping_add(ticks as u32);
    }

    fn keep(&mut self, header: &Header, payload: &[u8]) {
        if self.kept.is_empty() {
            self.kept.resize(KEPT, Kept::default());
        }
        let kept = &mut self.kept[usize::from(header.seq) % KEPT];
        (kept.seq, kept.time, kept.marker) = (header.seq, header.timestamp, header.marker);
        kept.payload.clear();
        kept.payload.extend_from_slice(payload);
    }

    /// Writes a packet of this source that is asked for again into an empty buffer, if it is still there; says whether it is.
    pub(crate) fn write_again(
        &mut self,
        out: &mut Vec<u8>,
        way: &mut Way,
        ssrc: u32,
        seq: u16,
        sent: Duration,
    ) -> bool {
        let kept = self.kept.get(usize::from(seq) % KEPT);
        let kept = kept.filter(|kept| ssrc == self.ssrc && kept.seq == seq && !kept.payload.is_empty());
        let Some((kept, (again, count))) = kept.zip(self.again) else {
            return false;
        };
        let index = u64::from(count) + 1;
        let header = Header {
            marker: kept.marker,
            payload_type: way.formats.again,
            seq: index as u16,
            timestamp: kept.time,
            ssrc: again,
        };
        way.head(out, self, header, sent);
        let header_len = out.len();
        rtx::write(out, seq, &kept.payload);
        way.sender.protect(index, out, 0, header_len);
        self.again = Some((again, count + 1));
        true
    }

    /// Appends a report of what was sent.
    pub(crate) fn report(&self, time: Duration, out: &mut Vec<u8>) {
        if self.number > 0 {
            let info = SenderInfo {
                ntp: Ntp::from_unix(time),
                timestamp: self.time,
                packets: self.number,
                octets: self.octets,
            };
            SenderReport::write(out, self.ssrc, info, []);
            write_cname(out, self.ssrc, "load");
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_rtp::{Packet, value::transport_seq};
    use hst_srtp::{Profile, Side, contexts};

    use super::*;

    #[test]
    fn a_packet_that_is_asked_for_comes_again_in_a_stream_of_its_own() {
        let profile = Profile::AeadAes128Gcm;
        let exported = vec![7; profile.exported_len()];
        let (sender, _) = contexts(profile, &exported, Side::Client).unwrap();
        let (_, mut receiver) = contexts(profile, &exported, Side::Server).unwrap();
        let formats = Formats {
            picture: 96,
            again: 97,
            transport_seq: 3,
            mid: 4,
            ..Formats::default()
        };
        let mut way = Way::new(sender, formats, 0);
        let mut line = Sending::new("0".into(), Kind::Picture);
        (line.ssrc, line.again) = (7, Some((8, 0)));
        let pace = Pace {
            every: Duration::from_millis(33),
            burst: 2,
            size: 100,
        };
        let sent = Duration::from_secs(5);
        let mut open = |out: &[u8]| {
            let mut bytes = out.to_vec();
            let opened = receiver.unprotect(&mut bytes).unwrap();
            bytes.truncate(opened.len);
            bytes
        };

        for index in 0..2 {
            let mut out = Vec::new();
            line.write(&mut out, &mut way, &pace, index, true, sent);
            let bytes = open(&out);
            let packet = Packet::parse(&bytes).unwrap();
            let header = packet.header;
            assert_eq!((header.ssrc, header.payload_type, header.marker), (7, 96, index == 1));
            assert_eq!(packet.extension(3).and_then(transport_seq), Some(index as u16));
            assert_eq!(packet.extension(4), Some(&b"0"[..]));
            let number = packet::check(packet.payload, sent).unwrap().0;
            assert_eq!((number, packet.payload.len()), (index as u32, 100));
        }
        let mut out = Vec::new();
        assert!(!line.write_again(&mut out, &mut way, 7, 3, sent) && !line.write_again(&mut out, &mut way, 9, 2, sent));
        assert!(line.write_again(&mut out, &mut way, 7, 2, sent));
        let bytes = open(&out);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.header.ssrc, packet.header.payload_type), (8, 97));
        let (seq, payload) = rtx::read(packet.payload).unwrap();
        assert_eq!((seq, packet::check(payload, sent).unwrap().0), (2, 1));
    }
}
