use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap};
use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    caller::credentials,
    problem::{Code, Problem},
};
use crate::{
    access_tokens::ACCESS_TOKEN_LIFETIME,
    admin::Refused,
    developers::developer,
    http::{Web, peer::Peer},
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
    let (hub, address) = (&web.hub, peer.address.ip());
    let credentials = credentials(&headers)?.to_owned();
    hub.failures.check(address).map_err(Problem::too_many_failures)?;
    let store = hub.apps.store.clone();
    let found = spawn_blocking(move || developer(&store, &credentials)).await;
    let found = found.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    let Some(developer) = found.map_err(Refused::from)? else {
        hub.failures.count(address);
        tracing::warn!(%address, "wrong credentials of a developer");
        return Err(Problem::new(Code::AuthenticationFailed, "Authentication failed"));
    };
    tracing::info!(%developer, "an access token was issued");
    ok(Issued {
        result: AccessToken {
            timeout: ACCESS_TOKEN_LIFETIME.as_secs(),
            access_token: hub.access_tokens.issue(developer),
        },
    })
}
