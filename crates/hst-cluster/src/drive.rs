//! What a node does with its logins' places, over any directory.

use std::{collections::BTreeMap, num::NonZeroU8, ops::ControlFlow};

use crate::{
    Answer, Claim, Directory, Key, Login, NodeRecord, Outcome, Owner, Prefix, Revision, Step, Unavailable, WriteError,
    is_dead,
};

/// Deletes that failed, one after the other, before the directory counts as out of reach.
const RELEASES: usize = 4;

/// Runs a claim to its end.
///
/// Not cancel-safe: dropped half-way it may leave an entry behind, as after
/// [`Verdict::Unavailable`](crate::Verdict::Unavailable); [`withdraw`] takes it away.
pub async fn claim(directory: &dyn Directory, mut claim: Claim) -> Outcome {
    loop {
        let answer = match claim.poll() {
            ControlFlow::Break(outcome) => return outcome,
            ControlFlow::Continue(Step::Create { key, value }) => Answer::Written(directory.create(&key, value).await),
            ControlFlow::Continue(Step::Update { key, value, expected }) => {
                Answer::Written(directory.update(&key, value, expected).await)
            }
            ControlFlow::Continue(Step::Get { key }) => Answer::Read(directory.get(&key).await),
        };
        claim.handle(answer);
    }
}

/// Gives a place back. If somebody else has it by now, it stays his.
///
/// Dropped half-way, it may or may not have happened; it may be repeated at any time.
///
/// # Errors
/// [`Unavailable`]: the entry may still be there.
pub async fn release(directory: &dyn Directory, key: &Key, revision: Revision) -> Result<(), Unavailable> {
    for _ in 0..RELEASES {
        match directory.delete(key, revision).await {
            Ok(()) | Err(WriteError::Conflict) => return Ok(()),
            Err(WriteError::Unavailable) => break,
            Err(WriteError::Unknown) => {}
        }
    }
    Err(Unavailable)
}

/// Looks through all places and gives back the one that an unfinished claim of `login` may have left behind.
///
/// Dropped half-way, it may be repeated at any time.
///
/// # Errors
/// [`Unavailable`]: an entry may still be there.
pub async fn withdraw(
    directory: &dyn Directory,
    base: &Key,
    places: NonZeroU8,
    login: &Login,
) -> Result<(), Unavailable> {
    for place in 0..places.get() {
        withdraw_from(directory, &base.with(&u64::from(place)), login).await?;
    }
    Ok(())
}

/// Gives back one place, if it is this session's, whatever its revision.
///
/// Dropped half-way, it may be repeated at any time.
///
/// # Errors
/// [`Unavailable`]: the entry may still be there.
pub async fn withdraw_from(directory: &dyn Directory, place: &Key, login: &Login) -> Result<(), Unavailable> {
    for _ in 0..RELEASES {
        let present = directory.get(place).await?;
        let own = present.filter(|entry| Login::read(entry).is_some_and(|holder| holder.is_same_session(login)));
        let Some(entry) = own else { return Ok(()) };
        match directory.delete(&entry.key, entry.revision).await {
            Ok(()) => return Ok(()),
            Err(WriteError::Unavailable) => break,
            // Written anew meanwhile, perhaps by this session, or nobody knows: what stands there now counts.
            Err(WriteError::Conflict | WriteError::Unknown) => {}
        }
    }
    Err(Unavailable)
}

/// Gives back all places beneath `prefix` that a life of a node held, because it is over, and returns how many they were.
///
/// Dropped half-way, it may be repeated at any time.
///
/// # Errors
/// [`Unavailable`]: entries may still be there.
pub async fn sweep(directory: &dyn Directory, prefix: &Prefix, dead: &Owner) -> Result<usize, Unavailable> {
    let mut swept = 0;
    for entry in directory.list(prefix).await? {
        if Login::read(&entry).is_some_and(|login| login.owner == *dead) {
            release(directory, &entry.key, entry.revision).await?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Gives back all places beneath `prefix` that any life held which is over, and returns how many they were.
///
/// Dropped half-way, it may be repeated at any time.
///
/// # Errors
/// [`Unavailable`]: entries may still be there.
pub async fn sweep_dead(directory: &dyn Directory, prefix: &Prefix) -> Result<usize, Unavailable> {
    let held = directory.list(prefix).await?;
    // Behind what is held: by an older record a node that has just registered would seem dead.
    let records = directory.list(&Prefix::nodes()).await?;
    let records = records.iter().map(|entry| (entry.key.clone(), NodeRecord::read(entry)));
    let records: BTreeMap<_, _> = records.collect();
    let mut swept = 0;
    for entry in held {
        let Some(Login { owner, .. }) = Login::read(&entry) else {
            continue;
        };
        let record = records.get(&Key::node(&owner.node));
        // One that cannot be read may be a newer version's, and says nothing.
        let is_over = match record {
            Some(None) => false,
            record => is_dead(record.and_then(Option::as_ref), &owner),
        };
        if is_over {
            release(directory, &entry.key, entry.revision).await?;
            swept += 1;
        }
    }
    Ok(swept)
}
