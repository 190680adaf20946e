use std::{net::SocketAddr, time::Duration};

use hst_cluster::NodeId;
use serde::{Deserialize, Serialize};

use crate::sessions::MAX_SESSIONS;

/// How often a node says that it lives.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// From this load on a node has no room for more, as long as others have.
const FULL: f64 = 0.7;

/// What each node says of itself again and again, to all.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) node: NodeId,
    pub(crate) boot: u64,
    #[serde(flatten)]
    pub(crate) said: Said,
}

/// How a node is. Nodes of other versions may say less, or more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    pub(crate) sessions: u64,
    /// Groups that somebody is in by it, or that have their home there.
    pub(crate) groups: u64,
    /// Those that have their home there.
    pub(crate) home_groups: u64,
    /// How busy its media threads are together, in thousandths of what they can do.
    pub(crate) media: u32,
    /// Where media of other nodes come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<SocketAddr>,
    /// The nodes to which links stand.
    pub(crate) links: Vec<String>,
    /// Of its program.
    pub(crate) version: String,
}

impl Said {
    /// How much of what it can do a node does, from 0 to 1, of whatever it has least of. A weight of 100 is that of a node
    /// that is good for as many sessions as one can have.
    pub(crate) fn load(&self, weight: u32) -> f64 {
        let most = f64::from(MAX_SESSIONS) * f64::from(weight.max(1)) / 100.0;
        #[expect(clippy::cast_precision_loss, reason = "a load is compared, not counted")]
        let sessions = self.sessions as f64 / most;
        sessions.max(f64::from(self.media) / 1_000.0)
    }
}

/// Whether a node with this load takes no more as long as others have room.
pub(crate) fn is_full(load: f64) -> bool {
    load >= FULL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_that_of_what_is_scarce() {
        let said = |sessions, media| Said {
            sessions,
            media,
            ..Said::default()
        };
        let most = u64::from(MAX_SESSIONS);
        assert!((said(most / 2, 0).load(100) - 0.5).abs() < 1e-9);
        assert!((said(most / 2, 0).load(200) - 0.25).abs() < 1e-9);
        assert!((said(most / 2, 900).load(100) - 0.9).abs() < 1e-9);
        assert!(is_full(said(0, 700).load(100)) && !is_full(said(0, 699).load(100)));
    }

    #[test]
    fn a_beat_of_another_version_is_understood() {
        let older: Beat = serde_json::from_str(r#"{"node":"n1","boot":7,"sessions":3}"#).unwrap();
        assert_eq!((older.said.sessions, older.said.groups, older.said.link), (3, 0, None));
        let newer = r#"{"node":"n1","boot":7,"sessions":3,"groups":2,"mood":"good"}"#;
        let newer: Beat = serde_json::from_str(newer).unwrap();
        assert_eq!(newer.said.groups, 2);
    }
}
