//! What nodes of neighbouring releases understand of each other. The rules are in `docs/decisions`, 20.

use hst_cluster::{NodeId, Versions};

/// What this program speaks with other nodes: on the bus, over pipes and in the directory.
///
/// | version | what came with it |
/// |---|---|
/// | 1 | all that nodes said before they named a version |
/// | 2 | who does not understand a question [says so](crate::questions), and every node names what it speaks |
/// | 3 | branches have a [copy](hst_group::server::Kept) of what their group keeps, and say when all are back |
///
/// A release speaks at least what the one before it spoke. Something new that a neighbour cannot pass over is a new version,
/// and is said only to who [speaks it](crate::fleet::Fleet::words_with), or once all nodes
/// [do](crate::fleet::Fleet::spoken_by_all).
pub(crate) const SPOKEN: Versions = Versions { oldest: 1, newest: 3 };

/// From which version on a branch has a copy of what its group keeps.
pub(crate) const COPIES: u16 = 3;
/// From which version on a branch says when it has named all who come back by it.
pub(crate) const RETURNS: u16 = 3;

/// A node lives with which this program shares no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stranger {
    pub(crate) node: NodeId,
    pub(crate) speaks: Versions,
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;
