use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hst_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::Refused;

/// The longest text of a problem: it may repeat what was sent.
const MAX_TEXT: usize = 300;

/// After how long something that is out of reach may be back.
const OUT_OF_REACH: Duration = Duration::from_secs(1);

/// Why a call was refused. Every answer that is no success has this shape.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The number of the reason.
    #[schema(value_type = u32, example = 606_000_003)]
    code: Code,
    /// What is wrong, for people.
    #[schema(example = "limit: 0 is not from 1 to 500")]
    msg: String,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// The numbers of the reasons: up to 606000006 the platform's, from 606000100 on ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    AuthenticationFailed = 606_000_000,
    AccessTokenExpired = 606_000_001,
    ArgumentMissing = 606_000_002,
    ArgumentInvalid = 606_000_003,
    Timeout = 606_000_004,
    OperationFailed = 606_000_005,
    Busy = 606_000_006,
    NoSuchApp = 606_000_100,
    FixedApp = 606_000_101,
    NoSuchGroup = 606_000_102,
    NotInGroup = 606_000_103,
    NotOnline = 606_000_104,
    NoSuchBan = 606_000_105,
    TooLarge = 606_000_106,
    NoSuchMethod = 606_000_107,
    TooManyBans = 606_000_108,
    TooManyRevocations = 606_000_109,
    NotOperator = 606_000_110,
    NoSuchNode = 606_000_111,
    NoSuccessor = 606_000_112,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::AuthenticationFailed | Self::AccessTokenExpired => StatusCode::UNAUTHORIZED,
            Self::ArgumentMissing | Self::ArgumentInvalid => StatusCode::BAD_REQUEST,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::OperationFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::FixedApp | Self::TooManyBans | Self::TooManyRevocations | Self::NoSuccessor => StatusCode::CONFLICT,
            Self::NoSuchApp
            | Self::NoSuchGroup
            | Self::NotInGroup
            | Self::NotOnline
            | Self::NoSuchBan
            | Self::NoSuchNode => StatusCode::NOT_FOUND,
            Self::NotOperator => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(*self as u32)
    }
}

impl Problem {
    pub(super) fn new(code: Code, msg: impl Into<String>) -> Self {
        let mut msg = msg.into();
        if let Some((end, _)) = msg.char_indices().nth(MAX_TEXT) {
            msg.truncate(end);
        }
        Self {
            code,
            msg,
            status: code.status(),
            retry_after: None,
        }
    }

    /// Too many wrong credentials came from this address.
    pub(super) fn too_many_failures(wait: Duration) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(wait),
            ..Self::new(
                Code::Busy,
                "too many wrong credentials came from this address: wait a minute",
            )
        }
    }

    /// What was sent has not the shape that is wanted.
    pub(super) fn argument(error: &serde_path_to_error::Error<impl std::error::Error>) -> Self {
        let reason = error.inner().to_string();
        // Serde has no other way to say which of the two it is; the tests hold it to these words.
        let code = if reason.starts_with("missing field") {
            Code::ArgumentMissing
        } else {
            Code::ArgumentInvalid
        };
        let path = error.path().to_string();
        match path.as_str() {
            "." | "?" => Self::new(code, reason),
            _ => Self::new(code, format!("{path}: {reason}")),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::WrongCredentials => Code::AuthenticationFailed,
            Refused::NoSuchApp => Code::NoSuchApp,
            Refused::NotOperator => Code::NotOperator,
            Refused::NoSuchNode => Code::NoSuchNode,
            Refused::NoSuccessor => Code::NoSuccessor,
            Refused::FixedApp => Code::FixedApp,
            Refused::Store(StoreError::TooManyBans) => Code::TooManyBans,
            Refused::Store(StoreError::TooManyRevocations) => Code::TooManyRevocations,
            Refused::NoSuchGroup => Code::NoSuchGroup,
            Refused::NotInGroup(_) => Code::NotInGroup,
            Refused::NotOnline(_) => Code::NotOnline,
            Refused::NoSuchBan => Code::NoSuchBan,
            Refused::MessageTooLarge { .. } => Code::TooLarge,
            Refused::Late | Refused::Unsure | Refused::Unconfirmed => Code::Timeout,
            Refused::NotUnderstood => Code::OperationFailed,
            Refused::Cluster(_) => Code::Busy,
            Refused::Store(error) => {
                tracing::error!(%error, "the database did not do what was asked");
                let code = if error.is_retryable() {
                    Code::Busy
                } else {
                    Code::OperationFailed
                };
                return Self::new(code, "the database did not do it: see the server's log");
            }
        };
        Self {
            retry_after: matches!(refused, Refused::Cluster(_)).then_some(OUT_OF_REACH),
            ..Self::new(code, refused.to_string())
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after;
        let mut response = (self.status, Json(self)).into_response();
        if let Some(wait) = retry_after {
            let seconds = HeaderValue::from(wait.as_secs() + 1);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
