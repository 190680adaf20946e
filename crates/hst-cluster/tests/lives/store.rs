//! The directory.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
};

use hst_cluster::{Entry, Key, Login, NodeId, NodeRecord, Owner, Revision, WriteError, is_dead};

use crate::{
    call::{Answer, Call, PLACE, Question},
    case::Flaw,
    laws,
};

#[derive(Debug, Clone, Default, Hash)]
pub(crate) struct Store {
    pub(crate) entries: BTreeMap<Key, Stored>,
    last: u64,
}

/// An entry, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) entry: Entry,
    record: Option<NodeRecord>,
    login: Option<Login>,
}

/// A write on its way, of a node or of the fencer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) call: Call,
    pub(crate) question: Question,
    /// What stood where it goes when it was sent.
    pub(crate) before: Option<Revision>,
}

impl Store {
    pub(crate) fn present(&self) -> Option<&Stored> {
        self.entries.get(PLACE)
    }

    pub(crate) fn record(&self, node: &NodeId) -> Option<(&NodeRecord, Revision)> {
        let stored = self
            .entries
            .values()
            .find(|stored| stored.entry.key.as_str().strip_prefix("node.") == Some(node.as_str()))?;
        Some((stored.record.as_ref()?, stored.entry.revision))
    }

    pub(crate) fn is_dead(&self, life: &Owner) -> bool {
        is_dead(self.record(&life.node).map(|(record, _)| record), life)
    }

    pub(crate) fn stands(&self, key: &Key) -> Option<Revision> {
        self.entries.get(key).map(|stored| stored.entry.revision)
    }

    /// The newest record of any node.
    pub(crate) fn newest_record(&self) -> Option<Revision> {
        let records = self.entries.values().filter(|stored| stored.record.is_some());
        records.map(|stored| stored.entry.revision).max()
    }

    /// What the directory does with a question, and whether it was lawful.
    pub(crate) fn apply(&mut self, flaw: Option<Flaw>, silent: &[NodeId], sent: &Sent) -> Result<Answer, String> {
        Ok(match &sent.question {
            Question::Get(key) => {
                let is_silent = silent.iter().any(|node| Key::node(node) == *key);
                let present = self.entries.get(key).filter(|_| !is_silent);
                Answer::Read(present.map(|stored| stored.entry.clone()))
            }
            Question::List(prefix) => {
                let entries = self.entries.values().map(|stored| &stored.entry);
                let beneath = entries.filter(|entry| entry.key.as_str().starts_with(prefix.as_str()));
                Answer::Listed(beneath.cloned().collect())
            }
            Question::Put { key, expected, .. }
                if self.stands(key) != *expected && flaw != Some(Flaw::WritesBlindly) =>
            {
                Answer::Put(Err(WriteError::Conflict))
            }
            Question::Put { key, value, .. } => {
                let entry = Entry {
                    key: key.clone(),
                    value: value.clone(),
                    revision: Revision::new(self.last + 1),
                };
                let new = Stored::new(entry);
                laws::may_write(self, sent, &new)?;
                self.last += 1;
                self.entries.insert(key.clone(), new);
                Answer::Put(Ok(Revision::new(self.last)))
            }
            Question::Delete { key, expected } => {
                let is_expected = self.stands(key) == Some(*expected) || flaw == Some(Flaw::DeletesBlindly);
                match self.entries.get(key).filter(|_| is_expected) {
                    None => Answer::Deleted(Err(WriteError::Conflict)),
                    Some(entry) => {
                        laws::may_delete(self, sent, entry)?;
                        self.last += 1;
                        self.entries.remove(key);
                        Answer::Deleted(Ok(()))
                    }
                }
            }
        })
    }
}

impl Hash for Stored {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entry.hash(state);
    }
}

impl Stored {
    fn new(entry: Entry) -> Self {
        let is_place = entry.key.as_str() == PLACE;
        Self {
            record: NodeRecord::read(&entry).filter(|_| !is_place),
            login: Login::read(&entry).filter(|_| is_place),
            entry,
        }
    }

    /// Of what stands at the place.
    pub(crate) fn login(&self) -> &Login {
        self.login.as_ref().expect("no other version is here")
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.login().owner
    }
}
