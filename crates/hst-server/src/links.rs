//! The links that carry media between this node and others.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hst_cascade::Cascade;
use hst_cluster::{Directory, Key, NodeId, Unavailable, WriteError};
use hst_link::{Authority, Config, Identity, Links, NodeName, Papers};
use hst_sfu_worker::MediaPlane;

use crate::{StartError, fleet::Fleet, node::Node};

/// How long the certificate of a node is good: it makes another whenever it starts.
const LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Opens the socket for links, and joins rooms over them from then on. Gives its port, too.
pub(crate) async fn open(
    bind: SocketAddr,
    rate: u64,
    (node, fleet): (&Node, &Arc<Fleet>),
    plane: Arc<MediaPlane>,
) -> Result<(Cascade, u16), StartError> {
    let name = parse(&node.name)?;
    let authority = authority(&*node.directory).await?;
    let unusable = |error: String| StartError::Link(error);
    let papers = authority
        .issue(&name, LIFETIME)
        .map_err(|error| unusable(error.to_string()))?;
    let root = authority.root().map_err(|error| unusable(error.to_string()))?;
    let Papers { certificate, key, .. } = papers;
    let identity = Identity::from_pem(name.clone(), certificate.as_bytes(), key.as_bytes(), root.as_bytes())
        .map_err(|error| unusable(error.to_string()))?;
    let config = Config {
        epoch: node.owner().epoch.number(),
        versions: hst_cascade::VERSIONS,
        share: rate,
    };
    let (links, arrivals) = Links::bind(bind, identity, config).map_err(|error| unusable(error.to_string()))?;
    let port = links.local_addr().map_err(|error| unusable(error.to_string()))?.port();
    let fleet = fleet.clone();
    let find = move |node: &NodeName| fleet.link_of(node.as_str());
    Ok((Cascade::start(plane, name, (links, arrivals), find), port))
}

/// The node's name, as links have it.
///
/// # Errors
/// [`StartError::NodeName`].
pub(crate) fn parse(node: &NodeId) -> Result<NodeName, StartError> {
    NodeName::parse(node.as_str()).map_err(|_| StartError::NodeName(node.clone()))
}

/// The authority by which nodes know each other. The node that comes first makes it and keeps it in the directory, where nobody
/// but a node can read: who can is trusted with every login and group, too.
async fn authority(directory: &dyn Directory) -> Result<Authority, StartError> {
    let key = Key::parse("link.authority").expect("letters are a key");
    let broken = |error: String| StartError::Link(format!("the authority in the directory is none: {error}"));
    loop {
        if let Some(entry) = directory.get(&key).await? {
            let pem = String::from_utf8(entry.value.into()).map_err(|error| broken(error.to_string()))?;
            return Authority::from_key(&pem).map_err(|error| broken(error.to_string()));
        }
        let fresh = Authority::generate().map_err(|error| StartError::Link(error.to_string()))?;
        match directory.create(&key, fresh.key().into()).await {
            Ok(_) => return Ok(fresh),
            // Another node was faster, or nobody knows: look again.
            Err(WriteError::Conflict | WriteError::Unknown) => {}
            Err(WriteError::Unavailable) => return Err(Unavailable.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_cluster::memory::MemoryCluster;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn all_nodes_have_one_authority_whichever_comes_first() {
        let cluster = MemoryCluster::default();
        let mut nodes = JoinSet::new();
        for _ in 0..8 {
            let cluster = cluster.clone();
            nodes.spawn(async move { authority(&cluster).await.unwrap().key() });
        }
        let keys = nodes.join_all().await;
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[tokio::test]
    async fn what_is_no_authority_is_said_to_be_none() {
        let cluster = MemoryCluster::default();
        let key = Key::parse("link.authority").unwrap();
        cluster.create(&key, "nonsense".into()).await.unwrap();
        let Err(error) = authority(&cluster).await else {
            panic!("it is no authority")
        };
        let error = error.to_string();
        assert!(error.contains("the authority in the directory is none"), "{error}");
    }
}
