use std::sync::Arc;

use axum::extract::State;
use hst_group::server::Governance;
use hst_id::{GroupId, UserId};
use hst_proto::{ErrorCode, Failure, Media};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    named::{NamedApp, NamedGroup},
    page::Page,
    params::Params,
};
use crate::{group::GroupView, http::Web};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupList {
    #[schema(value_type = Vec<String>)]
    groups: Vec<GroupId>,
    /// How many there are in all.
    total: usize,
}

/// Lists the groups that somebody is in, in the order of their names.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}/groups",
    tag = "Groups",
    params(("app" = String, Path), Page),
    responses((status = 200, body = Answer<GroupList>)),
)]
pub(super) async fn list_groups(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    Params(page): Params<Page>,
) -> Outcome<GroupList> {
    let groups = web.hub.groups_of(&app.id).await?;
    ok(GroupList {
        total: groups.len(),
        groups: page.of(groups),
    })
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupNow {
    /// The users in it, or this page of them, in the order of their names.
    #[schema(value_type = Vec<String>)]
    members: Vec<UserId>,
    /// How many there are in all.
    total: usize,
    /// All that they publish.
    media: Vec<MediaView>,
    /// Whether newcomers are kept out.
    locked: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct MediaView {
    user: String,
    /// 0 screen share, 1 audio, 2 video, 3 data, 4 white board.
    #[serde(rename = "type")]
    media_type: u8,
    media: String,
    /// The publisher's free text.
    name: String,
    /// Whether the server keeps it from the others.
    muted: bool,
}

impl From<Media> for MediaView {
    fn from(media: Media) -> Self {
        let Media { key, name, muted } = media;
        Self {
            user: key.user.to_string(),
            media_type: key.media_type.into(),
            media: key.media.to_string(),
            name,
            muted,
        }
    }
}

/// Shows a group as it is now.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}/groups/{group}",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path), Page),
    responses((status = 200, body = Answer<GroupNow>)),
)]
pub(super) async fn get_group(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    Params(page): Params<Page>,
) -> Outcome<GroupNow> {
    let GroupView { members, media, locked } = web.hub.look(&app.id, &group).await?;
    ok(GroupNow {
        total: members.len(),
        members: page.of(members),
        media: media.into_iter().map(MediaView::from).collect(),
        locked,
    })
}

/// Closes a group: everybody is out of it, and whoever joins then is in a new one.
#[utoipa::path(
    delete,
    path = "/v1/apps/{app}/groups/{group}",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path)),
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn close_group(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
) -> Outcome {
    let why = Failure::new(ErrorCode::KickedOut, "the group was closed");
    web.hub.govern(&app.id, &group, Governance::Close(why)).await?;
    ok(Done {})
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    locked: bool,
}

/// Closes a group to newcomers, or opens it.
///
/// A token with the right `admin` opens it all the same. The lock ends with the group.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/groups/{group}/lock",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path)),
    request_body = Lock,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn lock_group(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    Body(Lock { locked }): Body<Lock>,
) -> Outcome {
    web.hub.govern(&app.id, &group, Governance::Lock { locked }).await?;
    ok(Done {})
}
