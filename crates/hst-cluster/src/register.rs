use crate::{Directory, Key, NodeId, NodeRecord, NodeState, Revision, Unavailable, Versions, WriteError};

/// Writes that lost to others of the same name, or whose answers were lost, before it gives up.
const TRIES: usize = 8;

/// Begins a new life of a node, which ends all its earlier ones, and returns its epoch.
///
/// `boot` is random, drawn once when the process starts, and `speaks` is what it speaks with other nodes.
///
/// Not cancel-safe: dropped half-way, the new life may have begun. Register again.
///
/// # Errors
/// [`Unavailable`], if the directory is out of reach or another process registers under this name again and again.
pub async fn register(
    directory: &dyn Directory,
    node: &NodeId,
    boot: u64,
    speaks: Versions,
) -> Result<Revision, Unavailable> {
    let key = Key::node(node);
    let record = NodeRecord {
        epoch: Revision::OWN,
        boot,
        state: NodeState::Up,
        speaks,
        info: String::new(),
    };
    let value = record.to_bytes();
    // The revision over which a write went whose answer was lost.
    let mut in_doubt = None;
    for _ in 0..TRIES {
        let present = directory.get(&key).await?;
        let stands = present.as_ref().map(|entry| entry.revision);
        // An earlier life of this process has the same value, but stood there before the write.
        let own = present.filter(|entry| entry.value == value);
        if let (Some(before), Some(own)) = (in_doubt, own)
            && before != stands
        {
            return Ok(own.revision);
        }
        let written = match stands {
            None => directory.create(&key, value.clone()).await,
            Some(expected) => directory.update(&key, value.clone(), expected).await,
        };
        in_doubt = match written {
            Ok(epoch) => return Ok(epoch),
            Err(WriteError::Conflict) => None,
            Err(WriteError::Unknown) => Some(stands),
            Err(WriteError::Unavailable) => break,
        };
    }
    Err(Unavailable)
}
