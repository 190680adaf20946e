use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{Invitation, MAX_LISTED, MAX_NAME_TEXT, Payload};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    body::Body,
    caller::Caller,
    problem::{Code, Problem},
};
use crate::{admin::invitation_number, http::Web};

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
    let refuse = |message| Err(Problem::new(Code::ArgumentInvalid, message));
    let count = invite.user_id_list.len();
    if !(1..=MAX_LISTED).contains(&count) {
        return refuse(format!(
            "user_id_list: names {count} users: 1 to {MAX_LISTED} are allowed"
        ));
    }
    if invite
        .extend_info
        .as_ref()
        .is_some_and(|info| info.as_json().len() > MAX_NAME_TEXT)
    {
        return refuse(format!("extend_info: has more than {MAX_NAME_TEXT} bytes of JSON"));
    }
    let invitation = Invitation {
        invite: invitation_number(),
        group: invite.group_id,
        from: UserId::parse(INVITER).expect("letters are a name"),
        from_info: String::new(),
        extend_info: invite.extend_info,
    };
    let users = BTreeSet::from_iter(invite.user_id_list);
    let offline = web.hub.ring(&app.id, &users, invitation).await?;
    ok(Invited {
        seq_id: invite.seq_id,
        user_id_list: offline.iter().map(UserId::to_string).collect(),
    })
}
