use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Entry, Owner, Revision};

/// What stands in the directory at a place that a login holds. Every node reads it: it has no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Login {
    /// The session, unique in one life of its node's process.
    pub session: u64,
    /// The revision with which it took the place, [`Revision::OWN`] until then; it stays when the entry is written anew.
    /// Who came first is told by this order, not by the nodes' clocks.
    pub since: Revision,
    /// Who serves it.
    pub owner: Owner,
    /// What else its node wants others to know of it; the cluster does not read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub info: String,
}

impl Login {
    /// A login that is about to claim its place.
    pub fn new(session: u64, owner: Owner) -> Self {
        Self {
            session,
            since: Revision::OWN,
            owner,
            info: String::new(),
        }
    }

    /// The login of `entry`; `None` if it holds none that this version can read.
    pub fn read(entry: &Entry) -> Option<Self> {
        let mut login: Self = serde_json::from_slice(&entry.value).ok()?;
        login.since = login.since.in_entry_of(entry.revision);
        Some(login)
    }

    /// As it stands in the directory: JSON.
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("numbers and texts are JSON").into()
    }

    /// Whether both are one session, whenever they were written.
    pub fn is_same_session(&self, other: &Self) -> bool {
        (self.session, self.owner.boot) == (other.session, other.owner.boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, NodeId};

    fn login(session: u64, epoch: u64, boot: u64) -> Login {
        let node = NodeId::parse("n1").unwrap();
        let epoch = Revision::new(epoch);
        Login::new(session, Owner { node, epoch, boot })
    }

    #[test]
    fn the_first_entry_says_since_when_and_the_later_ones_keep_it() {
        let entry = |login: &Login, revision| Entry {
            key: Key::parse("login.a.u.web.0").unwrap(),
            value: login.to_bytes(),
            revision: Revision::new(revision),
        };
        let mut written = login(1, 2, 3);
        written.info = "a phone".into();
        let first = Login::read(&entry(&written, 7)).unwrap();
        assert_eq!(first.since, Revision::new(7));
        assert_eq!(Login::read(&entry(&first, 9)), Some(first));
        let other = Entry {
            value: "{}".into(),
            ..entry(&written, 7)
        };
        assert_eq!(Login::read(&other), None);
    }

    #[test]
    fn a_session_is_the_same_in_every_epoch_of_its_process_alone() {
        assert!(login(1, 2, 3).is_same_session(&login(1, 9, 3)));
        assert!(!login(1, 2, 3).is_same_session(&login(1, 2, 4)));
        assert!(!login(1, 2, 3).is_same_session(&login(2, 2, 3)));
    }
}
