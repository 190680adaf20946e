//! What a node does by itself.

use hst_cluster::{Login, Owner, Policy, Revision};

use crate::{
    call::Call,
    case::Flaw,
    store::{Store, Stored},
    world::Asking,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// Its present life, as it believes.
    pub(crate) life: Owner,
    /// The place, as it believes to hold it.
    pub(crate) held: Option<Held>,
    pub(crate) wish: Wish,
    pub(crate) policy: Policy,
    pub(crate) asking: Option<Asking>,
    pub(crate) is_gone: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) revision: Revision,
    /// The life that has it.
    pub(crate) life: Owner,
}

/// What the node's user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    /// The place, and he has not yet asked for it.
    Fresh,
    /// The place, when it is free.
    Waiting,
    /// Nothing: he has it, or was put out, or has left.
    Nothing,
}

/// What a node has to do, after a look at its record and at the place.
#[derive(Debug)]
pub(crate) enum Duty {
    Ask(Call),
    Lose,
    Note(Revision),
}

impl Node {
    /// What follows from the present record and the present entry, as this crate's page asks it of an owner.
    pub(crate) fn duty(&self, store: &Store, flaw: Option<Flaw>) -> Option<Duty> {
        if store.is_dead(&self.life) {
            let (node, boot) = (self.life.node.clone(), self.life.boot);
            return Some(Duty::Ask(Call::Register { node, boot }));
        }
        let login = Login::new(0, self.life.clone());
        let claim = |policy| {
            Some(Duty::Ask(Call::Claim {
                policy,
                login: login.clone(),
            }))
        };
        let present = store.present();
        let owner = present.map(Stored::owner);
        let is_own = owner.is_some_and(|owner| owner.boot == self.life.boot);
        let is_free = owner.is_none_or(|owner| store.is_dead(owner));
        match (&self.held, present) {
            (Some(_), _) if flaw == Some(Flaw::NobodyFollows) => None,
            // It was lost, or stands there for an earlier life: it is claimed anew.
            (Some(_), None) => claim(Policy::Refuse),
            (Some(held), Some(_)) if is_own && (held.life != self.life || owner != Some(&self.life)) => {
                claim(Policy::Refuse)
            }
            (Some(held), Some(Stored { entry, .. })) if is_own => {
                (entry.revision != held.revision).then_some(Duty::Note(entry.revision))
            }
            (Some(_), Some(_)) => Some(Duty::Lose),
            (None, _) if self.wish == Wish::Fresh => claim(self.policy),
            (None, _) if self.wish == Wish::Waiting && (is_free || is_own) => claim(self.policy),
            // A late write of a user who is gone.
            (None, Some(Stored { entry, .. })) if is_own => Some(Duty::Ask(Call::Release {
                revision: entry.revision,
            })),
            (None, _) => None,
        }
    }
}
