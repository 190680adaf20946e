mod copied;

use std::collections::{BTreeMap, BTreeSet};

use hst_id::UserId;
use hst_proto::{
    ActId, BoardAct, BoardPage, BoardPart, Drawing, ErrorCode, Failure, Figure, FigureKind, MAX_AUTHORS, MAX_BEHIND,
    MAX_BOARD_PAGES, MAX_DISTANCE, MAX_FIGURES, MAX_IMAGE, MAX_NAME_TEXT, MAX_PAGE, MAX_POINTS, MAX_TOUCHED, NewBoard,
};

pub use self::copied::BlankBoard;
use super::MemberId;

/// The most bytes of figures in one part, which has to fit in a frame beside the pages; one figure always fits.
const PART_BYTES: usize = 96 * 1024;

/// What is on one white board, and what was taken from it as long as that may be brought back.
#[derive(Debug)]
pub(super) struct Board {
    /// Who made it.
    pub(super) owner: UserId,
    pub(super) name: String,
    pub(super) is_published: bool,
    /// Who has it open.
    pub(super) viewers: BTreeSet<MemberId>,
    size: (u16, u16),
    pages: Vec<BoardPage>,
    page: u16,
    /// In the order in which they lie on each other.
    figures: BTreeMap<u64, Drawing>,
    places: BTreeMap<ActId, u64>,
    last_place: u64,
    /// The number of each author's last act: what comes again is known by it.
    authors: BTreeMap<UserId, u32>,
    /// What the figures take.
    bytes: usize,
}

impl Board {
    /// # Errors
    /// Code 1 when it breaks a rule.
    pub(super) fn new(owner: UserId, new: NewBoard) -> Result<Self, Failure> {
        let NewBoard {
            name,
            width,
            height,
            mut pages,
        } = new;
        if name.len() > MAX_NAME_TEXT {
            return Err(invalid(format!("a board's name has at most {MAX_NAME_TEXT} bytes")));
        }
        if width == 0 || height == 0 {
            return Err(invalid("a board is at least one pixel wide and high"));
        }
        if pages.is_empty() {
            pages.push(BoardPage::default());
        }
        if pages.len() > MAX_BOARD_PAGES {
            return Err(invalid(format!("a board has at most {MAX_BOARD_PAGES} pages")));
        }
        pages.iter().try_for_each(check_page)?;
        Ok(Self {
            owner,
            name,
            is_published: false,
            viewers: BTreeSet::new(),
            size: (width, height),
            pages,
            page: 0,
            figures: BTreeMap::new(),
            places: BTreeMap::new(),
            last_place: 0,
            authors: BTreeMap::new(),
            bytes: 0,
        })
    }

    /// What its figures take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What lies above a place, as much as fits in a frame.
    pub(super) fn part(&self, reader: &UserId, writable: bool, after: Option<u64>) -> BoardPart {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let (mut bytes, mut next, mut figures) = (0, None, Vec::new());
        for (&place, drawing) in self.figures.range(from..) {
            bytes += wire_size(&drawing.figure);
            if figures.len() == MAX_PAGE || (bytes > PART_BYTES && !figures.is_empty()) {
                next = Some(place - 1);
                break;
            }
            figures.push(drawing.clone());
        }
        BoardPart {
            name: self.name.clone(),
            width: self.size.0,
            height: self.size.1,
            pages: self.pages.clone(),
            page: self.page,
            own: self.last_of(reader),
            writable,
            figures,
            next,
        }
    }

    /// Forgets what can be brought back, and says whether there was anything.
    pub(super) fn forget(&mut self) -> bool {
        let before = self.figures.len();
        self.remove_all(|drawing| drawing.gone.is_some());
        self.figures.len() < before
    }

    /// Whether there is room for him among the authors.
    pub(super) fn may_draw(&self, by: &UserId) -> bool {
        self.authors.contains_key(by) || self.authors.len() < MAX_AUTHORS
    }

    /// Whether it has as many figures as it may have, those counted that can be brought back.
    pub(super) fn is_crowded(&self) -> bool {
        self.figures.len() >= MAX_FIGURES
    }

    /// Carries an act out, and says whether it was a new one.
    ///
    /// # Errors
    /// Code 1 when it breaks a rule, 1000113 when the board is full; nothing has changed then, and the number is free.
    pub(super) fn act(&mut self, by: &UserId, n: u32, act: &BoardAct, free: usize) -> Result<bool, Failure> {
        if n <= self.last_of(by) {
            return Ok(false);
        }
        if !self.may_draw(by) {
            return Err(full(format!("{MAX_AUTHORS} users have drawn on this board")));
        }
        self.check(act, free)?;
        self.authors.insert(by.clone(), n);
        self.carry_out(by, n, act);
        Ok(true)
    }

    /// Whether a figure could be on it.
    ///
    /// # Errors
    /// Code 1 when it breaks a rule.
    pub(super) fn check_figure(&self, figure: &Figure) -> Result<(), Failure> {
        self.check_number(figure.page)?;
        let is_long_enough = match figure.kind {
            FigureKind::Curve => figure.points.len() >= 2 && figure.points.len().is_multiple_of(2),
            FigureKind::Line | FigureKind::Rect | FigureKind::Ellipse => figure.points.len() == 4,
            FigureKind::Text => figure.points.len() == 2,
        };
        if !is_long_enough || figure.points.len() > 2 * MAX_POINTS {
            return Err(invalid(format!(
                "a curve has 1 to {MAX_POINTS} points, a text one, any other figure two"
            )));
        }
        if figure.points.iter().any(|&way| is_far(way)) {
            return Err(invalid("a figure is too far off the board"));
        }
        if figure.text.len() > MAX_NAME_TEXT {
            return Err(invalid(format!("a text has at most {MAX_NAME_TEXT} bytes")));
        }
        Ok(())
    }

    fn last_of(&self, user: &UserId) -> u32 {
        self.authors.get(user).copied().unwrap_or(0)
    }

    fn check(&self, act: &BoardAct, free: usize) -> Result<(), Failure> {
        match act {
            BoardAct::Add(figure) => {
                self.check_figure(figure)?;
                if self.is_crowded() || size(figure) > free {
                    return Err(full("the board is full: erase something"));
                }
                Ok(())
            }
            BoardAct::Move { figures, dx, dy } => {
                check_touched(figures)?;
                match is_far(*dx) || is_far(*dy) {
                    true => Err(invalid("nothing is moved so far")),
                    false => Ok(()),
                }
            }
            BoardAct::Erase { figures } => check_touched(figures),
            BoardAct::Hide { .. } | BoardAct::Restore { .. } => Ok(()),
            // What one took away another may still want back.
            BoardAct::Forget {} => Err(invalid("only the group itself forgets, for want of room")),
            BoardAct::Clear { page } | BoardAct::SetPage { page } => self.check_number(*page),
            BoardAct::AddPage(page) => {
                check_page(page)?;
                match self.pages.len() < MAX_BOARD_PAGES {
                    true => Ok(()),
                    false => Err(full(format!("the board has its {MAX_BOARD_PAGES} pages"))),
                }
            }
        }
    }

    fn check_number(&self, page: u16) -> Result<(), Failure> {
        if usize::from(page) < self.pages.len() {
            return Ok(());
        }
        Err(invalid(format!("the board has {} pages, from 0", self.pages.len())))
    }

    fn carry_out(&mut self, by: &UserId, n: u32, act: &BoardAct) {
        let own = |n| ActId { by: by.clone(), n };
        match act {
            BoardAct::Add(figure) => {
                let page = figure.page;
                self.remove_all(|drawing| {
                    drawing.id.by == *by && drawing.figure.page == page && drawing.gone.as_ref() == Some(&drawing.id)
                });
                self.add(own(n), figure.clone());
            }
            BoardAct::Move { figures, dx, dy } => {
                for id in figures {
                    if let Some(drawing) = self.places.get(id).and_then(|place| self.figures.get_mut(place))
                        && let [x, y, ..] = drawing.figure.points.as_mut_slice()
                    {
                        *x = x.saturating_add(*dx).clamp(-MAX_DISTANCE, MAX_DISTANCE);
                        *y = y.saturating_add(*dy).clamp(-MAX_DISTANCE, MAX_DISTANCE);
                    }
                }
            }
            BoardAct::Erase { figures } => {
                self.forget_older(by, n);
                figures.iter().for_each(|id| self.take(id, &own(n)));
            }
            BoardAct::Clear { page } => {
                self.forget_older(by, n);
                for drawing in self.figures.values_mut().filter(|drawing| drawing.figure.page == *page) {
                    drawing.gone.get_or_insert_with(|| own(n));
                }
            }
            BoardAct::Hide { figure } => self.take(&own(*figure), &own(*figure)),
            BoardAct::Restore { act } => {
                let act = own(*act);
                for drawing in self.figures.values_mut() {
                    drawing.gone.take_if(|gone| *gone == act);
                }
            }
            // Refused before: the group itself forgets.
            BoardAct::Forget {} => {}
            BoardAct::AddPage(page) => self.pages.push(page.clone()),
            BoardAct::SetPage { page } => self.page = *page,
        }
    }

    fn add(&mut self, id: ActId, figure: Figure) {
        self.last_place += 1;
        self.bytes += size(&figure);
        self.places.insert(id.clone(), self.last_place);
        let drawing = Drawing { id, gone: None, figure };
        self.figures.insert(self.last_place, drawing);
    }

    fn remove(&mut self, id: &ActId) {
        if let Some(drawing) = self.places.remove(id).and_then(|place| self.figures.remove(&place)) {
            self.bytes -= size(&drawing.figure);
        }
    }

    fn remove_all(&mut self, is_meant: impl Fn(&Drawing) -> bool) {
        let meant = self.figures.values().filter(|drawing| is_meant(drawing));
        let ids: Vec<_> = meant.map(|drawing| drawing.id.clone()).collect();
        ids.iter().for_each(|id| self.remove(id));
    }

    /// An act takes a figure away, unless another one has.
    fn take(&mut self, id: &ActId, act: &ActId) {
        if let Some(drawing) = self.places.get(id).and_then(|place| self.figures.get_mut(place)) {
            drawing.gone.get_or_insert_with(|| act.clone());
        }
    }

    /// Forgets what an author took away so many acts ago that he will not want it back. Each figure tells it by itself, so
    /// that who has read a part of them does the same.
    fn forget_older(&mut self, by: &UserId, n: u32) {
        let is_old = |act: &ActId| act.by == *by && act.n < n.saturating_sub(MAX_BEHIND);
        self.remove_all(|drawing| drawing.gone.as_ref().is_some_and(is_old));
    }
}

fn check_page(page: &BoardPage) -> Result<(), Failure> {
    // Only what JSON writes in few bytes, so that all pages fit in a frame.
    let is_plain = page.image.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    if is_plain && page.image.len() <= MAX_IMAGE {
        return Ok(());
    }
    Err(invalid(format!(
        "the address of a page's picture has at most {MAX_IMAGE} visible ASCII characters"
    )))
}

fn check_touched(figures: &[ActId]) -> Result<(), Failure> {
    if figures.len() <= MAX_TOUCHED {
        return Ok(());
    }
    Err(invalid(format!("one act touches at most {MAX_TOUCHED} figures")))
}

fn is_far(way: i32) -> bool {
    !(-MAX_DISTANCE..=MAX_DISTANCE).contains(&way)
}

/// What a figure takes here, about.
fn size(figure: &Figure) -> usize {
    const AROUND: usize = 2 * size_of::<Drawing>();
    AROUND + size_of_val(figure.points.as_slice()) + figure.text.len()
}

/// A little more than what it takes on the wire.
fn wire_size(figure: &Figure) -> usize {
    const AROUND: usize = 300;
    // A number has up to seven digits and a sign; JSON may write a byte of a text as an escape of six.
    AROUND + 9 * figure.points.len() + 6 * figure.text.len()
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidArgument, message)
}

fn full(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::BoardFull, message)
}
