//! Data on a channel: its number, the length, the data (RFC 8656 section 12.4).

/// The numbers that channels may have: those of RFC 5766, because its clients are still around. RFC 8656 has fewer.
pub(crate) const NUMBERS: std::ops::RangeInclusive<u16> = 0x4000..=0x7FFF;

/// Reads channel data, as far as it is that. What is behind the data is padding.
pub(crate) fn read(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (&[a, b, c, d], rest) = bytes.split_first_chunk()?;
    let (number, len) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Some((number, rest.get(..usize::from(len))?)).filter(|_| NUMBERS.contains(&number))
}

/// Writes channel data; padded to whole words for a stream. `None` if it is too long.
pub(crate) fn write(number: u16, data: &[u8], is_stream: bool) -> Option<Vec<u8>> {
    let len = u16::try_from(data.len()).ok()?;
    let mut bytes = Vec::with_capacity(data.len() + 8);
    bytes.extend(number.to_be_bytes());
    bytes.extend(len.to_be_bytes());
    bytes.extend(data);
    if is_stream {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_lengths_that_lie_are_not() {
        for len in 0..9 {
            let data = vec![7; len];
            let (plain, padded) = (
                write(0x4001, &data, false).unwrap(),
                write(0x4001, &data, true).unwrap(),
            );
            assert_eq!((plain.len(), padded.len() % 4), (4 + len, 0));
            assert_eq!(read(&plain), Some((0x4001, &data[..])));
            assert_eq!(read(&padded), Some((0x4001, &data[..])));
            assert_eq!(read(&plain[..3]), None);
        }
        assert_eq!(read(&[0x40, 0, 0, 1]), None);
        assert_eq!(read(&[0x80, 0, 0, 0]), None);
        assert_eq!(read(&[0x3f, 0xff, 0, 0]), None);
        assert_eq!(write(0x4000, &vec![0; 65_536], false), None);
    }
}
