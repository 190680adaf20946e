use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header},
    middleware::map_response,
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use hst_auth::Named;
use hst_id::{TerminalType, UserId};
use hst_proto::{ErrorCode, IceServer, Login, VERSION};
use serde::Deserialize;
use tokio::time::timeout;

use super::{forwarded, peer::Peer, router::Web};
use crate::whip::{Patched, Plan, Refusal, Wish, begin};

/// The most bytes of a request's body. An offer of two lines has about 8 KiB.
const MAX_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// What may stand behind the path.
#[derive(Deserialize)]
struct Asked {
    /// The App, where the token does not tell it.
    app: Option<String>,
    /// As whom, where the token does not tell it.
    #[serde(rename = "as")]
    own: Option<String>,
    /// Whom to play.
    user: Option<String>,
}

/// Publishing by WHIP (RFC 9725) and playing by WHEP (draft-ietf-wish-whep).
pub(super) fn routes() -> Router<Arc<Web>> {
    let empty = || get(nothing).options(preflight);
    Router::new()
        .route("/whip/{group}", empty().post(publish))
        .route("/whep/{group}", empty().post(play))
        .route("/whip/{group}/{resource}", empty().patch(change).delete(end))
        .route("/whep/{group}/{resource}", empty().patch(change).delete(end))
        .layer(map_response(allow_any_origin))
}

/// `GET`: there is nothing to look at (RFC 9725, section 4.1).
async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// `OPTIONS` (RFC 9725, section 4.2).
async fn preflight() -> impl IntoResponse {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, PATCH, DELETE, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, if-match",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (ACCEPT_POST, SDP),
        (ACCEPT_PATCH, FRAGMENT),
    ];
    (StatusCode::OK, headers)
}

/// `POST /whip/{group}`.
async fn publish(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    Path(group): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let asked = asked.map_err(|error| bad_request(error.body_text()))?.0;
    grant(&web, &peer, "whip", group, asked, Plan::Publish, request).await
}

/// `POST /whep/{group}`.
async fn play(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    Path(group): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let asked = asked.map_err(|error| bad_request(error.body_text()))?.0;
    let user = asked.user.as_deref().map(UserId::parse).transpose();
    let user = user.map_err(|error| bad_request(format!("user {error}")))?;
    grant(&web, &peer, "whep", group, asked, Plan::Play(user), request).await
}

async fn grant(
    web: &Web,
    peer: &Peer,
    terminal: &str,
    group: String,
    asked: Asked,
    plan: Plan,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let token = bearer(&head.headers)?;
    let named = Named::in_token(&token);
    let missing = |what| bad_request(format!("the token does not tell {what}"));
    let app = named.app.map(|app| app.as_str().to_owned()).or(asked.app);
    let user = named.user.map(|user| user.as_str().to_owned()).or(asked.own);
    let login = Login {
        protocol: VERSION,
        app: app.ok_or_else(|| missing("its App: name it by ?app="))?,
        user: user.ok_or_else(|| missing("its user: name him by ?as="))?,
        token,
        terminal: TerminalType::parse(terminal).expect("it is a name"),
        company: String::new(),
        // An encoder that comes again has no way to end the resource that it had before.
        force: true,
        extend_info: String::new(),
        previous: None,
    };
    check_type(&head.headers, SDP)?;
    let sdp = text(body).await?;
    let client = forwarded::client(peer.address.ip(), &head.headers, &web.hub.admission.limits);
    let too_many = || Refusal::unavailable("too many connections");
    let place = web.hub.place(Some(client)).ok_or_else(too_many)?;
    let wish = Wish {
        login,
        group,
        plan,
        sdp,
        endpoint: head.uri.path().to_owned(),
    };
    let begun = begin(&web.hub, &web.whip, place, wish).await?;
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, begun.path),
        (header::ETAG, begun.etag),
        (ACCEPT_PATCH, FRAGMENT.to_owned()),
    ];
    let links = begun.ice_servers.iter().flat_map(links);
    let links = AppendHeaders(links.map(|link| (header::LINK, link)));
    Ok((StatusCode::CREATED, headers, links, begun.answer).into_response())
}

/// How servers that help to reach the media are told (RFC 9725, section 4.6).
fn links(servers: &IceServer) -> impl Iterator<Item = String> {
    let IceServer {
        urls,
        username,
        credential,
    } = servers;
    urls.iter().map(move |url| {
        format!(
            r#"<{url}>; rel="ice-server"; username="{username}"; credential="{credential}"; credential-type="password""#
        )
    })
}

/// `PATCH` of a resource: a fragment of trickle ICE.
async fn change(State(web): State<Arc<Web>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let token = bearer(&head.headers)?;
    check_type(&head.headers, FRAGMENT)?;
    let tag = head.headers.get(header::IF_MATCH).and_then(|tag| tag.to_str().ok());
    let tag = tag.map(str::to_owned);
    let fragment = text(body).await?;
    Ok(match web.whip.patch(head.uri.path(), &token, tag, fragment).await? {
        Patched::Noted => StatusCode::NO_CONTENT.into_response(),
        Patched::Restarted { fragment, etag } => {
            let headers = [(header::CONTENT_TYPE, FRAGMENT.to_owned()), (header::ETAG, etag)];
            (headers, fragment).into_response()
        }
    })
}

/// `DELETE` of a resource. When it is answered, the member has left.
async fn end(State(web): State<Arc<Web>>, uri: Uri, headers: HeaderMap) -> Result<StatusCode, Refusal> {
    web.whip.end(uri.path(), &bearer(&headers)?).await?;
    Ok(StatusCode::OK)
}

/// The token that a request shows (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<String, Refusal> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|shown| {
        let (scheme, token) = shown.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let message = "a token is wanted: Authorization: Bearer <token>";
    token.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::TokenRefused, message))
}

fn check_type(headers: &HeaderMap, wanted: &str) -> Result<(), Refusal> {
    let shown = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // Parameters may follow.
    let shown = shown.and_then(|shown| shown.split(';').next());
    if shown.is_some_and(|shown| shown.trim().eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    let message = format!("the Content-Type has to be {wanted}");
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::InvalidArgument,
        message,
    ))
}

async fn text(body: Body) -> Result<String, Refusal> {
    let refused = |status, message: &str| Refusal::new(status, ErrorCode::InvalidArgument, message);
    let body = timeout(BODY_DEADLINE, to_bytes(body, MAX_BODY)).await;
    let body = body.map_err(|_| refused(StatusCode::REQUEST_TIMEOUT, "the body took too long"))?;
    let body = body.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"))?;
    String::from_utf8(body.into()).map_err(|_| bad_request("the body is no text"))
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidArgument, message)
}

/// Lets pages of any origin ask: no cookie opens anything here, who asks has to show a token.
async fn allow_any_origin(mut response: Response) -> Response {
    let exposed = "location, etag, link, accept-patch, retry-after, www-authenticate";
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
