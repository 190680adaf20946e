use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    caller::Caller,
    page::Page,
    params::Params,
};
use crate::{admin::NodeNow, http::Web};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeList {
    nodes: Vec<NodeView>,
    /// How many there are in all.
    total: usize,
}

/// A node of the platform, as the one that is asked sees it.
#[derive(Debug, Serialize, ToSchema)]
struct NodeView {
    #[schema(example = "n1")]
    node: String,
    /// up; draining, when it is ending and takes no more clients; or silent, when nothing is heard of it.
    #[schema(value_type = String, example = "up")]
    state: &'static str,
    /// Where clients reach it; null until it has said so.
    #[schema(example = "https://n1.example.com")]
    address: Option<String>,
    /// How much of what it can do it does, from 0 to 1.
    load: f64,
    sessions: u64,
    /// Groups that somebody is in by it, or that have their home there.
    groups: u64,
    /// Those that have their home there.
    home_groups: u64,
    /// Where media of other nodes come in; null where none do.
    #[schema(example = "10.0.0.1:7870")]
    link: Option<String>,
    /// The nodes to which it has a link for media at present.
    links: Vec<String>,
    /// Of its life: a node that was declared dead and goes on has a higher one.
    epoch: u64,
    /// Of its program.
    version: String,
    /// When something was last heard of it.
    heard_ms: u64,
}

impl From<NodeNow> for NodeView {
    fn from(node: NodeNow) -> Self {
        Self {
            node: node.life.node.to_string(),
            state: node.state.as_str(),
            address: node.origin,
            // To a thousandth, which is more than it is good for.
            load: (node.load * 1_000.0).round() / 1_000.0,
            sessions: node.said.sessions,
            groups: node.said.groups,
            home_groups: node.said.home_groups,
            link: node.said.link.map(|link| link.to_string()),
            links: node.said.links,
            epoch: node.life.epoch.number(),
            version: node.said.version,
            heard_ms: u64::try_from(node.heard.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Lists the nodes of the platform, in the order of their names, for the developer whom its first start made.
#[utoipa::path(
    get,
    path = "/v1/nodes",
    tag = "Nodes",
    params(Page),
    responses((status = 200, body = Answer<NodeList>)),
)]
pub(super) async fn list_nodes(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Params(page): Params<Page>,
) -> Outcome<NodeList> {
    web.hub.check_operator(&developer).await?;
    let nodes = web.hub.nodes();
    ok(NodeList {
        total: nodes.len(),
        nodes: page.of(nodes).into_iter().map(NodeView::from).collect(),
    })
}

/// Has a node give all its sessions and groups to other nodes, without anybody noticing, so that it can be ended.
///
/// The answer comes when that has begun: the list of nodes shows when it has no sessions left. It lets nobody in from then on, until
/// it is started again.
#[utoipa::path(
    post,
    path = "/v1/nodes/{node}/drain",
    tag = "Nodes",
    params(("node" = String, Path)),
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn drain_node(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Path(node): Path<String>,
) -> Outcome {
    web.hub.check_operator(&developer).await?;
    web.hub.drain_node(&node).await?;
    ok(Done {})
}
