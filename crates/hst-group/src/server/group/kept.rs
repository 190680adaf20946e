use hst_id::{MediaId, MediaType};
use hst_proto::{Drawing, Event, GroupMessage};
use serde::{Deserialize, Serialize};

use super::{Group, board::Boards, media::take_room, message::Messages};
use crate::server::{GroupOutput, board::BlankBoard};

/// What is said to whoever has a copy of what a group keeps, beside the [events](GroupOutput::Tell) that change it: how the copy is
/// filled, piece by piece, and what no member is told. A piece takes no more than some 200 KiB of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a copy must follow every kind")]
pub enum Keep {
    /// The copy begins anew, with nothing.
    Begin {
        /// How many boards there have been.
        boards: u64,
        /// The most messages that are kept.
        history: usize,
    },
    /// There is this board. What lies on it follows.
    Board {
        /// Which.
        board: MediaId,
        /// What it is.
        blank: BlankBoard,
    },
    /// This lies on a board, each figure in its place.
    Figures {
        /// Which.
        board: MediaId,
        /// In the order of their places.
        figures: Vec<(u64, Drawing)>,
    },
    /// These messages are kept.
    Messages(Vec<GroupMessage>),
    /// That was all: from here on the copy is whole.
    Whole {
        /// After which change.
        at: Stamp,
        /// Of the home that makes the changes from here on.
        generation: u64,
    },
    /// A board was made.
    Made {
        /// Which.
        board: MediaId,
        /// What it is.
        blank: BlankBoard,
    },
    /// A board has ended.
    Ended(MediaId),
}

/// Which change of what a group keeps, among all that there have been: that of a later home is behind those of earlier ones. Two
/// copies after the same change are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    generation: u64,
    count: u64,
}

/// A copy of what a group keeps for who asks: its white boards and its history. It is within the bounds of the original, and goes
/// on in its place when the group goes on elsewhere.
///
/// It is filled by [pieces](Keep), and follows every change from the first of them on; until the last one has come it is not whole.
#[derive(Debug, Default)]
pub struct Kept {
    boards: Boards,
    messages: Messages,
    history: usize,
    /// The generation of the home that it follows.
    follows: u64,
    /// After which change it is the same as the original; `None` when it is not.
    at: Option<Stamp>,
}

/// How far a copy that is filled has come.
#[derive(Debug, Default)]
pub struct Filling(Next);

/// What is to come next.
#[derive(Debug, Default)]
enum Next {
    #[default]
    Begin,
    BoardBehind(Option<MediaId>),
    /// What lies on a board behind a place. What is drawn from now on comes as acts.
    Figures {
        board: MediaId,
        after: u64,
        until: u64,
    },
    MessagesBehind(u64),
    Nothing,
}

impl Filling {
    /// Of a copy that is the same already.
    pub fn of_the_same() -> Self {
        // There is no message behind it.
        Self(Next::MessagesBehind(u64::MAX))
    }
}

impl Stamp {
    fn next(self, generation: u64) -> Self {
        Self {
            generation,
            count: self.count + 1,
        }
    }
}

impl Kept {
    /// After which change it is what the original was; `None` if it is not whole.
    pub fn at(&self) -> Option<Stamp> {
        self.at
    }

    /// Something was said to it.
    pub fn handle(&mut self, said: Keep) {
        match said {
            Keep::Begin { boards, history } => {
                *self = Self {
                    boards: Boards::of_count(boards),
                    history,
                    ..Self::default()
                };
            }
            Keep::Board { board, blank } => self.boards.put(board, blank),
            Keep::Figures { board, figures } => {
                for (place, drawing) in figures {
                    self.boards.lay(&board, place, drawing);
                }
            }
            Keep::Messages(messages) => {
                for message in messages {
                    self.messages.keep(message, self.history);
                }
            }
            Keep::Whole { at, generation } => {
                self.follows = generation;
                self.at = Some(at);
            }
            Keep::Made { board, blank } => {
                self.boards.make(board, blank);
                self.changed();
            }
            Keep::Ended(board) => {
                self.boards.end(&board);
                self.changed();
            }
        }
    }

    /// An event was told that [changes](GroupOutput::Tell) what is kept.
    pub fn handle_event(&mut self, event: Event) {
        match event {
            Event::Message(message) => self.messages.keep(message, self.history),
            Event::Drawn(drawn) => self.boards.follow(&drawn),
            Event::Published(media) if media.key.media_type == MediaType::WhiteBoard => {
                self.boards.set_published(&media.key.media, true);
            }
            Event::Unpublished(media) if media.key.media_type == MediaType::WhiteBoard => {
                self.boards.set_published(&media.key.media, false);
            }
            // Nothing else changes it.
            _ => return,
        }
        self.changed();
    }

    fn changed(&mut self) {
        self.at = self.at.map(|at| at.next(self.follows));
    }
}

impl Group {
    /// It goes on here with what it kept elsewhere. To be called before anybody is in it; a copy that is not whole is none.
    pub fn handle_kept(&mut self, kept: Kept) {
        let Some(at) = kept.at else { return };
        self.kept_at = at;
        self.boards = kept.boards;
        for media in self.boards.media() {
            // They had room before.
            let _ = take_room(&mut self.media_bytes, &media);
        }
        self.messages = kept.messages;
        self.messages.keep_only(self.rules.history);
    }

    /// What it has kept, for whoever goes on with it.
    pub fn into_kept(self) -> Kept {
        Kept {
            boards: self.boards,
            messages: self.messages,
            history: self.rules.history,
            follows: self.generation,
            at: Some(self.kept_at),
        }
    }

    /// After which change what it keeps is as it is.
    pub fn kept_at(&self) -> Stamp {
        self.kept_at
    }

    /// The next piece for a copy of what it keeps. Until the next one, the copy is to be told of every change.
    pub fn next_piece(&self, filling: &mut Filling) -> Option<Keep> {
        loop {
            match &mut filling.0 {
                Next::Begin => {
                    filling.0 = Next::BoardBehind(None);
                    return Some(Keep::Begin {
                        boards: self.boards.count(),
                        history: self.rules.history,
                    });
                }
                Next::BoardBehind(before) => match self.boards.next_behind(before.as_ref()) {
                    Some((board, blank, until)) => {
                        filling.0 = Next::Figures {
                            board: board.clone(),
                            after: 0,
                            until,
                        };
                        return Some(Keep::Board { board, blank });
                    }
                    None => filling.0 = Next::MessagesBehind(0),
                },
                Next::Figures { board, after, until } => {
                    let figures = self.boards.laid(board, *after, *until);
                    match figures.last() {
                        Some(&(place, _)) => {
                            *after = place;
                            let board = board.clone();
                            return Some(Keep::Figures { board, figures });
                        }
                        None => filling.0 = Next::BoardBehind(Some(board.clone())),
                    }
                }
                Next::MessagesBehind(seq) => {
                    let messages = self.messages.kept_behind(*seq);
                    match messages.last() {
                        Some(last) => {
                            *seq = last.seq;
                            return Some(Keep::Messages(messages));
                        }
                        None => {
                            filling.0 = Next::Nothing;
                            return Some(Keep::Whole {
                                at: self.kept_at,
                                generation: self.generation,
                            });
                        }
                    }
                }
                Next::Nothing => return None,
            }
        }
    }

    /// What it keeps is another one from here on.
    pub(super) fn kept_changes(&mut self) {
        self.kept_at = self.kept_at.next(self.generation);
    }

    pub(super) fn keep(&mut self, said: Keep) {
        self.kept_changes();
        self.outputs.push_back(GroupOutput::Keep(said));
    }
}
