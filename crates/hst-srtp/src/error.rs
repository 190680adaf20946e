use thiserror::Error;

/// The keying material is not of the length that the profile needs; see [`Profile::exported_len`](crate::Profile::exported_len).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{given} bytes of keying material were given, and the profile needs {needed}")]
pub struct WrongLength {
    /// How many bytes the profile needs.
    pub needed: usize,
    /// How many bytes were given.
    pub given: usize,
}

/// So many RTCP packets were sent that their numbers have run out: nothing more may be sent under these keys (RFC 3711,
/// section 9.2), so the connection has to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("2^31 RTCP packets were sent: connect anew")]
pub struct Exhausted;

/// Why a packet was refused. Nothing that is remembered has changed, and what its buffer holds now is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is no packet of this kind, or its header claims more than there is.
    #[error("the packet is cut short or none at all")]
    Malformed,
    /// An RTCP packet that says of itself that it is not encrypted, which nobody asked for.
    #[error("the packet is not encrypted")]
    Unencrypted,
    /// It came before, or it is so old that nobody knows whether it did.
    #[error("the packet has been here before, or is too late")]
    Replayed,
    /// It was changed on its way, or encrypted under other keys, or counted otherwise than here.
    #[error("the packet is not what the other side sent")]
    Forged,
}
