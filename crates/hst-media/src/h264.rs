//! The little that everybody who touches H.264 must know: where its NAL units begin (ITU-T H.264 annex B) and what
//! they are.

/// A slice of an IDR picture, where a decoder can start.
pub const NAL_IDR: u8 = 5;
/// Supplemental enhancement information.
pub const NAL_SEI: u8 = 6;
/// A sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// A picture parameter set.
pub const NAL_PPS: u8 = 8;
/// An access unit delimiter.
pub const NAL_DELIMITER: u8 = 9;
/// Filler.
pub const NAL_FILLER: u8 = 12;

/// The type of a NAL unit, or 0 (unspecified) if it is empty.
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0b1_1111)
}

/// The NAL units of an Annex B byte stream, without start codes and trailing zeros; empty ones are left out.
/// Bytes before the first start code belong to none.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = find_start_code(stream).map(|at| &stream[at + 3..]);
    std::iter::from_fn(move || {
        loop {
            let here = rest?;
            let (nal, after) = match find_start_code(here) {
                Some(at) => (&here[..at], Some(&here[at + 3..])),
                None => (here, None),
            };
            rest = after;
            let len = nal.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if len > 0 {
                return Some(&nal[..len]);
            }
        }
    })
}

/// Where the next `00 00 01` begins.
pub(crate) fn find_start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    // A start code ends in 1, so only every third byte needs a look until one is 0 or 1.
    while at + 2 < bytes.len() {
        match bytes[at + 2] {
            0 => at += 1,
            1 if bytes[at] == 0 && bytes[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(stream: &[u8]) -> Vec<&[u8]> {
        nal_units(stream).collect()
    }

    #[test]
    fn start_codes_of_both_lengths_separate_units() {
        assert_eq!(
            split(&[0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65]),
            [&[0x67, 1, 2][..], &[0x68, 3], &[0x65]]
        );
    }

    #[test]
    fn zeros_inside_and_after_a_unit_are_told_apart() {
        assert_eq!(
            split(&[0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 0, 0, 1, 0x41, 9, 0, 0]),
            [&[0x65, 0, 0, 3, 1][..], &[0x41, 9]]
        );
    }

    #[test]
    fn garbage_has_no_units() {
        assert!(split(&[]).is_empty());
        assert!(split(&[1, 2, 3, 4]).is_empty());
        assert!(split(&[0, 0, 1]).is_empty());
        assert!(split(&[0, 0, 1, 0, 0, 1, 0, 0]).is_empty());
    }

    #[test]
    fn every_place_of_a_start_code_is_found() {
        for before in 0..8 {
            let mut bytes = vec![7; before];
            bytes.extend([0, 0, 1, 5]);
            assert_eq!(find_start_code(&bytes), Some(before));
        }
    }
}
