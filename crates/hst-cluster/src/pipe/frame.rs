use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{NodeId, Owner, Subject};

/// The first byte of every frame: one of another version is not understood.
const VERSION: u8 = 1;
/// How many missing messages one frame asks for; the rest is asked for by the next.
pub(super) const MAX_MISSING: usize = 64;

/// A process that has ends of pipes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) node: NodeId,
    /// Random, drawn once when the process starts.
    pub(super) boot: u64,
}

/// What one end tells the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Where it comes from.
    pub(super) sender: Address,
    /// The sender's number for the pipe, used once in the life of its process.
    pub(super) from: u64,
    /// The receiver's number for it; 0 before it is known.
    pub(super) to: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A pipe is to begin. Repeated until the other end is heard.
    Open { greeting: Bytes },
    /// A message; all messages of the other direction before `next` have come.
    Data { seq: u64, next: u64, message: Bytes },
    /// All messages before `next` have come, and these behind it have not although others have.
    Ack { next: u64, missing: Vec<u64> },
    /// There is no such pipe, or no more.
    End,
}

impl From<&Owner> for Address {
    fn from(owner: &Owner) -> Self {
        Self {
            node: owner.node.clone(),
            boot: owner.boot,
        }
    }
}

impl Address {
    /// Where frames for it are heard.
    pub(super) fn subject(&self) -> Subject {
        let pipes = Subject::parse("pipe").expect("letters are a part");
        pipes.with(&self.node).with(&self.boot)
    }
}

impl Frame {
    /// As it goes over the bus, integers in network byte order.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        let node = self.sender.node.as_str();
        bytes.put_u8(VERSION);
        bytes.put_u8(self.what.kind());
        bytes.put_u64(self.to);
        bytes.put_u64(self.from);
        bytes.put_u64(self.sender.boot);
        bytes.put_u8(node.len().try_into().expect("a name has at most 128 bytes"));
        bytes.put_slice(node.as_bytes());
        match &self.what {
            What::Open { greeting } => bytes.put_slice(greeting),
            What::Data { seq, next, message } => {
                bytes.put_u64(*seq);
                bytes.put_u64(*next);
                bytes.put_slice(message);
            }
            What::Ack { next, missing } => {
                bytes.put_u64(*next);
                missing.iter().for_each(|&seq| bytes.put_u64(seq));
            }
            What::End => {}
        }
        bytes.freeze()
    }

    /// What was sent; `None` if it is none of this version.
    pub(super) fn read(mut bytes: Bytes) -> Option<Self> {
        if bytes.try_get_u8().ok()? != VERSION {
            return None;
        }
        let kind = bytes.try_get_u8().ok()?;
        let to = bytes.try_get_u64().ok()?;
        let from = bytes.try_get_u64().ok()?;
        let boot = bytes.try_get_u64().ok()?;
        let length = usize::from(bytes.try_get_u8().ok()?);
        if bytes.len() < length {
            return None;
        }
        let node = bytes.split_to(length);
        let node = NodeId::parse(std::str::from_utf8(&node).ok()?).ok()?;
        let what = What::read(kind, bytes)?;
        // Only who opens a pipe does not know the other end's number.
        let is_sound = from != 0 && (to == 0) == matches!(what, What::Open { .. });
        let sender = Address { node, boot };
        is_sound.then_some(Self { sender, from, to, what })
    }
}

impl What {
    fn kind(&self) -> u8 {
        match self {
            Self::Open { .. } => 1,
            Self::Data { .. } => 2,
            Self::Ack { .. } => 3,
            Self::End => 4,
        }
    }

    fn read(kind: u8, mut bytes: Bytes) -> Option<Self> {
        Some(match kind {
            1 => Self::Open { greeting: bytes },
            2 => Self::Data {
                seq: bytes.try_get_u64().ok()?,
                next: bytes.try_get_u64().ok()?,
                message: bytes,
            },
            3 => {
                let next = bytes.try_get_u64().ok()?;
                let mut missing = Vec::new();
                while missing.len() < MAX_MISSING
                    && let Ok(seq) = bytes.try_get_u64()
                {
                    missing.push(seq);
                }
                Self::Ack { next, missing }
            }
            4 => Self::End,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(to: u64, what: What) -> Frame {
        let node = NodeId::parse("n1").unwrap();
        let sender = Address { node, boot: u64::MAX };
        Frame {
            sender,
            from: 7,
            to,
            what,
        }
    }

    #[test]
    fn every_frame_is_read_as_it_was_written_and_half_of_one_is_none_or_another() {
        let greeting = Bytes::from_static(b"hello");
        let message = Bytes::from_static(b"word");
        for frame in [
            frame(0, What::Open { greeting }),
            frame(
                8,
                What::Data {
                    seq: 1,
                    next: 2,
                    message,
                },
            ),
            frame(
                8,
                What::Ack {
                    next: 3,
                    missing: vec![4, 6],
                },
            ),
            frame(8, What::End),
        ] {
            let bytes = frame.to_bytes();
            assert_eq!(Frame::read(bytes.clone()).as_ref(), Some(&frame));
            for length in 0..bytes.len() {
                assert_ne!(Frame::read(bytes.slice(..length)).as_ref(), Some(&frame));
            }
        }
    }

    /// Nodes of neighbouring versions write these: other bytes are another version.
    #[test]
    fn the_bytes_of_a_frame_stay() {
        let head = |kind: u8, to: u8| {
            let mut head = vec![1, kind, 0, 0, 0, 0, 0, 0, 0, to, 0, 0, 0, 0, 0, 0, 0, 7];
            head.extend([0xff; 8]);
            head.extend(b"\x02n1");
            head
        };
        let number = |number: u8| [0, 0, 0, 0, 0, 0, 0, number];
        let (greeting, message) = (Bytes::from_static(b"hello"), Bytes::from_static(b"word"));
        let missing = vec![4, 6];
        for (what, to, kind, rest) in [
            (What::Open { greeting }, 0, 1, b"hello".to_vec()),
            (
                What::Data {
                    seq: 1,
                    next: 2,
                    message,
                },
                8,
                2,
                [&number(1)[..], &number(2), b"word"].concat(),
            ),
            (
                What::Ack { next: 3, missing },
                8,
                3,
                [number(3), number(4), number(6)].concat(),
            ),
            (What::End, 8, 4, Vec::new()),
        ] {
            let bytes = [head(kind, to), rest].concat();
            assert_eq!(frame(to.into(), what.clone()).to_bytes(), bytes, "{what:?}");
        }
    }

    #[test]
    fn whatever_is_changed_in_it_it_is_read_as_it_is_written_or_not_at_all() {
        let (greeting, message) = (Bytes::from_static(b"hello"), Bytes::from_static(b"word"));
        let missing = vec![4, 6];
        let data = What::Data {
            seq: 1,
            next: 2,
            message,
        };
        let whats = [What::Open { greeting }, data, What::Ack { next: 3, missing }, What::End];
        for (what, to) in whats.into_iter().zip([0, 8, 8, 8]) {
            let bytes = frame(to, what).to_bytes();
            for (place, value) in (0..bytes.len()).flat_map(|place| (0..=u8::MAX).map(move |value| (place, value))) {
                let mut changed = bytes.to_vec();
                changed[place] = value;
                for end in [bytes.len(), place + 1] {
                    let changed = &changed[..end];
                    if let Some(frame) = Frame::read(Bytes::copy_from_slice(changed)) {
                        // What follows the last whole number, or an end, is passed over.
                        assert!(changed.starts_with(&frame.to_bytes()), "{value} at {place} of {end}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_no_end_sends_is_none() {
        let sound = frame(8, What::End).to_bytes();
        for (at, byte) in [(0, VERSION + 1), (1, 0), (1, 5), (27, b'.')] {
            let mut other = sound.to_vec();
            other[at] = byte;
            assert_eq!(Frame::read(other.into()), None, "byte {at}");
        }
        let unknown = frame(0, What::End).to_bytes();
        assert_eq!(Frame::read(unknown), None, "it names nothing that could end");
    }
}
