//! What the header extensions of a client's packet tell.

use hst_rtp::{
    Packet,
    value::{AudioLevel, transport_seq},
};
use str0m::rtp::{Extension, ExtensionMap, vla};

use crate::{
    extension::DEPENDENCY_URI,
    passed::{AUDIO_LEVEL, Passed, kind},
};

/// Identifiers go up to this; str0m negotiates no larger ones.
const MAX_ID: usize = 16;

/// What the identifiers of extensions stand for in what a client sends: on each of his lines for the same (RFC 8843 section 9.1).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meanings([Option<Meaning>; MAX_ID + 1]);

#[derive(Debug, Clone, Copy)]
enum Meaning {
    TransportSeq,
    Mid,
    Rid,
    RepairedRid,
    Descriptor,
    Layers,
    /// When it was sent, which nobody here asks for.
    SendTime,
    /// It is for the receivers, as what.
    Passed(u8),
}

/// What a packet tells.
#[derive(Debug, Default)]
pub(crate) struct Told<'a> {
    /// Its number among all packets of the connection.
    pub(crate) transport_seq: Option<u16>,
    /// The names of its line, of its encoding, and of the encoding that it repairs.
    pub(crate) mid: Option<&'a [u8]>,
    pub(crate) rid: Option<&'a [u8]>,
    pub(crate) repaired_rid: Option<&'a [u8]>,
    /// Which frames its frame needs.
    pub(crate) descriptor: Option<&'a [u8]>,
    /// How large the layers are (video layers allocation).
    pub(crate) layers: Option<&'a [u8]>,
    /// How far its sound is below the loudest, in decibels.
    pub(crate) level: Option<u8>,
    pub(crate) passed: Passed,
}

impl Meanings {
    /// Adds what was agreed on for a line.
    pub(crate) fn learn(&mut self, map: &ExtensionMap) {
        for (id, extension) in map.iter() {
            let meaning = match (extension, kind(extension)) {
                (_, Some(kind)) => Meaning::Passed(kind),
                (Extension::TransportSequenceNumber, _) => Meaning::TransportSeq,
                (Extension::AbsoluteSendTime | Extension::TransmissionTimeOffset, _) => Meaning::SendTime,
                (Extension::RtpMid, _) => Meaning::Mid,
                (Extension::RtpStreamId, _) => Meaning::Rid,
                (Extension::RepairedRtpStreamId, _) => Meaning::RepairedRid,
                (other, _) if other.as_uri() == DEPENDENCY_URI => Meaning::Descriptor,
                (other, _) if other.as_uri() == vla::URI => Meaning::Layers,
                _ => continue,
            };
            if let Some(place) = self.0.get_mut(usize::from(id)) {
                *place = Some(meaning);
            }
        }
    }

    /// The identifiers of what senders write when a packet leaves, after it was protected.
    pub(crate) fn written_late(&self) -> impl Iterator<Item = u8> + '_ {
        let is_late = |meaning: &Option<Meaning>| matches!(meaning, Some(Meaning::TransportSeq | Meaning::SendTime));
        (0..)
            .zip(&self.0)
            .filter_map(move |(id, meaning)| is_late(meaning).then_some(id))
    }
}

impl<'a> Told<'a> {
    /// Reads the extensions of a packet. Of what comes twice the last counts, and of what is passed on the first.
    pub(crate) fn read(packet: &Packet<'a>, meanings: &Meanings) -> Self {
        let mut told = Self::default();
        for (id, value) in packet.extensions() {
            let Some(Some(meaning)) = meanings.0.get(usize::from(id)) else {
                continue;
            };
            match meaning {
                Meaning::TransportSeq => told.transport_seq = transport_seq(value),
                Meaning::Mid => told.mid = Some(value),
                Meaning::Rid => told.rid = Some(value),
                Meaning::RepairedRid => told.repaired_rid = Some(value),
                Meaning::Descriptor => told.descriptor = Some(value),
                Meaning::SendTime => {}
                Meaning::Layers => told.layers = Some(value),
                Meaning::Passed(kind) => {
                    if *kind == AUDIO_LEVEL {
                        told.level = AudioLevel::read(value).map(|level| level.below_loudest);
                    }
                    // What is longer than any such value is left out.
                    let _ = told.passed.push(*kind, value);
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use hst_rtp::{Header, write_header};

    use super::*;

    #[test]
    fn a_packet_tells_what_was_agreed_on_and_nothing_else() {
        let mut meanings = Meanings::default();
        for (id, extension) in [
            (1, Extension::AudioLevel),
            (2, Extension::TransportSequenceNumber),
            (4, Extension::RtpMid),
        ] {
            let mut map = ExtensionMap::empty();
            map.set(id, extension);
            meanings.learn(&map);
        }
        let mut datagram = Vec::new();
        let written = [
            (1, &[0x85][..]),
            (2, &[7, 8]),
            (4, b"0"),
            (5, &[1]),
            (200, &[2]),
            (1, &[9]),
        ];
        write_header(&mut datagram, Header::default(), written);
        datagram.push(0);
        let told = Told::read(&Packet::parse(&datagram).expect("a packet"), &meanings);
        assert_eq!((told.transport_seq, told.mid), (Some(0x0708), Some(&b"0"[..])));
        assert!(told.passed.iter().eq([(AUDIO_LEVEL, &[0x85][..])]), "{told:?}");
        assert!(told.rid.is_none() && told.descriptor.is_none());
        for len in 0..datagram.len() {
            if let Some(packet) = Packet::parse(&datagram[..len]) {
                Told::read(&packet, &meanings);
            }
        }
    }
}
