use std::{sync::Arc, time::Duration};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    named::NamedApp,
};
use crate::http::Web;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// For how many seconds the present secret stays good beside the new one; 0: not at all.
    #[schema(example = 86400)]
    keep_previous: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewSecret {
    /// What new tokens are to be made with.
    secret: String,
    /// Up to this moment, in milliseconds since 1970, the secret before this one is good, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<u64>,
}

/// Gives an App a new secret.
///
/// A secret before the present one is good no more, even if its time was not over. Whoever is in stays: to put out those
/// who came by a secret that has leaked, revoke what was issued before now.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/secret",
    tag = "Apps",
    params(("app" = String, Path)),
    request_body = Rotation,
    responses((status = 200, body = Answer<NewSecret>)),
)]
pub(super) async fn rotate_secret(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    Body(rotation): Body<Rotation>,
) -> Outcome<NewSecret> {
    let keep_for = Duration::from_secs(rotation.keep_previous.into());
    let app = web.hub.rotate_secret(&app, keep_for).await?;
    ok(NewSecret {
        secret: app.secrets.current().reveal().to_owned(),
        previous_until: app.secrets.previous().map(|(_, until)| until.as_millis()),
    })
}

/// Makes the secret before the present one good for nothing at once, if there is one.
#[utoipa::path(
    delete,
    path = "/v1/apps/{app}/secret/previous",
    tag = "Apps",
    params(("app" = String, Path)),
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn drop_previous_secret(State(web): State<Arc<Web>>, NamedApp(app): NamedApp) -> Outcome {
    web.hub.drop_previous_secret(&app).await?;
    ok(Done {})
}
