//! What is said on a link.

use bytes::{BufMut as _, Bytes, BytesMut};

const OPEN: u8 = 1;
const CLOSE: u8 = 2;
const WORD: u8 = 3;
/// The longest name of a room.
const MAX_NAME: usize = 1024;

/// A frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// From now on this channel is the room of this name.
    Open { channel: u32, room: &'a str },
    /// It is no more.
    Close { channel: u32 },
    /// A word of that room.
    Word { channel: u32, word: &'a [u8] },
}

impl<'a> Frame<'a> {
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        let (kind, channel, rest) = match *self {
            Self::Open { channel, room } => (OPEN, channel, room.as_bytes()),
            Self::Close { channel } => (CLOSE, channel, &[][..]),
            Self::Word { channel, word } => (WORD, channel, word),
        };
        bytes.put_u8(kind);
        bytes.put_u32(channel);
        bytes.put_slice(rest);
        bytes.freeze()
    }

    /// `None` is nothing that this version knows.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let (channel, rest) = channel(rest)?;
        Some(match kind {
            OPEN => Self::Open {
                channel,
                room: std::str::from_utf8(rest).ok().filter(|name| name.len() <= MAX_NAME)?,
            },
            CLOSE if rest.is_empty() => Self::Close { channel },
            WORD => Self::Word { channel, word: rest },
            _ => return None,
        })
    }
}

/// A datagram's channel, and the packet.
pub(crate) fn channel(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (channel, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*channel), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let channel = u32::MAX - 1;
        for frame in [
            Frame::Open {
                channel,
                room: "app/räume",
            },
            Frame::Close { channel },
            Frame::Word { channel, word: &[1, 2] },
        ] {
            assert_eq!(Frame::read(&frame.to_bytes()), Some(frame));
        }
        // Nodes of neighbouring versions write these: other bytes are another of the `VERSIONS`.
        let frame = |bytes: &'static [u8]| Frame::read(bytes).map(|frame| frame.to_bytes());
        for bytes in [&b"\x01\0\0\0\x07app/g"[..], b"\x02\0\0\0\x07", b"\x03\0\0\0\x07word"] {
            assert_eq!(frame(bytes).as_deref(), Some(bytes));
        }
        for garbled in [
            &[][..],
            &[OPEN, 0, 0, 0],
            &[OPEN, 0, 0, 0, 1, 0xff],
            &[CLOSE, 0, 0, 0, 1, 1],
            &[9, 0, 0, 0, 1],
        ] {
            assert_eq!(Frame::read(garbled), None, "{garbled:?}");
        }
    }
}
