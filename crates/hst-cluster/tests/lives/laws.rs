//! What must be true of every write, in every moment, and whenever nothing is left to do.

use hst_cluster::{Entry, Login, NodeState, Outcome, Policy, Revision, Verdict};

use crate::{
    call::{Call, place},
    world::{Case, Sent, Wish, World},
};

/// What a write may go over.
pub(crate) fn may_write(world: &World, sent: &Sent, new: &Entry) -> Result<(), String> {
    let Some(old) = world.entries.get(&new.key) else {
        return Ok(());
    };
    knew_it(sent, old)?;
    if old.key == place() {
        let (old, new) = (read(old), read(new));
        let forced = matches!(sent.call, Call::Claim { policy: Policy::Replace, .. });
        law(
            forced || new.is_same_session(&old) || world.is_dead(&old.owner),
            "a living owner is written over without force",
        )?;
    }
    Ok(())
}

/// What a deletion may take away.
pub(crate) fn may_delete(world: &World, sent: &Sent, old: &Entry) -> Result<(), String> {
    knew_it(sent, old)?;
    let owner = read(old).owner;
    let is_own = match &sent.call {
        Call::Release { revision } => old.revision == *revision,
        _ => false,
    };
    law(is_own || world.is_dead(&owner), "a living owner's entry is taken away")
}

/// Whoever sleeps through his own death, and all that follows, changes nothing of what was written meanwhile.
fn knew_it(sent: &Sent, old: &Entry) -> Result<(), String> {
    law(
        old.revision <= Revision::new(sent.sent),
        format_args!("{:?} was sent before {old:?} was written, and changes it", sent.question),
    )
}

/// How a claim may end that began when `begun` was the newest revision.
pub(crate) fn may_end(world: &World, outcome: &Outcome, login: &Login, begun: u64) -> Result<(), String> {
    let was_dead = |holder: &Entry| {
        let owner = read(holder).owner;
        let since = world.record(&owner.node).map(|(_, since)| since);
        owner != login.owner && world.is_dead(&owner) && since <= Some(Revision::new(begun))
    };
    match &outcome.verdict {
        Verdict::Claimed { key, revision } => {
            let entry = world.entries.get(key).filter(|entry| entry.revision == *revision);
            let is_own = entry.is_none_or(|entry| read(entry).owner == login.owner);
            law(is_own, "a claim is won for another life than its own")
        }
        Verdict::Taken { holders } => law(!holders.iter().any(was_dead), "a claim is refused for the sake of the dead"),
        Verdict::Unavailable => law(false, "a claim gave up though the directory was there"),
    }
}

/// In every moment.
pub(crate) fn hold_always(case: &Case, world: &World) -> Result<(), String> {
    let is_forced = case.policies.contains(&Policy::Replace);
    let believers = world.nodes.iter().filter_map(|node| node.held.as_ref());
    let living = believers.filter(|held| !world.is_dead(&held.life)).count();
    law(
        is_forced || living <= 1,
        "two living owners hold one place, and nobody has used force",
    )
}

/// When nothing is left to do: whatever is still under way may never arrive.
pub(crate) fn hold_in_the_end(world: &World) -> Result<(), String> {
    for node in world.nodes.iter().filter(|node| !node.is_gone) {
        let state = world.record(&node.life.node).map(|(record, _)| record.state);
        law(state == Some(NodeState::Up), "a node that is there is not up")?;
        law(!world.is_dead(&node.life), "a node does not know that its life is over")?;
        if let Some(held) = &node.held {
            let stands = world.present().filter(|entry| entry.revision == held.revision);
            law(
                stands.is_some_and(|entry| read(entry).owner == node.life),
                format_args!("{} believes to hold the place, and does not", node.life.node),
            )?;
        }
        let is_free = world.present().is_none_or(|entry| world.is_dead(&read(entry).owner));
        law(
            !(is_free && node.wish == Wish::Waiting),
            format_args!("{} waits for a place that nobody living has", node.life.node),
        )?;
    }
    let holders = world.nodes.iter().filter(|node| node.held.is_some()).count();
    law(holders <= 1, "two hold one place")?;
    match world.present() {
        Some(entry) => law(is_known(world, entry), format_args!("nobody knows of {entry:?}")),
        None => Ok(()),
    }
}

/// It is held, or its owner is gone, whether or not somebody has noticed.
fn is_known(world: &World, entry: &Entry) -> bool {
    let owner = read(entry).owner;
    let node = world.nodes.iter().find(|node| node.life.node == owner.node);
    node.is_some_and(|node| node.is_gone || node.held.is_some())
}

fn read(entry: &Entry) -> Login {
    Login::read(entry).expect("no other version is here")
}

fn law(holds: bool, broken: impl ToString) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken.to_string()) }
}
