use crate::{Directory, Key, NodeRecord, NodeState, Owner, Unavailable, WriteError, release};

/// Writes that lost to others, or whose answers were lost, before it gives up.
const TRIES: usize = 8;

/// Changes the record of one life of a node, and says whether it stands there as changed: not if that life is over.
///
/// `change` may run several times. Dropped half-way, it may or may not have happened; it may be repeated.
///
/// # Errors
/// [`Unavailable`], if the directory is out of reach or others write again and again.
pub async fn amend(
    directory: &dyn Directory,
    owner: &Owner,
    change: impl Fn(&mut NodeRecord) + Send,
) -> Result<bool, Unavailable> {
    let key = Key::node(&owner.node);
    for _ in 0..TRIES {
        let Some(entry) = directory.get(&key).await? else {
            return Ok(false);
        };
        let Some(record) = NodeRecord::read(&entry).filter(|record| is_of(record, owner)) else {
            return Ok(false);
        };
        let mut changed = record.clone();
        change(&mut changed);
        if changed == record {
            return Ok(true);
        }
        if record.state == NodeState::Fenced {
            return Ok(false);
        }
        match directory.update(&key, changed.to_bytes(), entry.revision).await {
            Ok(_) => return Ok(true),
            Err(WriteError::Conflict | WriteError::Unknown) => {}
            Err(WriteError::Unavailable) => break,
        }
    }
    Err(Unavailable)
}

/// Declares one life of a node dead, and says whether it is dead by such a declaration: not if it had ended by itself.
///
/// # Errors
/// As [`amend`].
pub async fn fence(directory: &dyn Directory, owner: &Owner) -> Result<bool, Unavailable> {
    amend(directory, owner, |record| record.state = NodeState::Fenced).await
}

/// Takes the record of a life away that ends by itself; one of another life stays.
///
/// # Errors
/// [`Unavailable`]: the record may still be there.
pub async fn unregister(directory: &dyn Directory, owner: &Owner) -> Result<(), Unavailable> {
    let own = directory.get(&Key::node(&owner.node)).await?;
    let own = own.filter(|entry| NodeRecord::read(entry).is_some_and(|record| is_of(&record, owner)));
    match own {
        Some(entry) => release(directory, &entry.key, entry.revision).await,
        None => Ok(()),
    }
}

fn is_of(record: &NodeRecord, owner: &Owner) -> bool {
    (record.epoch, record.boot) == (owner.epoch, owner.boot)
}
