use std::ops::Range;

use crate::wire::u16_at;

/// How many bytes all extensions of a packet may have together, so that they leave the payload its room.
pub const MAX_EXTENSIONS: usize = 512;

/// What a block of extensions begins with, in each of the two forms (RFC 8285 sections 4.2 and 4.3).
const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;
/// What comes before the elements: that, and how many words they are.
pub(crate) const BLOCK_HEADER: usize = 4;

/// The header extensions of a packet, as far as they are well-formed: each an identifier and a value.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    block: &'a [u8],
    form: Form,
    at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

impl<'a> Extensions<'a> {
    pub(crate) const NONE: Self = Self {
        block: &[],
        form: Form::OneByte,
        at: 0,
    };

    /// Takes what comes behind the fixed header and the contributing sources; gives also how long it is.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let end = BLOCK_HEADER + usize::from(u16_at(bytes, 2)?) * 4;
        let block = bytes.get(BLOCK_HEADER..end)?;
        let form = match u16_at(bytes, 0)? {
            ONE_BYTE => Form::OneByte,
            // The lowest four bits are the application's.
            profile if profile & 0xfff0 == TWO_BYTE => Form::TwoByte,
            // Of another kind, which has no elements that we know of (RFC 3550 section 5.3.1).
            _ => return Some((Self::NONE, end)),
        };
        Some((Self { block, form, at: 0 }, end))
    }

    /// The next element: its identifier, and where its value stands in the block.
    pub(crate) fn next_range(&mut self) -> Option<(u8, Range<usize>)> {
        // Single bytes of zero are padding.
        self.at += self.block.get(self.at..)?.iter().take_while(|byte| **byte == 0).count();
        let first = *self.block.get(self.at)?;
        let (id, start, len) = match self.form {
            Form::OneByte => (first >> 4, self.at + 1, usize::from(first & 0x0f) + 1),
            Form::TwoByte => (first, self.at + 2, usize::from(*self.block.get(self.at + 1)?)),
        };
        let range = start..start + len;
        let ends = self.form == Form::OneByte && (id == 0 || id == 15);
        if ends || range.end > self.block.len() {
            self.at = self.block.len();
            return None;
        }
        self.at = range.end;
        Some((id, range))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, range) = self.next_range()?;
        Some((id, &self.block[range]))
    }
}

/// Appends a block of extensions; says whether there was one to write.
pub(crate) fn write<'a>(out: &mut Vec<u8>, elements: impl Iterator<Item = (u8, &'a [u8])> + Clone) -> bool {
    let start = out.len();
    // Nearly all packets: what does not fit shows while they are written, so that they are looked at only once.
    if put(out, Form::OneByte, elements.clone()).is_none() {
        out.truncate(start);
        put(out, Form::TwoByte, elements);
    }
    let len = out.len() - start - BLOCK_HEADER;
    if len == 0 {
        out.truncate(start);
        return false;
    }
    let words = len.div_ceil(4);
    out.resize(start + BLOCK_HEADER + words * 4, 0);
    out[start + 2..start + BLOCK_HEADER].copy_from_slice(&(words as u16).to_be_bytes());
    true
}

/// Appends the elements, without what fills them up to whole words; `None` if one of them does not fit the form.
fn put<'a>(out: &mut Vec<u8>, form: Form, elements: impl Iterator<Item = (u8, &'a [u8])>) -> Option<()> {
    let start = out.len();
    let [kind, profile] = match form {
        Form::OneByte => ONE_BYTE.to_be_bytes(),
        Form::TwoByte => TWO_BYTE.to_be_bytes(),
    };
    out.extend_from_slice(&[kind, profile, 0, 0]);
    for (id, value) in elements {
        let len = value.len();
        if id == 0 || len > 255 {
            continue;
        }
        let fits = id < 15 && (1..=16).contains(&len);
        if form == Form::OneByte && !fits {
            return None;
        }
        if out.len() - start + 2 + len > MAX_EXTENSIONS {
            continue;
        }
        match form {
            Form::OneByte => out.push(id << 4 | (len - 1) as u8),
            Form::TwoByte => out.extend_from_slice(&[id, len as u8]),
        }
        out.extend_from_slice(value);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u8, &[u8])> {
        Extensions::parse(bytes).unwrap().0.collect()
    }

    #[test]
    fn the_one_byte_form_is_that_of_rfc_8285_section_4_2() {
        // Its figure: elements of one, two and four bytes, with padding behind the second.
        let figure = [
            0xbe, 0xde, 0, 3, 0x10, 0xaa, 0x21, 0xbb, 0xbc, 0, 0, 0x33, 0xcc, 0xcd, 0xce, 0xcf,
        ];
        let elements = read(&figure);
        assert_eq!(
            elements,
            [(1, &[0xaa][..]), (2, &[0xbb, 0xbc]), (3, &[0xcc, 0xcd, 0xce, 0xcf])]
        );
        let mut out = Vec::new();
        assert!(write(&mut out, elements.into_iter()));
        assert_eq!(
            out,
            [
                0xbe, 0xde, 0, 3, 0x10, 0xaa, 0x21, 0xbb, 0xbc, 0x33, 0xcc, 0xcd, 0xce, 0xcf, 0, 0
            ]
        );
    }

    #[test]
    fn the_two_byte_form_is_that_of_rfc_8285_section_4_3() {
        // Its figure: elements of none, one and four bytes, with padding between them.
        let figure = [0x10, 0x05, 0, 3, 1, 0, 2, 1, 0xbb, 0, 3, 4, 0xcc, 0xcd, 0xce, 0xcf];
        let elements = read(&figure);
        assert_eq!(elements, [(1, &[][..]), (2, &[0xbb]), (3, &[0xcc, 0xcd, 0xce, 0xcf])]);
        let mut out = Vec::new();
        assert!(write(&mut out, elements.clone().into_iter()));
        assert_eq!(out[..4], [0x10, 0, 0, 3]);
        assert_eq!(read(&out), elements);
    }

    #[test]
    fn what_fits_one_byte_is_written_so_and_one_that_does_not_changes_the_form_of_all() {
        let long = [7; 17];
        for (other, profile) in [
            ((14, &long[..16]), ONE_BYTE),
            ((15, &long[..1]), TWO_BYTE),
            ((14, &long[..]), TWO_BYTE),
            ((14, &[]), TWO_BYTE),
        ] {
            let elements = [(1, &[1, 2][..]), other];
            let mut out = Vec::new();
            assert!(write(&mut out, elements.into_iter()));
            assert_eq!(u16_at(&out, 0), Some(profile));
            assert_eq!(read(&out), elements);
        }
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        let (huge, large) = ([0; 256], [1; 255]);
        let mut out = Vec::new();
        assert!(!write(&mut out, [(0, &[1][..]), (1, &huge)].into_iter()));
        assert!(out.is_empty());
        assert!(write(&mut out, [(1, &large[..]), (2, &large), (3, &[9])].into_iter()));
        assert!(out.len() <= MAX_EXTENSIONS);
        assert_eq!(read(&out), [(1, &large[..]), (3, &[9])]);
    }

    #[test]
    fn elements_end_at_the_first_that_makes_no_sense() {
        let ends = |rest: [u8; 2]| read(&[0xbe, 0xde, 0, 1, 0x10, 0xaa, rest[0], rest[1]]).len();
        assert_eq!(ends([0x20, 0xbb]), 2);
        assert_eq!(ends([0x21, 0xbb]), 1, "longer than the block");
        assert_eq!(ends([0xf0, 0xbb]), 1, "15 is reserved");
        assert_eq!(
            read(&[0xbe, 0xde, 0, 1, 0x01, 0xaa, 0xbb, 0]),
            [],
            "padding has no length"
        );
        assert_eq!(read(&[0x10, 0, 0, 1, 1, 0, 0, 2]), [(1, &[][..])], "no length");
        assert_eq!(read(&[0x77, 0, 0, 1, 1, 0, 0, 2]), []);
        assert!(
            Extensions::parse(&[0xbe, 0xde, 0, 1, 0, 0, 0]).is_none(),
            "the block is longer than the packet"
        );
    }
}
