use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hst_proto::{ErrorCode, Failure};

/// Why something was not done, and how HTTP says so.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    failure: Failure,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            failure: Failure::new(code, message),
        }
    }

    /// It may go well later.
    pub(crate) fn unavailable(message: &str) -> Self {
        let failure = Failure::new(ErrorCode::OperationFailed, message).retry_after(5_000);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { status, failure }
    }

    /// Nothing is published that could be played (draft-ietf-wish-whep, on the set-up of a session).
    pub(super) fn nothing_to_play() -> Self {
        let message = "nobody publishes here what could be played: try again later";
        let failure = Failure::new(ErrorCode::OperationFailed, message).retry_after(5_000);
        let status = StatusCode::CONFLICT;
        Self { status, failure }
    }

    /// A login was refused.
    pub(super) fn of_login(failure: Failure) -> Self {
        use ErrorCode::{Revoked, TokenExpired, TokenRefused, UnknownApp};
        let status = match ErrorCode::from_number(failure.code) {
            Some(TokenRefused) if failure.retry_after.is_some() => StatusCode::TOO_MANY_REQUESTS,
            Some(TokenRefused | TokenExpired | Revoked | UnknownApp) => StatusCode::UNAUTHORIZED,
            _ => status(&failure),
        };
        Self { status, failure }
    }
}

impl From<Failure> for Refusal {
    /// What was asked after the login was refused.
    fn from(failure: Failure) -> Self {
        let status = status(&failure);
        Self { status, failure }
    }
}

fn status(failure: &Failure) -> StatusCode {
    use ErrorCode::{
        AppOffline, Banned, GroupFull, GroupLocked, IllegalUserId, InvalidArgument, JoinedTwice, KickedOut,
        LoginConflict, NoAudioService, NoScreenShare, NoScreenShareService, NoVideoService, Revoked, ServerInternal,
        SessionGone, TokenExpired, TokenRefused,
    };
    let Some(code) = ErrorCode::from_number(failure.code) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    match code {
        InvalidArgument | IllegalUserId => StatusCode::BAD_REQUEST,
        TokenRefused | TokenExpired | Revoked | AppOffline | Banned | KickedOut | GroupLocked | NoAudioService
        | NoVideoService | NoScreenShareService => StatusCode::FORBIDDEN,
        NoScreenShare => StatusCode::NOT_FOUND,
        LoginConflict | JoinedTwice => StatusCode::CONFLICT,
        GroupFull | SessionGone => StatusCode::SERVICE_UNAVAILABLE,
        ServerInternal => StatusCode::INTERNAL_SERVER_ERROR,
        _ if failure.retry_after.is_some() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after = self.failure.retry_after;
        let mut response = (self.status, Json(self.failure)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(milliseconds) = retry_after {
            headers.insert(header::RETRY_AFTER, milliseconds.div_ceil(1_000).into());
        }
        response
    }
}
