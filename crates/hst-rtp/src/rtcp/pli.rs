use super::frame::{self, kind};
use crate::wire::{put_u32, u32_at};

/// A request for a keyframe of a source (picture loss indication, RFC 4585 section 6.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pli {
    /// Who asks.
    pub sender: u32,
    /// Of which source.
    pub media: u32,
}

impl Pli {
    pub(crate) const FORMAT: u8 = 1;

    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        Some(Self {
            sender: u32_at(body, 0)?,
            media: u32_at(body, 4)?,
        })
    }

    /// Appends such a message.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame::write(out, kind::PAYLOAD_FEEDBACK, |out| {
            put_u32(out, self.sender);
            put_u32(out, self.media);
            Self::FORMAT
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_rfc_4585_draws_it() {
        let mut out = Vec::new();
        let pli = Pli { sender: 1, media: 2 };
        pli.write(&mut out);
        assert_eq!(out, [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(Pli::read(&out[4..]), Some(pli));
        assert_eq!(Pli::read(&out[4..11]), None);
    }
}
