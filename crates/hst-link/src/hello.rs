use std::ops::RangeInclusive;

use bytes::{Buf as _, BufMut as _, Bytes};

use crate::{CloseCode, CloseReason, NodeName};

/// The most bytes that a hello may have; a stranger's first frame is not longer.
pub(crate) const MAX_HELLO: usize = 512;

/// What each side says first: two versions of 16 bits, the epoch of 64 bits, the length of the name in 8 bits, the name.
/// Numbers have the highest byte first. This much never changes, so that nodes of all releases can tell each other why
/// they do not fit; what a later one adds follows behind, and is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) name: NodeName,
    pub(crate) epoch: u64,
    pub(crate) versions: RangeInclusive<u16>,
}

impl Hello {
    pub(crate) fn encode(&self) -> Bytes {
        let name = self.name.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(13 + name.len());
        bytes.put_u16(*self.versions.start());
        bytes.put_u16(*self.versions.end());
        bytes.put_u64(self.epoch);
        // A DNS name has 253 bytes at most.
        bytes.put_u8(name.len() as u8);
        bytes.put_slice(name);
        bytes.into()
    }

    pub(crate) fn decode(mut bytes: Bytes) -> Option<Self> {
        let versions = bytes.try_get_u16().ok()?..=bytes.try_get_u16().ok()?;
        let epoch = bytes.try_get_u64().ok()?;
        let len = bytes.try_get_u8().ok()?.into();
        let name = std::str::from_utf8(bytes.get(..len)?).ok()?;
        let name = NodeName::parse(name).ok()?;
        Some(Self { name, epoch, versions })
    }

    /// The newest version that both speak, or what to tell the peer.
    pub(crate) fn agree(&self, peer: &Self) -> Result<u16, CloseReason> {
        let oldest = *self.versions.start().max(peer.versions.start());
        let newest = *self.versions.end().min(peer.versions.end());
        if oldest <= newest {
            return Ok(newest);
        }
        let text = format!(
            "{} speaks {}, {} speaks {}",
            self.name,
            words(self),
            peer.name,
            words(peer)
        );
        Err(CloseReason::new(CloseCode::Version, text))
    }
}

fn words(hello: &Hello) -> String {
    let (oldest, newest) = (hello.versions.start(), hello.versions.end());
    if oldest == newest {
        format!("version {newest}")
    } else {
        format!("versions {oldest} to {newest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(name: &str, versions: RangeInclusive<u16>) -> Hello {
        Hello {
            name: NodeName::parse(name).unwrap(),
            epoch: 0x0102_0304_0506_0708,
            versions,
        }
    }

    #[test]
    fn its_bytes_are_for_ever_and_may_be_followed_by_more() {
        let hello = hello("n1", 2..=3);
        let bytes = b"\x00\x02\x00\x03\x01\x02\x03\x04\x05\x06\x07\x08\x02n1";
        assert_eq!(&hello.encode()[..], bytes);
        assert_eq!(Hello::decode(Bytes::from_static(bytes)), Some(hello.clone()));
        let longer = [&bytes[..], b"more"].concat();
        assert_eq!(Hello::decode(longer.into()), Some(hello));
        for len in 0..bytes.len() {
            assert_eq!(Hello::decode(Bytes::from_static(&bytes[..len])), None, "{len} bytes");
        }
    }

    #[test]
    fn whatever_is_changed_in_it_it_is_read_as_it_is_written_or_not_at_all() {
        let bytes = hello("node-1", 2..=3).encode();
        for (place, value) in (0..bytes.len()).flat_map(|place| (0..=u8::MAX).map(move |value| (place, value))) {
            let mut changed = bytes.to_vec();
            changed[place] = value;
            if let Some(hello) = Hello::decode(changed.clone().into()) {
                assert!(changed.starts_with(&hello.encode()), "{value} at {place}");
            }
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let label = "a".repeat(63);
        let name = [&label[..], &label, &label, &label[..61]].join(".");
        let hello = hello(&name, 1..=1);
        assert!(hello.encode().len() <= MAX_HELLO);
        assert_eq!(Hello::decode(hello.encode()), Some(hello));
    }

    #[test]
    fn neighbours_understand_each_other_and_others_hear_why_not() {
        let old = hello("old", 1..=2);
        let new = hello("new", 2..=3);
        assert_eq!((old.agree(&new), new.agree(&old)), (Ok(2), Ok(2)));
        assert_eq!(new.agree(&new), Ok(3));
        let newest = hello("newest", 4..=4);
        let reason = newest.agree(&old).unwrap_err();
        assert_eq!(reason.code, CloseCode::Version);
        assert_eq!(reason.text, "newest speaks version 4, old speaks versions 1 to 2");
    }

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "a peer may say anything")]
    fn an_empty_range_fits_nobody() {
        assert!(hello("a", 1..=5).agree(&hello("b", 3..=2)).is_err());
    }
}
