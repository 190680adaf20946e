use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{CloseCode, CloseReason, NodeName, closing::End};

/// The links that stand, and the nodes that are being dialled. Behind a lock, because a link comes in by either of two
/// ways and may end anywhere; it is held for a look into a map.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    standing: HashMap<NodeName, Standing>,
    dialling: HashSet<NodeName>,
}

/// A link that stands, or would.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) end: Arc<End>,
    pub(crate) origin: Origin,
}

/// What both ends know of a link, and choose by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Whether the node with the smaller name has dialled it.
    pub(crate) by_smaller: bool,
    /// The lives of this node and of its peer.
    pub(crate) epochs: [u64; 2],
}

impl Origin {
    /// Whether this link, the later one, lives on in place of an earlier one that nobody has closed.
    ///
    /// Of two that were dialled at the same time, both ends keep the one that the smaller name has dialled. A node dials
    /// twice only when it has lost the first, and lives twice only after its end: what came before is of no use then.
    fn replaces(self, earlier: Self) -> bool {
        self.epochs != earlier.epochs || self.by_smaller == earlier.by_smaller || self.by_smaller
    }
}

impl Registry {
    /// Reserves a node for a call that dials it; `None` if there is nothing to dial.
    pub(crate) fn dial(self: &Arc<Self>, peer: &NodeName) -> Option<Dialling> {
        let mut inner = self.lock();
        let stands = inner.standing.get(peer).is_some_and(|link| link.end.is_open());
        (!stands && inner.dialling.insert(peer.clone())).then(|| Dialling {
            registry: self.clone(),
            peer: peer.clone(),
        })
    }

    /// Enters a link with a peer, and closes an earlier one that it replaces; or says why not.
    pub(crate) fn enter(&self, peer: &NodeName, link: Standing) -> Result<(), CloseReason> {
        let mut inner = self.lock();
        if let Some(earlier) = inner.standing.get(peer).filter(|earlier| earlier.end.is_open()) {
            let duplicate = CloseReason::new(CloseCode::Duplicate, "another link between the two nodes lives on");
            if !link.origin.replaces(earlier.origin) {
                return Err(duplicate);
            }
            earlier.end.close(duplicate);
        }
        inner.standing.insert(peer.clone(), link);
        Ok(())
    }

    /// Strikes out a link that has ended.
    pub(crate) fn leave(&self, peer: &NodeName, end: &Arc<End>) {
        let mut inner = self.lock();
        if inner.standing.get(peer).is_some_and(|link| Arc::ptr_eq(&link.end, end)) {
            inner.standing.remove(peer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

/// Ends when the call does.
#[derive(Debug)]
pub(crate) struct Dialling {
    registry: Arc<Registry>,
    peer: NodeName,
}

impl Drop for Dialling {
    fn drop(&mut self) {
        self.registry.lock().dialling.remove(&self.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_keep_the_same_of_two_links_in_whatever_order_they_come() {
        let smaller = Origin {
            by_smaller: true,
            epochs: [1, 2],
        };
        let larger = Origin {
            by_smaller: false,
            ..smaller
        };
        assert!(smaller.replaces(larger));
        assert!(!larger.replaces(smaller));
    }

    #[test]
    fn a_new_life_and_a_second_call_of_the_same_side_replace_what_was_before() {
        for by_smaller in [true, false] {
            let before = Origin {
                by_smaller,
                epochs: [1, 2],
            };
            assert!(before.replaces(before));
            for (by_smaller, epochs) in [(false, [1, 3]), (true, [1, 3]), (false, [3, 2]), (true, [3, 2])] {
                assert!(Origin { by_smaller, epochs }.replaces(before));
            }
        }
    }
}
