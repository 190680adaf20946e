use std::sync::Arc;

use hst_cluster::Owner;
use hst_store::DeveloperId;
use tokio::time::{Duration, Instant};

use super::Refused;
use crate::{
    beat::Said,
    gateways::{SILENT, Seen},
    handover::DRAIN,
    hub::Hub,
    questions::Unanswered,
};

/// A node of the platform, as this one sees it.
#[derive(Debug)]
pub(crate) struct NodeNow {
    pub(crate) life: Owner,
    pub(crate) state: NodeState,
    /// Where clients reach it; `None` until it has said so.
    pub(crate) origin: Option<String>,
    /// From 0 to 1.
    pub(crate) load: f64,
    /// When something was last heard of it.
    pub(crate) heard: Duration,
    pub(crate) said: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeState {
    /// It takes clients.
    Up,
    /// It is ending and takes no more.
    Draining,
    /// Nothing was heard of it for a while, and no client is sent there.
    Silent,
}

impl NodeState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Draining => "draining",
            Self::Silent => "silent",
        }
    }
}

impl Hub {
    /// Who runs the platform is the developer whom its first start made. Whoever came later knows nothing of its machines.
    ///
    /// # Errors
    /// [`Refused::NotOperator`], [`Refused::Store`].
    pub(crate) async fn check_operator(&self, developer: &DeveloperId) -> Result<(), Refused> {
        let developers = self.on_disk(|apps| apps.store.developers()).await?;
        let is_first = developers.first().is_some_and(|first| first.id == *developer);
        is_first.then_some(()).ok_or(Refused::NotOperator)
    }

    /// Has a node give its sessions and groups to others, without anybody noticing. It lets nobody in from then on, until it
    /// is started again.
    ///
    /// # Errors
    /// [`Refused::NoSuchNode`]; [`Refused::NoSuccessor`] or [`Refused::NotUnderstood`], and then nothing changes;
    /// [`Refused::Late`] when it does not answer.
    pub(crate) async fn drain_node(self: &Arc<Self>, node: &str) -> Result<(), Refused> {
        let nodes = self.nodes();
        let known = nodes.iter().find(|it| it.life.node.as_str() == node);
        let known = &known.ok_or(Refused::NoSuchNode)?.life.node;
        let takes = |it: &NodeNow| it.life.node != *known && it.state == NodeState::Up;
        if !nodes.iter().any(takes) {
            return Err(Refused::NoSuccessor);
        }
        if *known == self.node.name {
            self.begin_drain();
            return Ok(());
        }
        self.drain_other(known).await.map_err(|why| match why {
            Unanswered::NotUnderstood => Refused::NotUnderstood,
            Unanswered::Request(_) => Refused::Late,
        })
    }

    /// Gives everything away, in the background.
    pub(crate) fn begin_drain(self: &Arc<Self>) {
        let hub = self.clone();
        // It ends with the server, which gives away the rest itself.
        self.life.spawn(async move {
            hub.drain(DRAIN).await;
        });
    }

    /// All nodes of the platform, this one among them, in the order of their names.
    pub(crate) fn nodes(&self) -> Vec<NodeNow> {
        let now = Instant::now();
        let mut nodes: Vec<_> = self
            .fleet
            .seen()
            .into_iter()
            .map(|seen| NodeNow::of(now, seen))
            .collect();
        nodes.push(NodeNow::of(
            now,
            Seen {
                life: self.node.owner(),
                takes_more: !self.life.is_leaving(),
                heard: now,
                gateway: self.fleet.own_gateway(),
                said: self.said(),
            },
        ));
        nodes.sort_by(|one, other| one.life.node.as_str().cmp(other.life.node.as_str()));
        nodes
    }
}

impl NodeNow {
    fn of(now: Instant, seen: Seen) -> Self {
        let heard = now.saturating_duration_since(seen.heard);
        let state = match seen.takes_more {
            false => NodeState::Draining,
            true if heard >= SILENT => NodeState::Silent,
            true => NodeState::Up,
        };
        let weight = seen.gateway.as_ref().map_or(100, |gateway| gateway.weight);
        Self {
            state,
            load: seen.said.load(weight),
            origin: seen.gateway.map(|gateway| gateway.origin.to_string()),
            heard,
            said: seen.said,
            life: seen.life,
        }
    }
}
