use hst_id::{MediaId, UserId};
use serde::{Deserialize, Serialize};

/// How large a board is when its maker does not say, in pixels of its own.
const USUAL_SIZE: (u16, u16) = (1280, 768);

/// A white board to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBoard {
    /// A free text shown to the others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its width in pixels of its own.
    #[serde(default = "usual_width")]
    pub width: u16,
    /// Its height in pixels of its own.
    #[serde(default = "usual_height")]
    pub height: u16,
    /// Its pages; without any it has a blank one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<BoardPage>,
}

/// One page of a board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPage {
    /// The address of the picture behind what is drawn; none is blank.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
}

/// An act of somebody on a board; a figure is named by the one that drew it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActId {
    /// Who.
    pub by: UserId,
    /// Which of his acts.
    pub n: u32,
}

/// What somebody draws in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Its shape.
    pub kind: FigureKind,
    /// On which page, counted from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub page: u16,
    /// Red, green and blue, a byte each.
    #[serde(default, skip_serializing_if = "is_black")]
    pub color: u32,
    /// The width of the brush or the height of the letters, in tenths of a pixel of the board.
    pub size: u16,
    /// In tenths of a pixel of the board, x and y in turn: first a place, and then the way from each point to the next.
    /// So a figure is moved by changing its first point.
    pub points: Vec<i32>,
    /// What a text says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// The shape of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: who does not know a shape cannot draw it"
)]
pub enum FigureKind {
    /// A way through all its points.
    Curve,
    /// From one point to another.
    Line,
    /// Between two corners.
    Rect,
    /// Within two corners.
    Ellipse,
    /// Beginning at the upper left.
    Text,
}

/// One act on a board. All who have the board open carry out the same ones in the same order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: a new act is a new protocol version"
)]
pub enum BoardAct {
    /// Draws a figure on top of all others; its number is that of the act. Figures that its author has hidden on that page
    /// are forgotten: nothing is redone behind something new.
    Add(Figure),
    /// Moves figures, also where they are not seen; those that are forgotten stay so.
    Move {
        /// Which.
        figures: Vec<ActId>,
        /// To the right, in tenths of a pixel.
        dx: i32,
        /// Down.
        dy: i32,
    },
    /// Takes figures away.
    Erase {
        /// Which.
        figures: Vec<ActId>,
    },
    /// Takes away all figures of a page.
    Clear {
        /// Counted from 0.
        page: u16,
    },
    /// Hides a figure of one's own: this is how drawing is undone.
    Hide {
        /// Its number.
        figure: u32,
    },
    /// Brings back, to where it lay, what an act of one's own took away and nobody has brought back or forgotten: how
    /// erasing and clearing are undone, and drawing is done again.
    Restore {
        /// The number of that act; of a figure that is hidden its own number.
        act: u32,
    },
    /// Forgets all that was taken away. The group does this by itself where it needs the room: it tells that as number 0 of
    /// whom it needs the room for.
    Forget {},
    /// Adds a page behind the last one.
    AddPage(BoardPage),
    /// Turns to a page, for everybody.
    SetPage {
        /// Counted from 0.
        page: u16,
    },
}

/// An act that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// On which board.
    pub board: MediaId,
    /// Its number among one's own acts on the board: one that is not higher than all before has been carried out, and is
    /// not once more.
    pub n: u32,
    /// What.
    pub act: BoardAct,
}

/// An act that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// On which board.
    pub board: MediaId,
    /// By whom.
    pub by: UserId,
    /// Its number among his acts.
    pub n: u32,
    /// What.
    pub act: BoardAct,
}

/// A figure, or the latest piece of one, that is being drawn: shown until the act that adds it comes, and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// On which board.
    pub board: MediaId,
    /// Which of one's figures: pieces of a curve with one number belong together, and another number is another figure.
    pub n: u32,
    /// What of it is there; of a curve only what is new.
    pub figure: Figure,
}

/// What somebody is drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketched {
    /// Who.
    pub by: UserId,
    /// What.
    #[serde(flatten)]
    pub sketch: Sketch,
}

/// What is on a board, or a part of it: together with the acts that come meanwhile and later it is all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPart {
    /// Its free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its width in pixels of its own.
    pub width: u16,
    /// Its height.
    pub height: u16,
    /// All its pages.
    pub pages: Vec<BoardPage>,
    /// The page that is turned to.
    pub page: u16,
    /// The number of one's own last act on it.
    pub own: u32,
    /// Whether one may draw on it.
    pub writable: bool,
    /// In the order in which they lie on each other.
    pub figures: Vec<Drawing>,
    /// From where to go on, when this is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A figure that is on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// Which.
    #[serde(flatten)]
    pub id: ActId,
    /// The act that took it away, when it is not seen; of one that its author has hidden the one that drew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<ActId>,
    /// What.
    #[serde(flatten)]
    pub figure: Figure,
}

fn usual_width() -> u16 {
    USUAL_SIZE.0
}

fn usual_height() -> u16 {
    USUAL_SIZE.1
}

fn is_zero(page: &u16) -> bool {
    *page == 0
}

fn is_black(color: &u32) -> bool {
    *color == 0
}
