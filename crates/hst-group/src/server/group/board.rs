mod copied;

use std::collections::BTreeMap;

use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    BoardAct, Class, Draw, Drawn, ErrorCode, Event, Failure, MAX_BOARDS, Media, NewBoard, Reply, Sketch, Sketched,
    encode_event,
};

use super::{Group, Keep, media};
use crate::server::{GroupOutput, Happening, MemberId, Permissions, Recipients, board::Board};

/// The most bytes that the figures of all boards of a group take.
const BOARD_BYTES: usize = 8 * 1024 * 1024;

/// The white boards of a group. They are the group's: one whose maker leaves stays, and all end with the group.
#[derive(Debug, Default)]
pub(super) struct Boards {
    all: BTreeMap<MediaId, Board>,
    /// How many there have been: no name is used twice.
    count: u64,
}

impl Boards {
    /// Those that are published.
    pub(super) fn media(&self) -> impl Iterator<Item = Media> + '_ {
        let published = self.all.iter().filter(|(_, board)| board.is_published);
        published.map(|(id, board)| told(id, board))
    }

    /// A viewer is called otherwise.
    pub(super) fn rename(&mut self, from: MemberId, to: MemberId) {
        for board in self.all.values_mut() {
            if board.viewers.remove(&from) {
                board.viewers.insert(to);
            }
        }
    }

    /// A viewer has come to it again.
    pub(super) fn open_again(&mut self, id: &MediaId, viewer: MemberId) {
        if let Ok(board) = self.published(id) {
            board.viewers.insert(viewer);
        }
    }

    /// Those that somebody has open.
    pub(super) fn opened_by(&self, viewer: MemberId) -> impl Iterator<Item = MediaId> + '_ {
        let opened = self
            .all
            .iter()
            .filter(move |(_, board)| board.viewers.contains(&viewer));
        opened.map(|(id, _)| id.clone())
    }

    /// Carries an act out, and says whether it was a new one.
    fn act(&mut self, id: &MediaId, by: &UserId, n: u32, act: &BoardAct) -> Result<bool, Failure> {
        let taken: usize = self.all.values().map(Board::bytes).sum();
        self.published(id)?.act(by, n, act, BOARD_BYTES.saturating_sub(taken))
    }

    fn published(&mut self, id: &MediaId) -> Result<&mut Board, Failure> {
        let board = self.all.get_mut(id).filter(|board| board.is_published);
        board.ok_or_else(|| no_such_board(id))
    }
}

impl Group {
    pub(super) fn create_board(&mut self, id: MemberId, new: NewBoard) -> Result<Reply, Failure> {
        let member = self.member(id)?;
        check_draw(&member.permissions)?;
        if self.boards.all.len() >= MAX_BOARDS {
            let message = format!("the group has its {MAX_BOARDS} white boards: close one first");
            return Err(Failure::new(ErrorCode::BoardFull, message));
        }
        let board = Board::new(member.user.clone(), new)?;
        self.boards.count += 1;
        let name = format!("whiteboard{}", self.boards.count);
        let id = MediaId::parse(&name).expect("letters and digits make a media id");
        self.keep(Keep::Made {
            board: id.clone(),
            blank: board.blank(),
        });
        self.boards.all.insert(id.clone(), board);
        Ok(Reply::BoardCreated { board: id })
    }

    pub(super) fn delete_board(&mut self, id: MemberId, board: &MediaId) -> Result<Reply, Failure> {
        self.check_end(id, board)?;
        self.end_board(board);
        Ok(Reply::Done {})
    }

    /// Its maker is told too: that is when everybody begins to show it.
    pub(super) fn publish_board(&mut self, id: MemberId, board: &MediaId) -> Result<Reply, Failure> {
        check_draw(&self.member(id)?.permissions)?;
        let found = self.boards.all.get_mut(board).ok_or_else(|| no_such_board(board))?;
        if found.is_published {
            return Ok(Reply::Done {});
        }
        let told = told(board, found);
        media::take_room(&mut self.media_bytes, &told)?;
        found.is_published = true;
        let happened = Happening::Published(told.key.clone());
        self.outputs.push_back(GroupOutput::Happened(happened));
        self.tell_kept(Recipients::All, &Event::Published(told));
        Ok(Reply::Done {})
    }

    /// What is on it is kept for when it is published again.
    pub(super) fn unpublish_board(&mut self, id: MemberId, board: &MediaId) -> Result<Reply, Failure> {
        self.check_end(id, board)?;
        self.hide_board(board);
        Ok(Reply::Done {})
    }

    pub(super) fn open_board(&mut self, id: MemberId, board: &MediaId, after: Option<u64>) -> Result<Reply, Failure> {
        let member = self.members.get(&id).ok_or_else(super::not_in_group)?;
        member.permissions.check_receive()?;
        let writable = check_draw(&member.permissions).is_ok();
        let board = self.boards.published(board)?;
        // From here on he is told of every act, so what he gets of the parts to come is never too old.
        board.viewers.insert(id);
        Ok(Reply::Board(board.part(&member.user, writable, after)))
    }

    pub(super) fn close_board(&mut self, id: MemberId, board: &MediaId) -> Result<Reply, Failure> {
        self.member(id)?;
        if let Some(board) = self.boards.all.get_mut(board) {
            board.viewers.remove(&id);
        }
        Ok(Reply::Done {})
    }

    pub(super) fn draw(&mut self, id: MemberId, draw: Draw) -> Result<Reply, Failure> {
        let Draw { board, n, act } = draw;
        let member = self.member(id)?;
        check_draw(&member.permissions)?;
        let by = member.user.clone();
        let is_new = match self.boards.act(&board, &by, n, &act) {
            Err(failure) if is_full(&failure) && matches!(act, BoardAct::Add(_)) && self.make_room(&board, &by) => {
                self.boards.act(&board, &by, n, &act)?
            }
            carried_out => carried_out?,
        };
        if is_new {
            self.tell_drawn(Drawn { board, by, n, act });
        }
        Ok(Reply::Done {})
    }

    pub(super) fn sketch(&mut self, id: MemberId, sketch: Sketch) -> Result<Reply, Failure> {
        let member = self.member(id)?;
        check_draw(&member.permissions)?;
        let by = member.user.clone();
        let board = self.boards.published(&sketch.board)?;
        board.check_figure(&sketch.figure)?;
        let others = board.viewers.iter().copied().filter(|&viewer| viewer != id);
        self.outputs.push_back(GroupOutput::Tell {
            to: Recipients::Only(others.collect()),
            body: encode_event(&Event::Sketched(Sketched { by, sketch })),
            class: Class::Lossy,
            is_kept: false,
        });
        Ok(Reply::Done {})
    }

    /// A member is gone; with the last one the boards are, too.
    pub(super) fn leave_boards(&mut self, id: MemberId) {
        if !self.members.is_empty() {
            self.boards.all.values_mut().for_each(|board| {
                board.viewers.remove(&id);
            });
            return;
        }
        let all: Vec<_> = self.boards.all.keys().cloned().collect();
        all.iter().for_each(|board| self.end_board(board));
    }

    /// Somebody's drawing needs the room of what was taken away: its board forgets that if it has too many figures, and
    /// else all boards, as they share their bytes. Says whether there was anything.
    fn make_room(&mut self, needed_by: &MediaId, by: &UserId) -> bool {
        let Some(board) = self.boards.all.get(needed_by).filter(|board| board.may_draw(by)) else {
            return false;
        };
        let is_alone = board.is_crowded();
        let all = self
            .boards
            .all
            .iter_mut()
            .filter(|(id, _)| !is_alone || *id == needed_by);
        let forgetful: Vec<_> = all
            .filter_map(|(id, board)| board.forget().then(|| id.clone()))
            .collect();
        for board in &forgetful {
            self.tell_drawn(Drawn {
                board: board.clone(),
                by: by.clone(),
                n: 0,
                act: BoardAct::Forget {},
            });
        }
        !forgetful.is_empty()
    }

    /// Tells an act to all who have its board open.
    fn tell_drawn(&mut self, drawn: Drawn) {
        let viewers = self.boards.all.get(&drawn.board).map(|board| &board.viewers);
        let to = Recipients::Only(viewers.into_iter().flatten().copied().collect());
        self.tell_kept(to, &Event::Drawn(drawn));
    }

    /// Tells something that changes what is kept.
    fn tell_kept(&mut self, to: Recipients, event: &Event) {
        self.kept_changes();
        self.outputs.push_back(GroupOutput::Tell {
            to,
            body: encode_event(event),
            class: Class::Reliable,
            is_kept: true,
        });
    }

    fn end_board(&mut self, id: &MediaId) {
        self.hide_board(id);
        if self.boards.all.remove(id).is_some() {
            self.keep(Keep::Ended(id.clone()));
        }
    }

    fn hide_board(&mut self, id: &MediaId) {
        let Some(board) = self.boards.all.get_mut(id) else {
            return;
        };
        board.viewers.clear();
        if std::mem::take(&mut board.is_published) {
            let told = told(id, board);
            media::give_room(&mut self.media_bytes, &told);
            let happened = Happening::Unpublished(told.key.clone());
            self.outputs.push_back(GroupOutput::Happened(happened));
            self.tell_kept(Recipients::All, &Event::Unpublished(told));
        }
    }

    /// Whether a member may end a board: its maker, who administers, and everybody who draws when its maker is away.
    fn check_end(&self, id: MemberId, board: &MediaId) -> Result<(), Failure> {
        let member = self.member(id)?;
        check_draw(&member.permissions)?;
        let Some(board) = self.boards.all.get(board) else {
            return Ok(());
        };
        if board.owner == member.user || member.permissions.admin || !self.roster.contains(&board.owner) {
            return Ok(());
        }
        let message = format!("the board is {}'s: ask him to close it", board.owner);
        Err(Failure::new(ErrorCode::NotAdmin, message))
    }
}

/// Who may publish boards may draw on all of them.
fn check_draw(permissions: &Permissions) -> Result<(), Failure> {
    permissions.check_publish(MediaType::WhiteBoard)
}

fn is_full(failure: &Failure) -> bool {
    failure.code == ErrorCode::BoardFull.number()
}

fn told(id: &MediaId, board: &Board) -> Media {
    Media {
        key: MediaRef {
            user: board.owner.clone(),
            media_type: MediaType::WhiteBoard,
            media: id.clone(),
        },
        name: board.name.clone(),
        muted: false,
    }
}

fn no_such_board(id: &MediaId) -> Failure {
    Failure::new(ErrorCode::NoSuchBoard, format!("{id} is no published white board"))
}
