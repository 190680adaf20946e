use super::chunks::{Chunk, Status};

/// The statuses of a feedback, as its chunks tell them.
#[derive(Debug, Clone)]
pub(crate) struct Statuses<'a> {
    /// The chunks that are not begun, and what comes behind them.
    pub(crate) rest: &'a [u8],
    chunk: Chunk,
    /// How many statuses of the chunk have been told.
    told: u16,
    left: u16,
}

impl<'a> Statuses<'a> {
    /// Of so many packets.
    pub(crate) fn new(chunks: &'a [u8], count: u16) -> Self {
        Self {
            rest: chunks,
            chunk: Chunk::NONE,
            told: 0,
            left: count,
        }
    }
}

impl Iterator for Statuses<'_> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.left = self.left.checked_sub(1)?;
        // A run may be of none.
        while self.told == self.chunk.len() {
            let (chunk, rest) = self.rest.split_first_chunk::<2>()?;
            self.chunk = Chunk(u16::from_be_bytes(*chunk));
            self.rest = rest;
            self.told = 0;
        }
        self.told += 1;
        Some(self.chunk.status(self.told - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Status::*, *};

    fn read(chunks: &[u8], count: u16) -> Vec<Status> {
        Statuses::new(chunks, count).collect()
    }

    #[test]
    fn runs_are_those_of_the_drafts_section_3_1_3() {
        // Its examples: 221 packets that were lost, and 24 of which nothing more is said.
        assert_eq!(read(&[0x00, 0xdd], 221), [Lost; 221]);
        assert_eq!(read(&[0x60, 0x18], 24), [Reserved; 24]);
    }

    #[test]
    fn vectors_are_those_of_the_drafts_section_3_1_4() {
        // Its examples: of one bit, 0 1 1 1 1 1 0 0 0 1 1 1 0 0, and of two, 00 11 01 01 01 00 00.
        let one_bit = [
            Lost, Small, Small, Small, Small, Small, Lost, Lost, Lost, Small, Small, Small, Lost, Lost,
        ];
        assert_eq!(read(&[0x9f, 0x1c], 14), one_bit);
        assert_eq!(
            read(&[0xcd, 0x50], 7),
            [Lost, Reserved, Small, Small, Small, Lost, Lost]
        );
    }

    #[test]
    fn no_more_are_told_than_there_are_and_runs_of_none_are_passed_over() {
        assert_eq!(read(&[0x9f, 0x1c, 1, 2], 3), [Lost, Small, Small]);
        assert_eq!(read(&[0, 0, 0, 0, 0x20, 1], 3), [Small]);
    }
}
