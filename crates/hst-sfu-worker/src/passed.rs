//! The header extensions that speak from sender to receiver, and so are passed on as they are; the others speak from hop to hop.

use str0m::rtp::{Extension, ExtensionMap};

use crate::extension::DEPENDENCY_URI;

/// How many kinds are passed on.
pub(crate) const KINDS: usize = 5;
/// The longest value that is passed on.
const MAX_LEN: usize = 32;

/// The kind of an extension, if it is passed on.
pub(crate) fn kind(extension: &Extension) -> Option<u8> {
    Some(match extension {
        Extension::AudioLevel => AUDIO_LEVEL,
        Extension::VideoOrientation => 1,
        Extension::VideoContentType => 2,
        Extension::AbsoluteCaptureTime => 3,
        Extension::PlayoutDelay => 4,
        _ => return None,
    })
}

/// The kind of how loud a sound is.
pub(crate) const AUDIO_LEVEL: u8 = 0;

/// Under which identifiers the receiver on a line has which extensions: each line may have agreed on others.
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
            let place = match (extension, kind(extension)) {
                (_, Some(kind)) => &mut ids.passed[usize::from(kind)],
                (Extension::TransportSequenceNumber, _) => &mut ids.transport_seq,
                (Extension::RtpMid, _) => &mut ids.mid,
                (other, _) if other.as_uri() == DEPENDENCY_URI => &mut ids.descriptor,
                _ => continue,
            };
            *place = Some(id);
        }
        ids
    }
}

/// The extensions of a packet that are passed on: of each its kind, its length and its value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Passed(Vec<u8>);

impl Passed {
    /// Each with its kind.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> + Clone {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let [kind, len, behind @ ..] = rest else { return None };
            let (value, behind) = behind.split_at_checked(usize::from(*len))?;
            rest = behind;
            Some((*kind, value))
        })
    }

    /// Adds one, unless it is none that could be passed on.
    pub(crate) fn push(&mut self, kind: u8, value: &[u8]) -> Option<()> {
        // A kind that comes twice would be written twice.
        let is_new = self.iter().all(|(other, _)| other != kind);
        if usize::from(kind) >= KINDS || value.len() > MAX_LEN || !is_new {
            return None;
        }
        self.0.extend_from_slice(&[kind, value.len() as u8]);
        self.0.extend_from_slice(value);
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
    use super::*;

    fn ids(pairs: &[(u8, Extension)]) -> Ids {
        let mut map = ExtensionMap::empty();
        pairs.iter().for_each(|(id, extension)| map.set(*id, extension.clone()));
        Ids::of(&map)
    }

    #[test]
    fn values_go_under_the_identifiers_of_their_receiver_each_kind_once() {
        let receiver = ids(&[
            (9, Extension::VideoOrientation),
            (1, Extension::TransportSequenceNumber),
            (2, Extension::PlayoutDelay),
        ]);
        let mut passed = Passed::default();
        for (kind, value) in [(0, &[0x85][..]), (1, &[3]), (4, &[]), (1, &[2])] {
            let is_first = passed.iter().all(|(other, _)| other != kind);
            assert_eq!(passed.push(kind, value).is_some(), is_first);
        }
        assert_eq!(passed.push(KINDS as u8, &[1]), None, "no such kind");
        assert_eq!(passed.push(2, &[1; MAX_LEN + 1]), None, "too long");
        assert!(passed.under(&receiver).eq([(9, &[3][..]), (2, &[])]), "{passed:?}");
        assert_eq!(receiver.transport_seq, Some(1));
    }
}
