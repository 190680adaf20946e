use std::sync::Arc;

use axum::extract::State;
use hst_id::{AppId, TerminalType, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    caller::Caller,
};
use crate::http::Web;

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct KickOut {
    #[schema(value_type = String)]
    app_id: AppId,
    #[schema(value_type = String)]
    user_id: UserId,
    /// Only on this class of terminal.
    #[schema(value_type = Option<String>, example = "web")]
    mutex_type: Option<TerminalType>,
}

/// Ends the sessions of a user, whose engines report `onKickOut` and do not come back by themselves.
///
/// He may log in again: to keep him out, ban him.
#[utoipa::path(
    post,
    path = "/v1/kickout",
    tag = "Platform",
    request_body = KickOut,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn kick_out(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Body(whom): Body<KickOut>,
) -> Outcome {
    let app = web.hub.app_of(&developer, &whom.app_id)?;
    web.hub
        .kick_out(&app.id, &whom.user_id, whom.mutex_type.as_ref())
        .await?;
    ok(Done {})
}
