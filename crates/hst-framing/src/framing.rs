/// The length in front of a datagram.
const HEADER: usize = 2;

/// The most bytes a datagram may have. Whoever announces more does not speak this protocol.
pub const MAX_FRAME: usize = 2048;

/// Cuts a stream of bytes into the datagrams it is made of.
#[derive(Debug, Default)]
pub struct Unframer {
    /// What has come and was not taken: less than a whole frame, once all frames are taken.
    bytes: Vec<u8>,
    /// How much of it is taken.
    taken: usize,
}

/// A frame is longer than [`MAX_FRAME`]: where the next one begins is not to be known any more.
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

    /// Copies the next whole datagram, which may be empty, into `datagram`; says whether there was one.
    ///
    /// # Errors
    /// The stream cannot be read on.
    pub fn next(&mut self, datagram: &mut Vec<u8>) -> Result<bool, TooLong> {
        let Some((header, rest)) = self.bytes[self.taken..].split_first_chunk::<HEADER>() else {
            return Ok(false);
        };
        let len = usize::from(u16::from_be_bytes(*header));
        if len > MAX_FRAME {
            return Err(TooLong);
        }
        let Some(bytes) = rest.get(..len) else {
            return Ok(false);
        };
        self.taken += HEADER + len;
        datagram.clear();
        datagram.extend_from_slice(bytes);
        Ok(true)
    }
}

/// The bytes that go in front of a datagram; `None` for one that no frame can hold.
pub fn header(datagram: &[u8]) -> Option<[u8; HEADER]> {
    u16::try_from(datagram.len()).ok().map(u16::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(unframer: &mut Unframer) -> Vec<Vec<u8>> {
        let mut datagram = Vec::new();
        std::iter::from_fn(|| {
            unframer
                .next(&mut datagram)
                .expect("well-formed")
                .then(|| datagram.clone())
        })
        .collect()
    }

    #[test]
    fn datagrams_come_out_whole_however_the_stream_is_cut() {
        let sent: Vec<Vec<u8>> = [1, 300, 0, MAX_FRAME, 7].map(|len| vec![len as u8; len]).into();
        let mut stream = Vec::new();
        for datagram in &sent {
            stream.extend(header(datagram).expect("short enough"));
            stream.extend(datagram);
        }
        for size in [1, 2, 3, 299, 1000, stream.len()] {
            let mut unframer = Unframer::default();
            let mut received = Vec::new();
            for bytes in stream.chunks(size) {
                unframer.push(bytes);
                received.extend(frames(&mut unframer));
            }
            assert_eq!(received, sent, "in parts of {size}");
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_has_come() {
        let mut unframer = Unframer::default();
        unframer.push(&(MAX_FRAME as u16 + 1).to_be_bytes());
        assert_eq!(unframer.next(&mut Vec::new()), Err(TooLong));
    }

    #[test]
    fn what_no_frame_can_hold_has_no_header() {
        assert_eq!(header(&vec![0; 65_535]), Some([0xff, 0xff]));
        assert_eq!(header(&vec![0; 65_536]), None);
    }
}
