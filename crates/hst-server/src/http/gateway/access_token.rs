use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    caller::{client, credentials},
    problem::Problem,
};
use crate::{
    access_tokens::ACCESS_TOKEN_LIFETIME,
    admin::Refused,
    http::{Web, peer::Peer},
    refusal::evenly,
};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Issued {
    result: AccessToken,
}

#[derive(Debug, Serialize, ToSchema)]
struct AccessToken {
    /// For how many seconds it is good.
    #[schema(example = 7200)]
    timeout: u64,
    /// What `Authorization` of all other calls holds: 32 characters.
    #[schema(example = "f0f646c66a7219b040e45fdb592504ba")]
    access_token: String,
}

/// Gives a developer an access token.
///
/// `Authorization` holds `<Developer ID>.<token>`, and the token is made with the Developer ID and the Developer Secret as
/// an App's are made with App ID and App Secret. A developer has one access token: the one before it is worth nothing
/// any more.
#[utoipa::path(
    get,
    path = "/access/token",
    tag = "Access",
    responses((status = 200, body = Answer<Issued>)),
)]
pub(super) async fn get_access_token(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Outcome<Issued> {
    let hub = &web.hub;
    let (credentials, address) = (credentials(&headers)?, client(hub, &peer, &headers));
    // Counted before it is known to be one, so that many at a time are no way around.
    hub.failures
        .count(&address.into())
        .map_err(Problem::too_many_failures)?;
    let judged = evenly(hub.developer(credentials)).await;
    match &judged {
        Err(Refused::WrongCredentials) => tracing::warn!(%address, "wrong credentials of a developer"),
        _ => hub.failures.take_back(&address.into()),
    }
    let developer = judged?;
    let access_token = hub.registry.issue_access_token(developer.clone()).await?;
    tracing::info!(%developer, "an access token was issued");
    ok(Issued {
        result: AccessToken {
            timeout: ACCESS_TOKEN_LIFETIME.as_secs(),
            access_token,
        },
    })
}
