use std::{fmt, sync::Arc};

use bytes::Bytes;
use hst_id::{AppId, InvalidName};
use serde::{Deserialize, Serialize};

use crate::{Entry, Revision, Versions};

/// A node of the cluster, named by whoever runs it: 1 to 128 of letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// The only door.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        // The rule is that of the platform's other names.
        AppId::parse(text)?;
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeId {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.as_str().to_owned()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a node does, as all others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// It takes whoever comes.
    Up,
    /// It keeps what it has, and takes nobody more.
    Draining,
    /// Others have declared it dead, and with it all that it owned.
    Fenced,
    /// What only a newer version knows: it lives, and takes nobody more.
    #[serde(other)]
    Other,
}

/// What stands in the directory at [`Key::node`](crate::Key::node).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The revision with which the node registered; it stays when the state changes.
    pub epoch: Revision,
    /// Random, drawn once when the process starts. Revisions may come again if a directory loses its last writes, and
    /// these do not.
    pub boot: u64,
    /// What the node does.
    pub state: NodeState,
    /// What it speaks with others. Versions before this could be said speak the first.
    #[serde(default, skip_serializing_if = "Versions::is_unsaid")]
    pub speaks: Versions,
    /// What else the node wants others to know of it; the cluster does not read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub info: String,
}

impl NodeRecord {
    /// The record of `entry`; `None` if it holds none that this version can read.
    pub fn read(entry: &Entry) -> Option<Self> {
        let mut record: Self = serde_json::from_slice(&entry.value).ok()?;
        record.epoch = record.epoch.in_entry_of(entry.revision);
        Some(record)
    }

    /// As it stands in the directory: JSON.
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("numbers and texts are JSON").into()
    }
}

/// Who holds something: one life of a node, from one registration to the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The node.
    pub node: NodeId,
    /// The [`NodeRecord::epoch`] of that life.
    pub epoch: Revision,
    /// The [`NodeRecord::boot`] of that life.
    pub boot: u64,
}

/// Whether that life of the node is over, and with it all that it held. A life that is over never begins again.
///
/// `record` is the node's, read after the owner was seen: with an older one, a node that has just registered would seem
/// dead.
pub fn is_dead(record: Option<&NodeRecord>, owner: &Owner) -> bool {
    record.is_none_or(|record| {
        let registered_anew = record.boot != owner.boot || record.epoch > owner.epoch;
        registered_anew || (record.epoch == owner.epoch && record.state == NodeState::Fenced)
    })
}

/// The same by what stands at [`Key::node`](crate::Key::node). What this version cannot read says nothing against the node.
pub fn is_dead_by(entry: Option<&Entry>, owner: &Owner) -> bool {
    entry.is_none_or(|entry| NodeRecord::read(entry).is_some_and(|record| is_dead(Some(&record), owner)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    const BOOT: u64 = u64::MAX;

    fn owner() -> Owner {
        Owner {
            node: NodeId::parse("n1").unwrap(),
            epoch: Revision::new(7),
            boot: BOOT,
        }
    }

    fn record(epoch: u64, boot: u64, state: NodeState) -> NodeRecord {
        NodeRecord {
            epoch: Revision::new(epoch),
            boot,
            state,
            speaks: Versions::UNSAID,
            info: String::new(),
        }
    }

    #[test]
    fn a_life_is_over_when_it_is_fenced_gone_or_followed_by_another() {
        use NodeState::{Draining, Fenced, Up};
        for (record, dead) in [
            (None, true),
            (Some(record(7, BOOT, Up)), false),
            (Some(record(7, BOOT, Draining)), false),
            (Some(record(7, BOOT, Fenced)), true),
            // Registered again, in the same process or in a new one.
            (Some(record(8, BOOT, Up)), true),
            (Some(record(8, 1, Up)), true),
            // A directory that lost its last writes gives the same revisions once more, and lower ones.
            (Some(record(7, 1, Up)), true),
            (Some(record(3, 1, Up)), true),
            (Some(record(3, BOOT, Up)), false),
        ] {
            assert_eq!(is_dead(record.as_ref(), &owner()), dead, "{record:?}");
        }
    }

    #[test]
    fn a_record_that_was_just_written_has_the_epoch_of_its_entry() {
        let entry = |record: &NodeRecord, revision| Entry {
            key: Key::node(&owner().node),
            value: record.to_bytes(),
            revision: Revision::new(revision),
        };
        let first = record(0, BOOT, NodeState::Up);
        let read = NodeRecord::read(&entry(&first, 7)).unwrap();
        assert_eq!(read, record(7, BOOT, NodeState::Up));
        // And keeps it when it is written again.
        assert_eq!(NodeRecord::read(&entry(&read, 9)), Some(read));
    }

    #[test]
    fn what_is_no_record_is_none() {
        let entry = |value: &'static str| Entry {
            key: Key::node(&owner().node),
            value: value.into(),
            revision: Revision::new(1),
        };
        assert_eq!(NodeRecord::read(&entry("")), None);
        assert_eq!(NodeRecord::read(&entry(r#"{"boot":1,"state":"up"}"#)), None);
        let informed = NodeRecord::read(&entry(r#"{"epoch":1,"boot":1,"state":"up","info":"a gateway"}"#)).unwrap();
        assert_eq!(informed.info, "a gateway");
        // A newer version may say more.
        let more = NodeRecord::read(&entry(r#"{"epoch":1,"boot":1,"state":"up","region":"eu"}"#));
        assert_eq!(more, Some(record(1, 1, NodeState::Up)));
    }

    #[test]
    fn a_node_whose_record_only_a_newer_version_understands_lives() {
        let entry = |value: &'static str| Entry {
            key: Key::node(&owner().node),
            value: value.into(),
            revision: Revision::new(7),
        };
        let asleep =
            entry(r#"{"epoch":7,"boot":18446744073709551615,"state":"asleep","speaks":{"oldest":2,"newest":3}}"#);
        let read = NodeRecord::read(&asleep).unwrap();
        assert_eq!((read.state, read.speaks.newest), (NodeState::Other, 3));
        for strange in [asleep, entry("{}"), entry("a form of its own")] {
            assert!(!is_dead_by(Some(&strange), &owner()), "{strange:?}");
        }
        assert!(is_dead_by(None, &owner()));
        let fenced = entry(r#"{"epoch":7,"boot":18446744073709551615,"state":"fenced"}"#);
        assert!(is_dead_by(Some(&fenced), &owner()));
    }
}
