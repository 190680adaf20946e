//! The header extensions that speak from sender to receiver, and so are passed on as they are; the others speak from hop to hop.

use std::ops::Range;

use hst_rtp::Packet;
use str0m::rtp::{Extension, ExtensionMap};

use crate::extension::DEPENDENCY_URI;

/// How many kinds are passed on.
const KINDS: usize = 5;
/// The longest value that is passed on.
const MAX_LEN: usize = 32;

/// What the identifiers of extensions stand for on one line: each end of it may have agreed on others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ids {
    /// Of the sequence number among all packets of the connection.
    pub(crate) transport_seq: Option<u8>,
    /// Of the name of the line.
    pub(crate) mid: Option<u8>,
    /// Of dependency descriptors, which are not passed on as they are.
    pub(crate) descriptor: Option<u8>,
    passed: [Option<u8>; KINDS],
}

impl Ids {
    pub(crate) fn of(map: &ExtensionMap) -> Self {
        let mut ids = Self::default();
        for (id, extension) in map.iter() {
            let kind = match extension {
                Extension::TransportSequenceNumber => {
                    ids.transport_seq = Some(id);
                    continue;
                }
                Extension::RtpMid => {
                    ids.mid = Some(id);
                    continue;
                }
                Extension::AudioLevel => 0,
                Extension::VideoOrientation => 1,
                Extension::VideoContentType => 2,
                Extension::AbsoluteCaptureTime => 3,
                Extension::PlayoutDelay => 4,
                other => {
                    if other.as_uri() == DEPENDENCY_URI {
                        ids.descriptor = Some(id);
                    }
                    continue;
                }
            };
            ids.passed[kind] = Some(id);
        }
        ids
    }

    /// Those of all lines of a connection: there an identifier stands for the same on each (RFC 8843 section 9.1).
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            transport_seq: self.transport_seq.or(other.transport_seq),
            mid: self.mid.or(other.mid),
            descriptor: self.descriptor.or(other.descriptor),
            passed: std::array::from_fn(|kind| self.passed[kind].or(other.passed[kind])),
        }
    }

    fn kind(&self, id: u8) -> Option<u8> {
        let kind = self.passed.iter().position(|other| *other == Some(id))?;
        Some(kind as u8)
    }
}

/// The extensions of a packet that are passed on, each by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Passed {
    bytes: Vec<u8>,
    values: Vec<(u8, Range<u16>)>,
}

impl Passed {
    /// Takes them out of a packet, which may still be encrypted.
    pub(crate) fn read(datagram: &[u8], ids: &Ids) -> Self {
        let mut passed = Self::default();
        let Some(packet) = Packet::parse_header(datagram) else {
            return passed;
        };
        for (id, value) in packet.extensions() {
            let _ = ids.kind(id).and_then(|kind| passed.push(kind, value));
        }
        passed
    }

    /// Each with its kind.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> + Clone {
        let value = |range: &Range<u16>| &self.bytes[usize::from(range.start)..usize::from(range.end)];
        self.values.iter().map(move |(kind, range)| (*kind, value(range)))
    }

    /// Adds one, unless it is none that could be passed on.
    pub(crate) fn push(&mut self, kind: u8, value: &[u8]) -> Option<()> {
        // A kind that comes twice would be written twice.
        let is_new = self.values.iter().all(|(other, _)| *other != kind);
        if usize::from(kind) >= KINDS || value.len() > MAX_LEN || !is_new {
            return None;
        }
        let start = self.bytes.len() as u16;
        self.bytes.extend_from_slice(value);
        self.values.push((kind, start..self.bytes.len() as u16));
        Some(())
    }

    /// Under the identifiers of whoever receives it; those that he does not take are left out.
    pub(crate) fn under<'a>(&'a self, ids: &'a Ids) -> impl Iterator<Item = (u8, &'a [u8])> + Clone + 'a {
        self.iter()
            .filter_map(|(kind, value)| Some((ids.passed[usize::from(kind)]?, value)))
    }
}

#[cfg(test)]
mod tests {
    use hst_rtp::{Header, write_header};

    use super::*;

    fn ids(pairs: &[(u8, Extension)]) -> Ids {
        let mut map = ExtensionMap::empty();
        pairs.iter().for_each(|(id, extension)| map.set(*id, extension.clone()));
        Ids::of(&map)
    }

    #[test]
    fn values_go_under_the_identifiers_of_their_receiver_and_those_from_hop_to_hop_do_not() {
        let sender = ids(&[
            (1, Extension::AudioLevel),
            (2, Extension::TransportSequenceNumber),
            (4, Extension::VideoOrientation),
        ]);
        let receiver = ids(&[
            (9, Extension::VideoOrientation),
            (1, Extension::TransportSequenceNumber),
        ]);
        let mut datagram = Vec::new();
        let written = [(1, &[0x85][..]), (2, &[7, 7]), (4, &[3]), (5, &[1]), (4, &[2])];
        write_header(&mut datagram, Header::default(), written);
        let passed = Passed::read(&datagram, &sender);
        assert!(passed.under(&receiver).eq([(9, &[3][..])]), "{passed:?}");
        assert!(passed.under(&sender).eq([(1, &[0x85][..]), (4, &[3])]));
        assert_eq!(receiver.transport_seq, Some(1));
        for len in 0..datagram.len() {
            Passed::read(&datagram[..len], &sender);
        }
    }
}
