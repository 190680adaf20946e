/// The longest message of a client, in bytes: a datagram and what is around it.
pub const MAX_MESSAGE: usize = 4096;
/// Where a message says its length.
const LENGTH: usize = 4;
/// A STUN message has so much before what its length counts.
const STUN_HEADER: usize = 20;

/// Cuts a stream of bytes into STUN messages and channel data (RFC 8656 section 12.5).
#[derive(Debug, Default)]
pub struct Unframer {
    bytes: Vec<u8>,
    taken: usize,
}

/// A message is longer than [`MAX_MESSAGE`], or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLong;

impl Unframer {
    /// Takes in what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if it has come.
    ///
    /// # Errors
    /// The stream cannot be read on.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let rest = &self.bytes[self.taken..];
        let Some(&[kind, _, high, low]) = rest.first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let whole = match kind >> 6 {
            0b00 => STUN_HEADER + len,
            0b01 => (LENGTH + len).next_multiple_of(4),
            _ => return Err(TooLong),
        };
        if whole > MAX_MESSAGE {
            return Err(TooLong);
        }
        if rest.len() < whole {
            return Ok(None);
        }
        let start = self.taken;
        self.taken += whole;
        Ok(Some(&self.bytes[start..start + whole]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_the_stream_is_cut() {
        let stun = [&[0, 1, 0, 4][..], &[9; 20]].concat();
        let data = vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        let stream = [&stun[..], &data, &stun].concat();
        for size in 1..=stream.len() {
            let (mut unframer, mut messages) = (Unframer::default(), Vec::new());
            for part in stream.chunks(size) {
                unframer.push(part);
                while let Some(message) = unframer.next_message().unwrap() {
                    messages.push(message.to_vec());
                }
            }
            assert_eq!(messages, [&stun[..], &data, &stun], "in parts of {size}");
        }
    }

    #[test]
    fn u5_no_length_makes_it_keep_more_than_one_message() {
        for first in [0x00, 0x40, 0x80, 0xc0] {
            for len in [0_u16, 1, 4_075, 4_076, 4_077, 4_092, 4_093, 65_535] {
                let mut unframer = Unframer::default();
                unframer.push(&[&[first, 0][..], &len.to_be_bytes()].concat());
                let whole = usize::from(len) + if first == 0 { 20 } else { 4 };
                let is_refused = first > 0x40 || whole.next_multiple_of(if first == 0 { 1 } else { 4 }) > MAX_MESSAGE;
                assert_eq!(unframer.next_message().is_err(), is_refused, "{first} {len}");
            }
        }
    }
}
