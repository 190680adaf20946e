use std::collections::VecDeque;

use hst_group::server::{Filling, Group, Keep};

/// Pieces that are on their way to a copy. Whatever else is said to its branch waits for no more than these.
const PIECES: usize = 4;

/// The copy that a branch has of what its group keeps, seen from the home that fills it.
#[derive(Debug)]
pub(super) struct Copying {
    filling: Filling,
    /// The numbers of the pieces that are on their way, among all words to the branch.
    under_way: VecDeque<u64>,
    has_all: bool,
}

impl Copying {
    pub(super) fn new(filling: Filling) -> Self {
        Self {
            filling,
            under_way: VecDeque::new(),
            has_all: false,
        }
    }

    /// The next piece, if it may be sent by now: so many words have come to the branch.
    pub(super) fn next(&mut self, original: &Group, heard: u64) -> Option<Keep> {
        while self.under_way.front().is_some_and(|&number| number <= heard) {
            self.under_way.pop_front();
        }
        if self.has_all || self.under_way.len() >= PIECES {
            return None;
        }
        let piece = original.next_piece(&mut self.filling);
        self.has_all = piece.is_none();
        piece
    }

    /// A piece was sent, as the word of this number.
    pub(super) fn sent(&mut self, number: u64) {
        self.under_way.push_back(number);
    }

    /// Whether all pieces have come.
    pub(super) fn is_whole(&self, heard: u64) -> bool {
        self.has_all && self.under_way.back().is_none_or(|&number| number <= heard)
    }
}
