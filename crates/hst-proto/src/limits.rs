use std::time::Duration;

/// The version of the protocol that this crate speaks; a login names it.
pub const VERSION: u16 = 1;

/// How often a client sends `ping`.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// Either side takes a peer for dead that sent no frame for this long.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(15);

/// The most bytes of one message's JSON text.
pub const MAX_MESSAGE: usize = 8 * 1024;

/// How deeply arrays and objects may be nested in a message: no reader of JSON gives up so early.
pub const MAX_DEPTH: usize = 32;

/// The most bytes of a session description.
pub const MAX_SDP: usize = 192 * 1024;

/// The most m-lines of one offer.
pub const MAX_LINES: usize = 256;

/// The most bytes of a free text that travels with a login or a media: company, extend info, media name.
pub const MAX_NAME_TEXT: usize = 1024;
