use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::extract::State;
use hst_group::server::Governance;
use hst_id::{MediaId, MediaRef, MediaType, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    named::{NamedApp, NamedGroup, NamedUser},
};
use crate::http::Web;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kick {
    /// For how many seconds he cannot come back into this group.
    #[schema(value_type = Option<u32>, minimum = 1, example = 600)]
    ban: Option<NonZeroU32>,
}

/// Puts a member out of a group. His session goes on outside.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/groups/{group}/members/{user}/kick",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path), ("user" = String, Path)),
    request_body = Kick,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn kick_member(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    NamedUser(user): NamedUser,
    Body(Kick { ban }): Body<Kick>,
) -> Outcome {
    let ban = ban.map(|seconds| Duration::from_secs(seconds.get().into()));
    web.hub.govern(&app.id, &group, Governance::Kick { user, ban }).await?;
    ok(Done {})
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mute {
    /// The publisher.
    #[schema(value_type = String)]
    user: UserId,
    /// 0 screen share, 1 audio, 2 video, 3 data, 4 white board.
    #[serde(rename = "type")]
    #[schema(value_type = u8, minimum = 0, maximum = 4, example = 1)]
    media_type: MediaType,
    #[schema(value_type = String, example = "appdef_mic")]
    media: MediaId,
    muted: bool,
}

/// Keeps a media from all other members, or lets it through again. Everybody is told, its publisher too.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/groups/{group}/media/mute",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path)),
    request_body = Mute,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn mute_media(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    Body(Mute {
        user,
        media_type,
        media,
        muted,
    }): Body<Mute>,
) -> Outcome {
    let media = MediaRef {
        user,
        media_type,
        media,
    };
    web.hub
        .govern(&app.id, &group, Governance::Mute { media, muted })
        .await?;
    ok(Done {})
}
