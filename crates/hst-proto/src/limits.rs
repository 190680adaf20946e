use std::time::Duration;

/// The version of the protocol that this crate speaks; a login names it.
pub const VERSION: u16 = 1;

/// How often a client sends `ping`.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// Either side takes a peer for dead that sent no frame for this long.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a session waits for its client to come back.
pub const RESUME_WINDOW: Duration = Duration::from_secs(60);

/// After so many frames at the latest a client says how many it has got.
pub const GOT_EVERY: u64 = 64;

/// The most bytes of one message's JSON text, where an App does not say otherwise.
pub const MAX_MESSAGE: usize = 8 * 1024;

/// The most that an App may allow.
pub const MAX_MESSAGE_LIMIT: usize = 64 * 1024;

/// How deeply arrays and objects may be nested in a message: no reader of JSON gives up so early.
pub const MAX_DEPTH: usize = 32;

/// The messages that a sender may send in a second.
pub const MESSAGES_PER_SECOND: u32 = 100;

/// The most users that one message or invite may name.
pub const MAX_LISTED: usize = 128;

/// The most entries of one page: of a roster, a history, or the users online.
pub const MAX_PAGE: usize = 500;

/// The most bytes of a session description.
pub const MAX_SDP: usize = 192 * 1024;

/// The most m-lines of one offer.
pub const MAX_LINES: usize = 256;

/// The most pixels of height that a picture may be wanted with.
pub const MAX_HEIGHT: u32 = 16_384;

/// The most bytes of a free text that travels with a login, a media or an invite.
pub const MAX_NAME_TEXT: usize = 1024;

/// The most white boards of a group at a time.
pub const MAX_BOARDS: usize = 8;

/// The most pages of a board.
pub const MAX_BOARD_PAGES: usize = 100;

/// The most bytes of the address of a page's picture.
pub const MAX_IMAGE: usize = 512;

/// The most figures that are on a board at a time, those included that can be brought back.
pub const MAX_FIGURES: usize = 20_000;

/// The most points of one figure.
pub const MAX_POINTS: usize = 1024;

/// The most figures that one act moves or erases.
pub const MAX_TOUCHED: usize = 128;

/// How many further acts an author may have done until what his erasing or clearing took away is forgotten: with the next
/// one that takes something away.
pub const MAX_BEHIND: u32 = 200;

/// The most users who may have drawn on a board.
pub const MAX_AUTHORS: usize = 1024;

/// How far from its corner anything on a board may be, in tenths of a pixel of the board.
pub const MAX_DISTANCE: i32 = 1_000_000;
