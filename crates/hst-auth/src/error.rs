use thiserror::Error;

/// Why a token opens no door.
///
/// Tell a stranger no more than the code that his protocol has for "token check failed": which of these it was
/// belongs into the server's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No app of this id is known. Check the app id.
    #[error("no such app: check the app id")]
    UnknownApp,
    /// Damaged, forged, made for another app or with another secret, in a format that this app does not take, or good
    /// for longer than it allows: deliberately one answer for all of them. Make a new token with this app's id and
    /// secret.
    #[error("the token is not valid for this app: make a new one with this app's id and secret")]
    Rejected,
    /// A genuine token whose time is over. Make a new one.
    #[error("the token has expired: make a new one")]
    Expired,
    /// A genuine token whose time has not come. Wait, or set the clock of the machine that made it.
    #[error("the token is not valid yet: compare the clocks of its maker and of this machine")]
    NotYetValid,
}

impl TokenError {
    /// Whether the same token may be accepted later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::NotYetValid)
    }
}

/// Why a key can't be used: a mistake in the configuration, found before any token is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An App Secret is exactly 16 bytes long: it is an AES-128 key as text.
    #[error("an App Secret has 16 characters, this one has {len}")]
    AppSecretLength {
        /// Its length in bytes.
        len: usize,
    },
    /// An App Secret is visible ASCII.
    #[error("an App Secret is made of visible ASCII characters")]
    AppSecretCharacter,
    /// An HS256 key shorter than its hash (RFC 7518, 3.2).
    #[error("an HS256 key needs at least {min} bytes, this one has {len}")]
    ShortHmacKey {
        /// Its length in bytes.
        len: usize,
        /// The least that is allowed.
        min: usize,
    },
    /// Not the 32 bytes of an Ed25519 public key (RFC 8032).
    #[error("not an Ed25519 public key: its 32 bytes are wanted")]
    Ed25519PublicKey,
    /// Not an Ed25519 private key in PKCS#8.
    #[error("not an Ed25519 private key: PKCS#8 in DER is wanted")]
    Ed25519PrivateKey,
    /// A key id is 1 to 64 visible ASCII characters.
    #[error("a key id has 1 to 64 visible ASCII characters")]
    KeyId,
    /// Two JWT keys of one app share a key id, or both have none.
    #[error("two JWT keys of one app have the same key id: name each by its own")]
    DuplicateKeyId,
}

/// Why a token could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A JWT always expires. Give it a lifetime.
    #[error("a JWT needs a lifetime")]
    LifetimeRequired,
    /// The lifetime is empty, or ends at a moment that the format can't say.
    #[error("the lifetime is empty or ends at a moment that the token can't say")]
    Lifetime,
    /// The `001` format carries neither rights nor a login policy nor a token id. Make a JWT.
    #[error("a 001 token carries neither rights nor a login policy nor an id: make a JWT")]
    NotIn001,
    /// A token id is 1 to 128 bytes.
    #[error("a token id has 1 to 128 bytes")]
    TokenId,
    /// The operating system gave no random number. Trying again may help.
    #[error("the operating system gave no random number")]
    NoRandomness,
}

impl IssueError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::NoRandomness)
    }
}
