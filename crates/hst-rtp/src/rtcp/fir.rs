use super::frame::{self, kind};
use crate::wire::{put_u32, u32_at};

/// Requests for keyframes of sources, each with a number that is another one only where the request is (full intra request,
/// RFC 5104 section 4.3.1).
#[derive(Debug, Clone)]
pub struct Fir<'a> {
    /// Who asks.
    pub sender: u32,
    entries: &'a [[u8; 8]],
}

impl<'a> Fir<'a> {
    pub(crate) const FORMAT: u8 = 4;

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        Some(Self {
            sender: u32_at(body, 0)?,
            entries: body.get(8..)?.as_chunks().0,
        })
    }

    /// The sources, each with the number of the request.
    pub fn requests(&self) -> impl Iterator<Item = (u32, u8)> + use<'a> {
        self.entries
            .iter()
            .map(|&[a, b, c, d, number, ..]| (u32::from_be_bytes([a, b, c, d]), number))
    }

    /// Appends such a message.
    pub fn write(out: &mut Vec<u8>, sender: u32, requests: &[(u32, u8)]) {
        frame::write(out, kind::PAYLOAD_FEEDBACK, |out| {
            put_u32(out, sender);
            // The sources are in the requests.
            put_u32(out, 0);
            for (ssrc, number) in requests {
                put_u32(out, *ssrc);
                out.extend_from_slice(&[*number, 0, 0, 0]);
            }
            Self::FORMAT
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Compound, super::Message, *};

    #[test]
    fn a_request_is_written_as_rfc_5104_draws_it() {
        let mut out = Vec::new();
        Fir::write(&mut out, 1, &[(2, 7), (3, 8)]);
        let figure = [
            0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 7, 0, 0, 0, 0, 0, 0, 3, 8, 0, 0, 0,
        ];
        assert_eq!(out, figure);
        let Some(Message::Fir(fir)) = Compound::new(&out).next() else {
            panic!()
        };
        assert!(fir.sender == 1 && fir.requests().eq([(2, 7), (3, 8)]));
    }
}
