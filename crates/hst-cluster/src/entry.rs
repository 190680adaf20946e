use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Key;

/// The number that the directory gives to each write, greater than those of all writes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// No write has it. In a record it stands for the revision of the record's own entry, which is not known before it
    /// is written.
    pub const OWN: Self = Self(0);

    /// For those who implement a directory.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// As a number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// What it stands for in a record that was written with revision `own`.
    pub(crate) fn in_entry_of(self, own: Self) -> Self {
        if self == Self::OWN { own } else { self }
    }
}

/// What stands in the directory at one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Where.
    pub key: Key,
    /// What.
    pub value: Bytes,
    /// Since which write.
    pub revision: Revision,
}
