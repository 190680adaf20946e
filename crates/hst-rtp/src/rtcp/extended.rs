use std::time::Duration;

use super::frame::{self, kind};
use crate::{
    Ntp,
    ntp::from_short,
    wire::{put_u16, put_u32, u16_at, u32_at},
};

/// The kinds of blocks that are known (RFC 3611 sections 4.4 and 4.5): what a receiver's clock says, and answers to that.
const RECEIVER_TIME: u8 = 4;
const ANSWERS: u8 = 5;
/// What each block begins with: its kind, and how many words follow.
const BLOCK_HEADER: usize = 4;
/// How many words a clock's time has.
const TIME: u16 = 2;

/// What is told beside reports (XR, RFC 3611): of that, how long the way there and back takes for one who only receives. His
/// [`write_receiver_time`] is answered by whoever sends to him.
#[derive(Debug, Clone)]
pub struct ExtendedReport<'a> {
    blocks: &'a [u8],
}

/// What a sender answers to a receiver who has told the time (DLRR, RFC 3611 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Answer {
    /// The receiver.
    pub ssrc: u32,
    /// The middle of the NTP time that he told last; zero where he has told none.
    pub last: u32,
    /// How long ago that came, in steps of 1/65536 s.
    pub delay: Duration,
}

impl<'a> ExtendedReport<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        Some(Self { blocks: body.get(4..)? })
    }

    /// The answers that are in it, up to the first block that is cut short.
    pub fn answers(&self) -> impl Iterator<Item = Answer> + use<'a> {
        let mut rest = self.blocks;
        let blocks = std::iter::from_fn(move || {
            let len = BLOCK_HEADER + usize::from(u16_at(rest, 2)?) * 4;
            let (block, behind) = rest.split_at_checked(len)?;
            rest = behind;
            Some(block)
        });
        let answers = blocks.filter(|block| block[0] == ANSWERS);
        answers
            .flat_map(|block| block[BLOCK_HEADER..].as_chunks::<12>().0)
            .filter_map(|answer| {
                Some(Answer {
                    ssrc: u32_at(answer, 0)?,
                    last: u32_at(answer, 4)?,
                    delay: from_short(u32_at(answer, 8)?),
                })
            })
    }
}

/// Appends a report of the time that a receiver's clock says (RRTR, RFC 3611 section 4.4), so that it is answered.
pub fn write_receiver_time(out: &mut Vec<u8>, ssrc: u32, now: Ntp) {
    frame::write(out, kind::EXTENDED_REPORT, |out| {
        put_u32(out, ssrc);
        out.extend_from_slice(&[RECEIVER_TIME, 0]);
        put_u16(out, TIME);
        out.extend_from_slice(&now.0.to_be_bytes());
        0
    });
}

#[cfg(test)]
mod tests {
    use super::{super::Compound, super::Message, *};

    fn answers(datagram: &[u8]) -> Vec<Answer> {
        match Compound::new(datagram).next() {
            Some(Message::ExtendedReport(report)) => report.answers().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_time_is_written_as_rfc_3611_draws_it() {
        let mut out = Vec::new();
        write_receiver_time(&mut out, 7, Ntp(0xb44d_b705_2000_0000));
        let figure = [
            0x80, 207, 0, 4, 0, 0, 0, 7, // the receiver
            4, 0, 0, 2, 0xb4, 0x4d, 0xb7, 0x05, 0x20, 0, 0, 0,
        ];
        assert_eq!(out, figure);
        assert_eq!(answers(&figure), [], "it is none");
    }

    #[test]
    fn answers_are_found_among_other_blocks_and_what_is_cut_short_ends_them() {
        let figure = [
            0x80, 207, 0, 12, 0, 0, 0, 1, // a sender
            42, 0, 0, 1, 1, 2, 3, 4, // a block of another kind
            5, 0, 0, 6, 0, 0, 0, 7, 0xb7, 0x05, 0x20, 0, 0, 1, 0x80, 0, // two answers
            0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, //
            5, 0, 0, 3, 0, 0, 0, 9,
        ];
        let [first, second] = [
            Answer {
                ssrc: 7,
                last: 0xb705_2000,
                delay: Duration::from_millis(1_500),
            },
            Answer {
                ssrc: 8,
                ..Answer::default()
            },
        ];
        assert_eq!(answers(&figure), [first, second]);
        assert_eq!(answers(&[0x80, 207, 0, 1, 0, 0, 0, 1]), []);
        assert_eq!(Compound::new(&[0x80, 207, 0, 0]).count(), 0, "nobody says it");
    }
}
