use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::extract::State;
use hst_id::{GroupId, UserId};
use hst_store::{Ban, BanReason, Until};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    named::NamedApp,
    page::Page,
    params::{Params, parsed},
};
use crate::{apps::now, http::Web};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BanList {
    bans: Vec<BanView>,
    /// How many there are in all.
    total: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct BanView {
    user: String,
    /// Without it he is kept out of the whole App.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Up to this moment, in milliseconds since 1970; without it for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    reason: String,
}

impl From<&Ban> for BanView {
    fn from(ban: &Ban) -> Self {
        Self {
            user: ban.user.to_string(),
            group: ban.group.as_ref().map(GroupId::to_string),
            until: match ban.until {
                Until::Moment(until) => Some(until.as_millis()),
                Until::Forever => None,
            },
            reason: ban.reason.to_string(),
        }
    }
}

/// Lists who is kept out, in the order of users and groups.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}/bans",
    tag = "Users",
    params(("app" = String, Path), Page),
    responses((status = 200, body = Answer<BanList>)),
)]
pub(super) async fn list_bans(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    Params(page): Params<Page>,
) -> Outcome<BanList> {
    let bans = web.hub.apps.bans(&app.id);
    ok(BanList {
        total: bans.len(),
        bans: page.of(bans).iter().map(BanView::from).collect(),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBan {
    #[schema(value_type = String)]
    user: UserId,
    /// From which group; without it from the whole App.
    #[schema(value_type = Option<String>)]
    group: Option<GroupId>,
    /// For how long; without it for ever.
    #[schema(value_type = Option<u32>, minimum = 1, example = 3600)]
    seconds: Option<NonZeroU32>,
    /// For people to read: at most 256 characters.
    #[serde(default = "no_reason", deserialize_with = "parsed")]
    #[schema(value_type = String, required = false, default = "")]
    reason: BanReason,
}

fn no_reason() -> BanReason {
    BanReason::parse("").expect("a reason may be empty")
}

/// Keeps a user out of an App or of one of its groups, and puts him out if he is in. A ban of the same user from the
/// same place is replaced.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/bans",
    tag = "Users",
    params(("app" = String, Path)),
    request_body = NewBan,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn add_ban(State(web): State<Arc<Web>>, NamedApp(app): NamedApp, Body(new): Body<NewBan>) -> Outcome {
    let end = |seconds: NonZeroU32| now().checked_add(Duration::from_secs(seconds.get().into()));
    let ban = Ban {
        user: new.user,
        group: new.group,
        until: new.seconds.and_then(end).map_or(Until::Forever, Until::Moment),
        reason: new.reason,
    };
    web.hub.ban(app.id.clone(), ban).await?;
    ok(Done {})
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[param(value_type = String)]
    user: UserId,
    /// From which group; without it from the whole App.
    #[param(value_type = Option<String>)]
    group: Option<GroupId>,
}

/// Lets a user in again.
#[utoipa::path(
    delete,
    path = "/v1/apps/{app}/bans",
    tag = "Users",
    params(("app" = String, Path), Which),
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn lift_ban(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    Params(Which { user, group }): Params<Which>,
) -> Outcome {
    web.hub.registry.unban(app.id.clone(), group, user).await?;
    ok(Done {})
}
