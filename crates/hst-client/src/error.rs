use hst_access::AccessError;
use hst_group::client::Refusal;
use hst_id::InvalidName;
use hst_media::MediaError;
use hst_proto::ErrorCode;
use thiserror::Error;

/// Why a call on an engine failed. [`code`](Self::code) is the platform's number for it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The present state, an argument or the server does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The Access service could not be asked.
    #[error("the Access service could not be asked: {0}")]
    Access(#[from] AccessError),
    /// The media engine could not do it.
    #[error("the media engine failed: {0}")]
    Media(#[from] MediaError),
    /// A media id breaks its rule.
    #[error("the media id {0}")]
    MediaId(#[from] InvalidName),
}

impl Error {
    pub(crate) fn local(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::local(code, message))
    }

    pub(crate) fn not_initialised(call: &str) -> Self {
        Self::local(
            ErrorCode::NotInitialised,
            format!("{call} is not possible while not initialised: call init first"),
        )
    }

    /// The engine was destroyed while the call was under way.
    pub(crate) fn destroyed() -> Self {
        Self::local(ErrorCode::NotInitialised, "the engine was destroyed")
    }

    /// The platform's number, such as 34 for a User ID that is logged in already.
    pub fn code(&self) -> u32 {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Access(_) => ErrorCode::Connect.number(),
            Self::Media(_) => ErrorCode::OperationFailed.number(),
            Self::MediaId(_) => ErrorCode::InvalidArgument.number(),
        }
    }

    /// The number that the server sent, such as 1000008, when it was asked.
    pub fn server_code(&self) -> Option<u32> {
        match self {
            Self::Refused(refusal) => refusal.server_code,
            _ => None,
        }
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_retryable(),
            Self::Access(error) => error.is_retryable(),
            Self::Media(_) | Self::MediaId(_) => false,
        }
    }
}
