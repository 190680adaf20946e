use thiserror::Error;

/// What is wrong with an endpoint, a network or an id: a mistake in a configuration, found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// Not a URL, or one without a host.
    #[error("is no URL: give it like https://app.example.com/events")]
    UrlMalformed,
    /// More bytes than a URL may have.
    #[error("is {len} bytes long: at most {max} are allowed")]
    UrlTooLong {
        /// Its length in bytes.
        len: usize,
        /// The most that are allowed.
        max: usize,
    },
    /// A URL of another scheme.
    #[error("is not http or https")]
    UrlScheme,
    /// A user name or a password, which would end in logs.
    #[error("has a user name or a password: the signature says who is calling")]
    UrlUserInfo,
    /// A fragment, which is never sent.
    #[error("has a fragment: leave it away")]
    UrlFragment,
    /// A port where something else than HTTP is usual.
    #[error("port {port} may not be called: take 80, 443 or one from 1024 on that no other protocol is known for")]
    UrlPort {
        /// The port.
        port: u16,
    },
    /// Not `whsec_` and base64.
    #[error("is no secret: it is written whsec_ and then base64")]
    SecretMalformed,
    /// A key that is too short to be safe, or longer than the convention allows.
    #[error("is a secret of {len} bytes: 24 to 64 are wanted")]
    SecretLength {
        /// Its length in bytes.
        len: usize,
    },
    /// The operating system gave no randomness. Try again.
    #[error("the operating system gives no randomness")]
    NoRandomness,
    /// Not an address, a slash and a length of a prefix that this kind of address can have.
    #[error("{text:?} is no network: give it like 10.0.0.0/8 or fd00::/8")]
    NetworkMalformed {
        /// What was given.
        text: String,
    },
    /// Bits after the prefix: the writer meant another network, or another length.
    #[error("{text:?} has bits after its prefix: write the first address of the network")]
    NetworkHostBits {
        /// What was given.
        text: String,
    },
    /// Not 1 to 64 of `[A-Za-z0-9_-]`.
    #[error("is no id of an event: 1 to 64 letters, digits, '_' and '-' are allowed")]
    EventId,
}

impl WebhookError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::NoRandomness)
    }
}

/// Why a request is not to be believed.
///
/// Answer all of them with the same status, such as 401: which it was belongs into the receiver's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header is not of the form that every genuine request has.
    #[error("the id or the timestamp is malformed")]
    Malformed,
    /// Too old or from the future: a request that somebody kept and sends again, or a wrong clock.
    #[error("the timestamp is too far from now: a replayed request, or a wrong clock")]
    Stale,
    /// None of the signatures is by this secret and for this id, timestamp and body.
    #[error("no signature is valid")]
    Signature,
}
