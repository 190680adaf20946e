use super::frame::{self, kind};
use crate::wire::{put_u32, words};

/// So many sources a message may name.
const MAX_SOURCES: usize = 31;

/// Sources that are over (BYE, RFC 3550 section 6.6). Why, where it is said, is not read.
#[derive(Debug, Clone)]
pub struct Bye<'a> {
    sources: &'a [u8],
}

impl<'a> Bye<'a> {
    pub(crate) fn read(count: u8, body: &'a [u8]) -> Option<Self> {
        let sources = body.get(..usize::from(count) * 4)?;
        Some(Self { sources })
    }

    /// The sources, at most 31.
    pub fn sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        words(self.sources)
    }

    /// Appends such a message; as many as are needed where there are more sources than 31, and none where there are none.
    pub fn write(out: &mut Vec<u8>, sources: &[u32]) {
        for sources in sources.chunks(MAX_SOURCES) {
            frame::write(out, kind::BYE, |out| {
                sources.iter().for_each(|ssrc| put_u32(out, *ssrc));
                sources.len() as u8
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Compound, super::Message, *};

    #[test]
    fn a_goodbye_is_written_as_rfc_3550_draws_it() {
        let mut out = Vec::new();
        Bye::write(&mut out, &[1, 2]);
        assert_eq!(out, [0x82, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    }

    #[test]
    fn a_reason_is_passed_over() {
        let bytes = [0x81, 203, 0, 3, 0, 0, 0, 9, 5, b'n', b'i', b'g', b'h', b't', 0, 0];
        let Some(Message::Bye(bye)) = Compound::new(&bytes).next() else {
            panic!()
        };
        assert!(bye.sources().eq([9]));
    }

    #[test]
    fn all_sources_are_named() {
        let mut out = Vec::new();
        Bye::write(&mut out, &(0..100).collect::<Vec<_>>());
        let sources = |message| match message {
            Message::Bye(bye) => bye.sources(),
            other => panic!("{other:?}"),
        };
        assert!(Compound::new(&out).flat_map(sources).eq(0..100));
    }
}
