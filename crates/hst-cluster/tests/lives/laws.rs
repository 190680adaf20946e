//! What must be true of every write, in every moment, and whenever nothing is left to do.

use hst_cluster::{Entry, Login, NodeState, Outcome, Policy, Revision, Verdict};

use crate::{
    call::{Call, PLACE},
    case::Case,
    node::Wish,
    store::{Sent, Store, Stored},
    world::World,
};

/// What a write may go over.
pub(crate) fn may_write(store: &Store, sent: &Sent, new: &Stored) -> Result<(), String> {
    let Some(old) = store.entries.get(&new.entry.key) else {
        return Ok(());
    };
    knew_it(sent, &old.entry)?;
    if new.entry.key.as_str() == PLACE {
        let is_forced = matches!(
            sent.call,
            Call::Claim {
                policy: Policy::Replace,
                ..
            }
        );
        law(
            is_forced || new.login().is_same_session(old.login()) || store.is_dead(old.owner()),
            "a living owner is written over without force",
        )?;
    }
    Ok(())
}

/// What a deletion may take away.
pub(crate) fn may_delete(store: &Store, sent: &Sent, old: &Stored) -> Result<(), String> {
    knew_it(sent, &old.entry)?;
    let is_released = matches!(&sent.call, Call::Release { revision } if old.entry.revision == *revision);
    law(
        is_released || store.is_dead(old.owner()),
        "a living owner's entry is taken away",
    )
}

/// Whoever sleeps through his own death, and all that follows, changes nothing of what was written meanwhile.
fn knew_it(sent: &Sent, old: &Entry) -> Result<(), String> {
    law(
        Some(old.revision) == sent.before,
        format_args!(
            "{:?} was sent before {old:?} was written, and changes it",
            sent.question
        ),
    )
}

/// How a claim may end that began when `begun` was the newest record of a node.
pub(crate) fn may_end(store: &Store, outcome: &Outcome, login: &Login, begun: Option<Revision>) -> Result<(), String> {
    let was_dead = |holder: &Entry| {
        let owner = Login::read(holder).expect("no other version is here").owner;
        let since = store.record(&owner.node).map(|(_, since)| since);
        owner != login.owner && store.is_dead(&owner) && since <= begun
    };
    match &outcome.verdict {
        Verdict::Claimed { key, revision } => {
            let entry = store
                .entries
                .get(key)
                .filter(|stored| stored.entry.revision == *revision);
            let is_own = entry.is_none_or(|entry| *entry.owner() == login.owner);
            law(is_own, "a claim is won for another life than its own")
        }
        Verdict::Taken { holders } => law(
            !holders.iter().any(was_dead),
            "a claim is refused for the sake of the dead",
        ),
        Verdict::Unavailable => law(false, "a claim gave up though the directory was there"),
    }
}

/// In every moment.
pub(crate) fn hold_always(case: &Case, world: &World) -> Result<(), String> {
    let is_forced = case.policies.contains(&Some(Policy::Replace));
    let believers = world.nodes.iter().filter_map(|node| node.held.as_ref());
    let living = believers.filter(|held| !world.store.is_dead(&held.life)).count();
    law(
        is_forced || living <= 1,
        "two living owners hold one place, and nobody has used force",
    )
}

/// When nothing is left to do: whatever is still under way may never arrive.
pub(crate) fn hold_in_the_end(world: &World) -> Result<(), String> {
    for node in world.nodes.iter().filter(|node| !node.is_gone) {
        let state = world.store.record(&node.life.node).map(|(record, _)| record.state);
        law(state == Some(NodeState::Up), "a node that is there is not up")?;
        law(
            !world.store.is_dead(&node.life),
            "a node does not know that its life is over",
        )?;
        if let Some(held) = &node.held {
            let stands = world
                .store
                .present()
                .filter(|present| present.entry.revision == held.revision);
            law(
                stands.is_some_and(|present| *present.owner() == node.life),
                format_args!("{} believes to hold the place, and does not", node.life.node),
            )?;
        }
        let is_free = world
            .store
            .present()
            .is_none_or(|present| world.store.is_dead(present.owner()));
        law(
            !(is_free && node.wish == Wish::Waiting),
            format_args!("{} waits for a place that nobody living has", node.life.node),
        )?;
    }
    let holders = world.nodes.iter().filter(|node| node.held.is_some()).count();
    law(holders <= 1, "two hold one place")?;
    let is_known = |present: &Stored| {
        let node = world.nodes.iter().find(|node| node.life.node == present.owner().node);
        node.is_some_and(|node| node.is_gone || node.held.is_some())
    };
    law(
        world.store.present().is_none_or(is_known),
        "nobody who is there knows of the entry",
    )
}

fn law(holds: bool, broken: impl ToString) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken.to_string()) }
}
