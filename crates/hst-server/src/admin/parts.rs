use std::{collections::BTreeSet, time::Duration};

use hst_cluster::NodeId;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::Refused;
use crate::{
    node::{Node, NodeMessage},
    questions,
};

/// How long a node may take to give a part.
const PATIENCE: Duration = Duration::from_secs(5);

/// A part of what a node has to tell.
pub(super) trait Part: DeserializeOwned + Send + 'static {
    /// Entries of one part: far less than a message may hold.
    const MOST: usize;

    fn len(&self) -> usize;
}

/// What all other nodes tell of something that each has a list of, up to so many entries of each; and which of them live and did
/// not answer. `ask` is what a node is asked for a part, by how many entries go before it and how many it has at most.
///
/// # Errors
/// [`Refused::Cluster`].
pub(super) async fn of_others<P: Part>(
    node: &Node,
    end: usize,
    ask: impl Fn(usize, usize) -> NodeMessage + Clone + Send + 'static,
) -> Result<(Vec<P>, BTreeSet<NodeId>), Refused> {
    let others = match node.is_alone {
        true => Vec::new(),
        false => node.others().await?,
    };
    let mut asked = JoinSet::new();
    for (life, _) in others {
        let (node, ask) = (node.clone(), ask.clone());
        asked.spawn(async move {
            let parts = of_one(&node, &life.node, end, ask).await;
            (life.node, parts)
        });
    }
    let (mut all, mut missing) = (Vec::new(), BTreeSet::new());
    while let Some(answered) = asked.join_next().await {
        match answered {
            Ok((_, Some(parts))) => all.extend(parts),
            Ok((node, None)) => drop(missing.insert(node)),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    Ok((all, missing))
}

/// `None`: it does not answer, or not in time.
async fn of_one<P: Part>(
    node: &Node,
    of: &NodeId,
    end: usize,
    ask: impl Fn(usize, usize) -> NodeMessage,
) -> Option<Vec<P>> {
    let subject = Node::subject(of);
    let (mut parts, mut told) = (Vec::new(), 0);
    while told < end {
        let limit = P::MOST.min(end - told);
        let message = ask(told, limit).encode();
        let answer = node.ask(&subject, message, PATIENCE).await;
        let answer = answer.inspect_err(|error| tracing::warn!(node = %of, %error, "a node does not tell its part"));
        let part: P = questions::read(&answer.ok()?).ok()?;
        let len = part.len();
        told += len;
        parts.push(part);
        if len < limit {
            break;
        }
    }
    Some(parts)
}
