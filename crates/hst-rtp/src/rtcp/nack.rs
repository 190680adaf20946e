use super::frame::{self, kind};
use crate::wire::{put_u16, put_u32, u32_at};

/// An entry names a packet, and any of the 16 behind it.
const NAMES: usize = 17;

/// Packets of a source that are asked for again (generic NACK, RFC 4585 section 6.2.1).
#[derive(Debug, Clone)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender: u32,
    /// Of which source.
    pub media: u32,
    entries: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(crate) const FORMAT: u8 = 1;

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        Some(Self {
            sender: u32_at(body, 0)?,
            media: u32_at(body, 4)?,
            entries: body[8..].as_chunks().0,
        })
    }

    /// The sequence numbers, in the order in which they are named.
    pub fn seqs(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.entries.iter().flat_map(|&[first, second, high, low]| {
            let seq = u16::from_be_bytes([first, second]);
            let behind = u16::from_be_bytes([high, low]);
            let others = (0..16).filter(move |bit| behind >> bit & 1 != 0);
            std::iter::once(seq).chain(others.map(move |bit| seq.wrapping_add(bit + 1)))
        })
    }

    /// So many sequence numbers it has at most.
    pub(crate) fn most(&self) -> usize {
        self.entries.len() * NAMES
    }

    /// Appends such a message for sequence numbers in their order, across where they wrap; none where there are none.
    pub fn write(out: &mut Vec<u8>, sender: u32, media: u32, seqs: impl IntoIterator<Item = u16>) {
        let mut seqs = seqs.into_iter().peekable();
        if seqs.peek().is_none() {
            return;
        }
        frame::write(out, kind::TRANSPORT_FEEDBACK, |out| {
            put_u32(out, sender);
            put_u32(out, media);
            while let Some(seq) = seqs.next() {
                let mut behind = 0;
                let bit = |other: &u16| other.wrapping_sub(seq).wrapping_sub(1);
                while let Some(other) = seqs.next_if(|other| bit(other) < 16) {
                    behind |= 1 << bit(&other);
                }
                put_u16(out, seq);
                put_u16(out, behind);
            }
            Self::FORMAT
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Compound, super::Message, *};

    fn read(bytes: &[u8]) -> Vec<u16> {
        match Compound::new(bytes).next() {
            Some(Message::Nack(nack)) => nack.seqs().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_written_as_rfc_4585_draws_it() {
        let mut out = Vec::new();
        Nack::write(&mut out, 1, 2, [10, 11, 13, 26, 27]);
        let figure = [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0x80, 0b101, 0, 27, 0, 0];
        assert_eq!(out, figure);
        assert_eq!(read(&figure), [10, 11, 13, 26, 27]);
    }

    #[test]
    fn numbers_that_wrap_are_in_one_entry() {
        let mut out = Vec::new();
        Nack::write(&mut out, 1, 2, [65_535, 0, 1]);
        assert_eq!(out.len(), 16);
        assert_eq!(read(&out), [65_535, 0, 1]);
    }

    #[test]
    fn nothing_is_asked_for_by_nothing() {
        let mut out = Vec::new();
        Nack::write(&mut out, 1, 2, []);
        assert!(out.is_empty());
    }
}
