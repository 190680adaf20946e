use std::sync::Arc;

use axum::extract::State;
use hst_cluster::NodeId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    named::{NamedApp, NamedGroup},
    page::Page,
    params::Params,
};
use crate::{
    admin::{AllStreams, Stream},
    http::Web,
};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupStats {
    /// The streams, or this page of them, in the order of media and receivers.
    streams: Vec<Stream>,
    /// How many there are in all.
    total: usize,
    /// Nodes that did not answer: what flows there is not in it. It is there only if there are such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    missing: Vec<String>,
}

/// Shows what flows in a group, and how well, as of a second ago at most.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}/groups/{group}/stats",
    tag = "Groups",
    params(("app" = String, Path), ("group" = String, Path), Page),
    responses((status = 200, body = Answer<GroupStats>)),
)]
pub(super) async fn get_group_stats(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    NamedGroup(group): NamedGroup,
    Params(page): Params<Page>,
) -> Outcome<GroupStats> {
    let AllStreams {
        streams,
        total,
        missing,
    } = web.hub.measure(&app.id, &group, page.bounds()).await?;
    ok(GroupStats {
        streams,
        total,
        missing: missing.iter().map(NodeId::to_string).collect(),
    })
}
