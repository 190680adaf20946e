use std::sync::Arc;

use axum::extract::State;
use hst_group::server::Inviter;
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{ErrorCode, Failure, Payload};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    body::Body,
    caller::Caller,
    problem::{Code, Problem},
};
use crate::http::Web;

/// From whom the invited hear it: no user of the App has invited them.
const INVITER: &str = "server";

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Invite {
    #[schema(value_type = String)]
    app_id: AppId,
    #[schema(value_type = String)]
    group_id: GroupId,
    /// 1 to 128 users.
    #[schema(value_type = Vec<String>)]
    user_id_list: Vec<UserId>,
    /// Comes back in the answer.
    seq_id: i64,
    /// Any JSON value of at most 1 KiB, for the invited.
    #[schema(value_type = Option<Object>)]
    extend_info: Option<Payload>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invited {
    seq_id: i64,
    /// Who was not reached, because he is not online.
    user_id_list: Vec<String>,
}

/// Invites users into a group, in the name of the application.
///
/// They have 60 seconds to answer. Who accepts is seen as he joins the group.
#[utoipa::path(
    post,
    path = "/v1/online/invite",
    tag = "Platform",
    request_body = Invite,
    responses((status = 200, body = Answer<Invited>)),
)]
pub(super) async fn invite_users(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Body(invite): Body<Invite>,
) -> Outcome<Invited> {
    let app = web.hub.app_of(&developer, &invite.app_id)?;
    // Each invite has an inviter of its own, who is nobody's session: what is answered goes nowhere.
    let from = Inviter {
        app: app.id.clone(),
        user: UserId::parse(INVITER).expect("letters are a name"),
        info: String::new(),
        session: web.hub.next_session(),
    };
    let rung = hst_proto::Invite {
        invite: 1,
        group: invite.group_id,
        users: invite.user_id_list,
        extend_info: invite.extend_info,
    };
    let invited = web.hub.invite_from(from, rung).await.map_err(problem)?;
    ok(Invited {
        seq_id: invite.seq_id,
        user_id_list: invited.offline.iter().map(UserId::to_string).collect(),
    })
}

fn problem(failure: Failure) -> Problem {
    let is_argument = failure.code == ErrorCode::InvalidArgument.number();
    let code = if is_argument { Code::ArgumentInvalid } else { Code::Busy };
    Problem::new(code, failure.message)
}
