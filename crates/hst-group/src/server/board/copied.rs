use std::collections::{BTreeMap, BTreeSet};

use hst_id::UserId;
use hst_proto::{BoardAct, BoardPage, Drawing, MAX_PAGE};
use serde::{Deserialize, Serialize};

use super::{Board, PART_BYTES, size, wire_size};

/// A board without what lies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlankBoard {
    owner: UserId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_published: bool,
    size: (u16, u16),
    pages: Vec<BoardPage>,
    page: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authors: Vec<(UserId, u32)>,
    /// The place of the last figure that was drawn on it.
    #[serde(default)]
    last_place: u64,
}

/// A board and its copy elsewhere: what lies there is laid there, and acts are carried out on whatever has come by then. As each
/// figure tells by itself whether an act is meant, both are the same in the end.
impl Board {
    pub(in crate::server) fn blank(&self) -> BlankBoard {
        BlankBoard {
            owner: self.owner.clone(),
            name: self.name.clone(),
            is_published: self.is_published,
            size: self.size,
            pages: self.pages.clone(),
            page: self.page,
            authors: self.authors.iter().map(|(user, &n)| (user.clone(), n)).collect(),
            last_place: self.last_place,
        }
    }

    pub(in crate::server) fn of_blank(blank: BlankBoard) -> Self {
        Self {
            owner: blank.owner,
            name: blank.name,
            is_published: blank.is_published,
            viewers: BTreeSet::new(),
            size: blank.size,
            pages: blank.pages,
            page: blank.page,
            figures: BTreeMap::new(),
            places: BTreeMap::new(),
            last_place: blank.last_place,
            authors: blank.authors.into_iter().collect(),
            bytes: 0,
        }
    }

    /// The place of the last figure that was drawn on it.
    pub(in crate::server) fn last_place(&self) -> u64 {
        self.last_place
    }

    /// What lies behind a place and up to another one, as much as goes in one piece.
    pub(in crate::server) fn laid(&self, after: u64, until: u64) -> Vec<(u64, Drawing)> {
        let mut bytes = 0;
        let between = self.figures.range(after.saturating_add(1)..);
        let laid = between.take_while(|&(&place, _)| place <= until).take(MAX_PAGE);
        let laid = laid.take_while(|(_, drawing)| {
            let is_first = bytes == 0;
            bytes += wire_size(&drawing.figure);
            is_first || bytes <= PART_BYTES
        });
        laid.map(|(&place, drawing)| (place, drawing.clone())).collect()
    }

    /// A figure lies in that place of the original.
    pub(in crate::server) fn lay(&mut self, place: u64, drawing: Drawing) {
        self.remove(&drawing.id);
        if let Some(before) = self.figures.get(&place).map(|before| before.id.clone()) {
            self.remove(&before);
        }
        self.bytes += size(&drawing.figure);
        self.places.insert(drawing.id.clone(), place);
        self.figures.insert(place, drawing);
        self.last_place = self.last_place.max(place);
    }

    /// The original has carried out an act.
    pub(in crate::server) fn follow(&mut self, by: &UserId, n: u32, act: &BoardAct) {
        if *act == (BoardAct::Forget {}) {
            self.forget();
            return;
        }
        self.authors.insert(by.clone(), n);
        self.carry_out(by, n, act);
    }
}
