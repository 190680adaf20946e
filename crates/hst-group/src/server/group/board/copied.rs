use hst_id::MediaId;
use hst_proto::{Drawing, Drawn};

use super::Boards;
use crate::server::board::{BlankBoard, Board};

/// The boards of a group and their copies elsewhere.
impl Boards {
    /// None, after so many.
    pub(in crate::server::group) fn of_count(count: u64) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    /// How many there have been.
    pub(in crate::server::group) fn count(&self) -> u64 {
        self.count
    }

    /// The board behind that one, and the place of the last figure on it.
    pub(in crate::server::group) fn next_behind(&self, before: Option<&MediaId>) -> Option<(MediaId, BlankBoard, u64)> {
        let mut behind = self
            .all
            .iter()
            .filter(|(id, _)| before.is_none_or(|before| *id > before));
        let (id, board) = behind.next()?;
        Some((id.clone(), board.blank(), board.last_place()))
    }

    /// What lies on a board behind a place and up to another one, as much as goes in one piece.
    pub(in crate::server::group) fn laid(&self, id: &MediaId, after: u64, until: u64) -> Vec<(u64, Drawing)> {
        let board = self.all.get(id);
        board.map_or_else(Vec::new, |board| board.laid(after, until))
    }

    pub(in crate::server::group) fn lay(&mut self, id: &MediaId, place: u64, drawing: Drawing) {
        if let Some(board) = self.all.get_mut(id) {
            board.lay(place, drawing);
        }
    }

    pub(in crate::server::group) fn put(&mut self, id: MediaId, blank: BlankBoard) {
        self.all.insert(id, Board::of_blank(blank));
    }

    pub(in crate::server::group) fn make(&mut self, id: MediaId, blank: BlankBoard) {
        self.count += 1;
        self.put(id, blank);
    }

    pub(in crate::server::group) fn end(&mut self, id: &MediaId) {
        self.all.remove(id);
    }

    /// An act on a board that has not come yet has happened when it comes.
    pub(in crate::server::group) fn follow(&mut self, drawn: &Drawn) {
        if let Some(board) = self.all.get_mut(&drawn.board) {
            board.follow(&drawn.by, drawn.n, &drawn.act);
        }
    }

    pub(in crate::server::group) fn set_published(&mut self, id: &MediaId, is_published: bool) {
        if let Some(board) = self.all.get_mut(id) {
            board.is_published = is_published;
        }
    }
}
