use std::{hint::black_box, sync::Arc};

use hst_rtp::{Header, write_header};

use crate::passed::{Ids, Passed};

/// The headers of a line's packets: each has the extensions of the packet before, but for few, so they are kept as they were
/// written.
#[derive(Debug, Default)]
pub(super) struct Heading {
    ids: Ids,
    /// The line's name, until the client reports: from then on he knows which source belongs to it (RFC 8843 section 15.1).
    mid: Option<Vec<u8>>,
    written: Vec<u8>,
    /// What the written one passes on; `None` where it is out of date.
    passed: Option<Arc<Passed>>,
}

/// The header of a packet, but for its numbers: those that [`Header::patch`] writes, and the one among all packets of the
/// connection, which is the first extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether it has one of that kind.
    pub(super) is_numbered: bool,
}

impl Heading {
    pub(super) fn new(mid: &str) -> Self {
        Self {
            mid: Some(mid.as_bytes().to_vec()),
            ..Self::default()
        }
    }

    pub(super) fn foresee(&self) {
        black_box(self.written.first().copied());
    }

    /// The client has agreed on these identifiers.
    pub(super) fn set_ids(&mut self, ids: Ids) {
        self.ids = ids;
        self.passed = None;
    }

    pub(super) fn ids(&self) -> Ids {
        self.ids
    }

    /// The client knows which line it is. Says whether that was news.
    pub(super) fn drop_mid(&mut self) -> bool {
        let is_news = self.mid.take().is_some();
        if is_news {
            self.passed = None;
        }
        is_news
    }

    /// Whether each packet has a number of its own among all of the connection.
    pub(super) fn is_numbered(&self) -> bool {
        self.ids.transport_seq.is_some()
    }

    /// The header of a packet that passes this on, with its dependency descriptor as it is to be for this receiver.
    pub(super) fn of(&mut self, passed: &Arc<Passed>, descriptor: Option<&[u8]>) -> Head<'_> {
        if descriptor.is_some() || self.passed.as_ref() != Some(passed) {
            self.write(passed, descriptor);
        }
        Head {
            bytes: &self.written,
            is_numbered: self.is_numbered(),
        }
    }

    fn write(&mut self, passed: &Arc<Passed>, descriptor: Option<&[u8]>) {
        let Self { ids, mid, written, .. } = self;
        let number = ids.transport_seq.map(|id| (id, &[0, 0][..]));
        let own = [number, ids.mid.zip(mid.as_deref()), ids.descriptor.zip(descriptor)];
        let extensions = own.into_iter().flatten().chain(passed.under(ids));
        written.clear();
        write_header(written, Header::default(), extensions);
        self.passed = descriptor.is_none().then(|| passed.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use hst_rtp::Packet;
    use str0m::rtp::{Extension, ExtensionMap};

    use super::*;
    use crate::{extension::dependency_descriptor, passed::AUDIO_LEVEL};

    const NUMBER: u8 = 3;
    const MID: u8 = 4;
    const LEVEL: u8 = 1;

    fn ids() -> Ids {
        let mut map = ExtensionMap::empty();
        map.set(NUMBER, Extension::TransportSequenceNumber);
        map.set(MID, Extension::RtpMid);
        map.set(LEVEL, Extension::AudioLevel);
        Ids::of(&map)
    }

    fn level(level: u8) -> Arc<Passed> {
        let mut passed = Passed::default();
        passed.push(AUDIO_LEVEL, &[level]).unwrap();
        Arc::new(passed)
    }

    fn read(head: Head<'_>) -> Vec<(u8, Vec<u8>)> {
        let extensions = Packet::parse(head.bytes).unwrap().extensions();
        extensions.map(|(id, value)| (id, value.to_vec())).collect()
    }

    #[test]
    fn what_was_written_holds_until_something_of_it_changes() {
        let mut heading = Heading::new("7");
        let passed = Arc::default();
        assert_eq!(read(heading.of(&passed, None)), [], "nothing was agreed on");
        heading.set_ids(ids());
        let (number, name) = ((NUMBER, vec![0, 0]), (MID, b"7".to_vec()));
        for _ in 0..2 {
            assert_eq!(read(heading.of(&passed, None)), [number.clone(), name.clone()]);
        }
        heading.drop_mid();
        assert_eq!(read(heading.of(&passed, None)), slice::from_ref(&number));
        for loud in [5, 5, 9] {
            let expected = [number.clone(), (LEVEL, vec![loud])];
            assert_eq!(read(heading.of(&level(loud), None)), expected);
        }
        assert_eq!(read(heading.of(&passed, None)), [number]);
    }

    #[test]
    fn a_descriptor_is_that_of_its_packet_alone() {
        let mut map = ExtensionMap::empty();
        map.set(5, dependency_descriptor());
        let mut heading = Heading::new("7");
        heading.set_ids(Ids::of(&map));
        let passed = Arc::default();
        for descriptor in [&[1, 2, 3][..], &[4, 5, 6]] {
            assert_eq!(read(heading.of(&passed, Some(descriptor))), [(5, descriptor.to_vec())]);
            assert_eq!(read(heading.of(&passed, None)), []);
        }
    }
}
