//! A client's hello, which is in one piece where it is looked into: browsers whose keys are large cut it in two.

use super::beneath::MESSAGE;

/// The message (RFC 5246 section 7.4.1.2, RFC 6347 section 4.2).
pub(super) const CLIENT_HELLO: u8 = 1;
/// The largest that is put together; a browser's has 1,500 bytes. One that is larger is left in its pieces.
const MAX: usize = 4096;

/// What has come of it.
#[derive(Debug, Default)]
pub(super) struct Hello {
    /// The number of the message.
    seq: [u8; 2],
    body: Vec<u8>,
    /// Which bytes of the body are there.
    has: Vec<bool>,
    is_whole: bool,
}

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// No piece of a hello, or one of a hello that was whole before.
    None,
    /// A piece; others are missing.
    Kept,
    /// The last one: this is the whole message.
    Last(Vec<u8>),
}

impl Hello {
    /// Takes a message as it stands in its record.
    pub(super) fn take(&mut self, message: &[u8]) -> Piece {
        let Some((header, piece)) = message.split_first_chunk::<MESSAGE>() else {
            return Piece::None;
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        let [len, start, count] = [&header[1..4], &header[6..9], &header[9..12]].map(number);
        let is_piece = header[0] == CLIENT_HELLO && count == piece.len() && count < len && start + count <= len;
        if !is_piece || len > MAX || self.is_whole {
            return Piece::None;
        }
        let seq = [header[4], header[5]];
        if (self.seq, self.body.len()) != (seq, len) {
            *self = Self {
                seq,
                body: vec![0; len],
                has: vec![false; len],
                is_whole: false,
            };
        }
        self.body[start..start + count].copy_from_slice(piece);
        self.has[start..start + count].fill(true);
        if self.has.contains(&false) {
            return Piece::Kept;
        }
        let whole = [&header[..6], &[0; 3], &header[1..4], &self.body].concat();
        *self = Self {
            is_whole: true,
            ..Self::default()
        };
        Piece::Last(whole)
    }
}
