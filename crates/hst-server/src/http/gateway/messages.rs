use std::sync::Arc;

use axum::extract::State;
use hst_proto::Payload;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    named::{NamedApp, NamedGroup, NamedUser},
};
use crate::{admin::Refused, http::Web};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// Any JSON value, as large as a message of the App may be.
    #[schema(value_type = Value)]
    body: Payload,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Told {
    /// On how many terminals.
    terminals: usize,
}

/// Tells all members of a group something in the name of the application: each gets the event `server_message`.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/groups/{group}/messages",
    tag = "Messages",
    params(("app" = String, Path), ("group" = String, Path)),
    request_body = Message,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn tell_group(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    Body(Message { body }): Body<Message>,
) -> Outcome {
    web.hub.announce(&app, &group, body).await?;
    ok(Done {})
}

/// Tells a user something in the name of the application, on all his terminals: each gets the event `server_message`.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/users/{user}/messages",
    tag = "Messages",
    params(("app" = String, Path), ("user" = String, Path)),
    request_body = Message,
    responses((status = 200, body = Answer<Told>)),
)]
pub(super) async fn tell_user(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedUser(user): NamedUser,
    Body(Message { body }): Body<Message>,
) -> Outcome<Told> {
    match web.hub.tell(&app, &user, None, &body).await?.len() {
        0 => Err(Refused::NotOnline(user).into()),
        terminals => ok(Told { terminals }),
    }
}
