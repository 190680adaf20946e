use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hst_store::DeveloperId;

use super::problem::{Code, Problem};
use crate::{
    http::{Web, forwarded, peer::Peer},
    hub::Hub,
};

/// Whose access token came with the request.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) DeveloperId);

/// Lets nobody pass who shows no access token.
pub(super) async fn authenticate(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let developer = match holder(&web.hub, &peer, request.headers()) {
        Ok(developer) => developer,
        Err(problem) => return problem.into_response(),
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(Caller(developer.clone()));
    let response = next.run(request).await;
    if method != Method::GET {
        tracing::info!(%developer, %method, path, status = response.status().as_u16(), "a backend acts");
    }
    response
}

/// A token that is good is taken also from where wrong ones came: it cannot be guessed, and strangers behind the same
/// proxy must not keep its holder out.
fn holder(hub: &Hub, peer: &Peer, headers: &HeaderMap) -> Result<DeveloperId, Problem> {
    let token = credentials(headers)?;
    if let Some(developer) = hub.registry.check_access_token(token) {
        return Ok(developer);
    }
    let address = client(hub, peer, headers);
    hub.failures
        .count(&address.into())
        .map_err(Problem::too_many_failures)?;
    let message = "no such access token, or not any more: get a new one from /access/token";
    Err(Problem::new(Code::AccessTokenExpired, message))
}

/// Whose failures count together.
pub(super) fn client(hub: &Hub, peer: &Peer, headers: &HeaderMap) -> IpAddr {
    forwarded::client(peer.address.ip(), headers, &hub.admission.limits)
}

/// What stands in `Authorization`, which has no scheme here.
pub(super) fn credentials(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(text)), None) if !text.is_empty() => Ok(text),
        _ => Err(Problem::new(
            Code::AuthenticationFailed,
            "one header Authorization is wanted",
        )),
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without it the route is not behind `authenticate`, and then it opens for nobody.
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::new(Code::AuthenticationFailed, "this route knows no callers"))
    }
}
