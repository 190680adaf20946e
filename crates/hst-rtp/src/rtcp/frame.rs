use crate::wire::{put_u16, u16_at};

/// What each message begins with.
pub(crate) const HEADER: usize = 4;

const VERSION: u8 = 2 << 6;
const HAS_PADDING: u8 = 0x20;

/// The kinds of messages (RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 2).
pub(crate) mod kind {
    pub(crate) const SENDER_REPORT: u8 = 200;
    pub(crate) const RECEIVER_REPORT: u8 = 201;
    pub(crate) const DESCRIPTION: u8 = 202;
    pub(crate) const BYE: u8 = 203;
    pub(crate) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(crate) const PAYLOAD_FEEDBACK: u8 = 206;
    pub(crate) const EXTENDED_REPORT: u8 = 207;
}

/// A message, of whatever kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    /// How many things are in it, or of which format it is: 5 bits.
    pub(crate) count: u8,
    /// What comes behind the header, without padding.
    pub(crate) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Splits the first message off.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let &[first, kind, ..] = bytes else { return None };
        let len = HEADER + usize::from(u16_at(bytes, 2)?) * 4;
        let (message, rest) = bytes.split_at_checked(len)?;
        let mut body = &message[HEADER..];
        if first & HAS_PADDING != 0 {
            let padding = usize::from(*body.last()?);
            body = &body[..body.len().checked_sub(padding).filter(|_| padding != 0)?];
        }
        let count = first & 0x1f;
        (first & 0xc0 == VERSION).then_some((Self { kind, count, body }, rest))
    }
}

/// Appends a message: its body, and how many things are in that or of which format it is, are what `fill` makes. It is filled
/// up to a whole word.
pub(crate) fn write(out: &mut Vec<u8>, kind: u8, fill: impl FnOnce(&mut Vec<u8>) -> u8) {
    let start = out.len();
    out.extend_from_slice(&[VERSION, kind]);
    put_u16(out, 0);
    let count = fill(out);
    let words = (out.len() - start - HEADER).div_ceil(4);
    out.resize(start + HEADER + words * 4, 0);
    out[start] |= count & 0x1f;
    out[start + 2..start + HEADER].copy_from_slice(&(words as u16).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_from_what_follows() {
        let mut out = Vec::new();
        write(&mut out, 204, |out| {
            out.extend(*b"abcde");
            3
        });
        assert_eq!(out, *b"\x83\xcc\0\x02abcde\0\0\0");
        out.extend(*b"rest");
        let (frame, rest) = Frame::split(&out).unwrap();
        assert_eq!((frame.kind, frame.count, frame.body), (204, 3, &b"abcde\0\0\0"[..]));
        assert_eq!(rest, b"rest");
    }

    #[test]
    fn padding_is_taken_off_where_it_can_be() {
        let padded = |last| [0xa0, 204, 0, 1, 0, 0, 0, last];
        assert_eq!(Frame::split(&padded(4)).unwrap().0.body, []);
        assert!(Frame::split(&padded(0)).is_none());
        assert!(Frame::split(&padded(5)).is_none());
    }

    #[test]
    fn what_is_cut_off_or_of_another_version_is_no_message() {
        for bytes in [
            &[0x80, 204, 0][..],
            &[0x80, 204, 0, 1, 0, 0, 0],
            &[0x40, 204, 0, 0],
            &[0xa0, 204, 0, 0],
        ] {
            assert!(Frame::split(bytes).is_none(), "{bytes:?}");
        }
    }
}
