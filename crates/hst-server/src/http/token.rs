use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Extension, Json,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use hst_auth::{AppSecret, IssueError, TokenIssuer, TokenRequest, UnixMillis};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::ErrorCode;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{forwarded, peer::Peer, router::Web};
use crate::refusal::evenly;

/// The most bytes of a request's body.
const MAX_BODY: usize = 4 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    app_id: String,
    app_secret: String,
}

/// `POST /generate/token`: a `001` token for whoever knows an App's secret. A facility for trying things out: the secret
/// of a real App belongs on its owner's server, which makes its tokens itself.
pub(super) async fn answer(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !web.token_service {
        let message = "tokens are not made here: set token_service = true in the configuration, or make them yourself";
        return refused(StatusCode::NOT_FOUND, ErrorCode::OperationFailed, message);
    }
    let Ok(body) = timeout(BODY_DEADLINE, to_bytes(body, MAX_BODY)).await else {
        return refused(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::InvalidArgument,
            "the body took too long",
        );
    };
    let Ok(body) = body else {
        return refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidArgument,
            "the body is too large",
        );
    };
    let Ok(asked) = serde_json::from_slice::<Asked>(&body) else {
        let message = r#"the body has the form {"appId":"…","appSecret":"…"}"#;
        return refused(StatusCode::BAD_REQUEST, ErrorCode::InvalidArgument, message);
    };
    let hub = &web.hub;
    let source = forwarded::client(peer.address.ip(), &headers, &hub.admission.limits).into();
    // Counted before it is known to be wrong, so that many at a time are no way around.
    if hub.failures.count(&source).is_err() {
        let message = "too many wrong secrets came from this address: wait a minute";
        return refused(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TokenRefused, message);
    }
    let made = evenly(async { make(&web, &asked).ok_or(Unknown) }).await;
    if made.is_ok() {
        hub.failures.take_back(&source);
    }
    match made {
        Ok(Ok(token)) => reply(StatusCode::OK, 0, "OK", &token),
        Ok(Err(error)) => {
            tracing::error!(%error, "no token was made");
            refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                ErrorCode::ServerInternal,
                "no token was made: try again",
            )
        }
        Err(Unknown) => refused(
            StatusCode::OK,
            ErrorCode::TokenRefused,
            "there is no App with this appId and appSecret",
        ),
    }
}

/// The App, or its secret: nobody learns which.
struct Unknown;

/// Makes a token with the secret that was handed over, and hands it out if the platform itself takes it. So an unknown
/// App and a wrong secret cost the same work, and no secret is compared here.
fn make(web: &Web, asked: &Asked) -> Option<Result<String, IssueError>> {
    let app = AppId::parse(&asked.app_id).ok()?;
    let secret = AppSecret::parse(&asked.app_secret).ok()?;
    // As the platform's own generator has it: these names bind nobody.
    let request = TokenRequest {
        user: Some(UserId::parse("1").expect("a digit is a name")),
        group: Some(GroupId::parse("1").expect("a digit is a name")),
        ..TokenRequest::default()
    };
    let issuer = TokenIssuer::legacy_001(app.clone(), &secret);
    match issuer.issue(&request, UnixMillis::from(SystemTime::now())) {
        Ok(token) => web.hub.apps.verify(&app, &token).ok().map(|_| Ok(token)),
        Err(error) => Some(Err(error)),
    }
}

fn refused(status: StatusCode, code: ErrorCode, message: &str) -> Response {
    reply(status, code.number(), message, "")
}

fn reply(status: StatusCode, code: u32, message: &str, result: &str) -> Response {
    let body = Json(json!({ "code": code, "message": message, "result": result }));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
