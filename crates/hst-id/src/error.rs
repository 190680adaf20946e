use thiserror::Error;

/// Why a text is not a name of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The text is empty.
    #[error("is empty: give it 1 to {max} characters")]
    Empty {
        /// The most bytes this kind of name may have.
        max: usize,
    },
    /// The text has more bytes than this kind of name may have.
    #[error("is {len} bytes long: at most {max} are allowed")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The most bytes this kind of name may have.
        max: usize,
    },
    /// A character outside this kind of name's alphabet.
    #[error("has {found:?} at byte {at}: only {allowed} are allowed")]
    Character {
        /// The first offending character.
        found: char,
        /// Its byte offset.
        at: usize,
        /// The alphabet, in words.
        allowed: &'static str,
    },
}
