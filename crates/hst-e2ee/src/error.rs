use thiserror::Error;

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It has fewer than [`MIN_KEY_LEN`](crate::MIN_KEY_LEN) bytes.
    #[error("the key is too short: give 16 bytes or more, as a generator of random numbers makes them")]
    TooShort,
    /// The passphrase is empty.
    #[error("the passphrase is empty")]
    NoPassphrase,
}

/// Why a frame is not encrypted; it must not be sent then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// No key has been set.
    #[error("there is no key to encrypt with: set one first")]
    NoKey,
    /// The bytes are no frame of this codec, so nobody knows what of it may stay readable.
    #[error("the frame is not of the codec that it is said to be")]
    WrongCodec,
    /// The cipher refused; never for a frame that fits into memory.
    #[error("the frame cannot be encrypted")]
    Cipher,
}

/// Why a frame stays closed; it must not be shown then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is not encrypted, or damaged before what is encrypted begins.
    #[error("the frame is not encrypted, or damaged")]
    Malformed,
    /// It was encrypted under a key that is not known here: not yet, or not any more.
    #[error("the frame is encrypted under key {0}, which is not known")]
    UnknownKey(u8),
    /// The key is known by its number, but is another one; or somebody has changed the frame; or it is somebody else's.
    #[error("the frame was not encrypted by this user under this key")]
    Forged,
    /// A frame that came before, or one so old that nobody knows whether it did.
    #[error("the frame has been here before")]
    Replayed,
}
