use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

/// Why a connection was closed, as far as the other side can act on it.
///
/// The numbers are those of WebSocket (RFC 6455, section 7.4.1) and, where it has none, from its private range. QUIC
/// carries the same ones as application error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// Nothing more to say (1000).
    Normal,
    /// This side is going away, such as a server that restarts (1001).
    GoingAway,
    /// The peer sent what the protocol does not allow (1002).
    ProtocolError,
    /// The peer may not do what it did (1008).
    PolicyViolation,
    /// The peer sent a frame above the limit (1009).
    TooLarge,
    /// A bug or a failure on this side (1011).
    InternalError,
    /// This side has no room at present (1013).
    Overloaded,
    /// The peer read so slowly that too much waited for it (4001).
    SlowReader,
    /// Nothing was heard of the peer for too long (4002).
    HeartbeatLost,
    /// Another connection took this one's place (4003).
    Replaced,
}

impl CloseCode {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::PolicyViolation,
        Self::TooLarge,
        Self::InternalError,
        Self::Overloaded,
        Self::SlowReader,
        Self::HeartbeatLost,
        Self::Replaced,
    ];

    /// Its number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::PolicyViolation => 1008,
            Self::TooLarge => 1009,
            Self::InternalError => 1011,
            Self::Overloaded => 1013,
            Self::SlowReader => 4001,
            Self::HeartbeatLost => 4002,
            Self::Replaced => 4003,
        }
    }

    /// The code of a number from the wire. One that says nothing here, such as a proxy's own, is [`Self::GoingAway`]: to
    /// try again is then the right thing.
    pub fn from_number(number: u16) -> Self {
        match number {
            // A kind of data that is not accepted, text that is not UTF-8, a missing extension.
            1003 | 1007 | 1010 => Self::ProtocolError,
            _ => Self::ALL
                .into_iter()
                .find(|code| code.number() == number)
                .unwrap_or(Self::GoingAway),
        }
    }

    /// Whether a new connection may fare better.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::GoingAway | Self::InternalError | Self::Overloaded | Self::SlowReader | Self::HeartbeatLost => true,
            Self::Normal | Self::ProtocolError | Self::PolicyViolation | Self::TooLarge | Self::Replaced => false,
        }
    }
}

/// A control frame of WebSocket has 125 bytes, and two of them are the code.
const MAX_TEXT: usize = 123;

/// Why a connection was closed: a code for the program, a short text for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// For the program.
    pub code: CloseCode,
    text: Cow<'static, str>,
}

impl CloseReason {
    /// Of `text` only the first 123 bytes, at a character's border, are kept.
    pub fn new(code: CloseCode, text: impl Into<Cow<'static, str>>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_TEXT {
            text = text[..text.floor_char_boundary(MAX_TEXT)].to_owned().into();
        }
        Self { code, text }
    }

    /// For a person; it may be empty.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<CloseCode> for CloseReason {
    fn from(code: CloseCode) -> Self {
        Self::new(code, "")
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        if !self.text.is_empty() {
            f.write_str(": ")?;
        }
        // The peer's words, which must not move the cursor of who reads them in a log.
        for c in self.text.chars() {
            match c {
                '\'' | '"' | '\\' => f.write_char(c)?,
                _ => c.escape_debug().fmt(f)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_from_its_number() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_number(code.number()), code);
        }
        assert_eq!(CloseCode::from_number(1007), CloseCode::ProtocolError);
        assert_eq!(CloseCode::from_number(4999), CloseCode::GoingAway);
    }

    #[test]
    fn i5_the_words_of_a_peer_do_nothing_where_they_are_shown() {
        let shown = |text| CloseReason::new(CloseCode::Normal, text).to_string();
        assert_eq!(shown("it's late, é"), "Normal: it's late, é");
        assert_eq!(
            shown("\u{1b}[2J\r\nall is well\u{202e}"),
            r"Normal: \u{1b}[2J\r\nall is well\u{202e}"
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_characters_border() {
        let reason = CloseReason::new(CloseCode::Normal, "é".repeat(100));
        assert_eq!(reason.text(), "é".repeat(61));
        assert_eq!(CloseReason::new(CloseCode::Normal, "x".repeat(123)).text().len(), 123);
    }
}
