use std::{num::NonZeroU8, sync::Arc};

use hst_cluster::{Claim, Key, Login as Record, Owner, Policy, Revision, Unavailable, Verdict, WriteError, claim};
use hst_proto::{ErrorCode, Failure};

use crate::{fleet::Fleet, groups::Key as GroupKey, holdings::Hold, node::Node};

/// Rounds before a claim gives up; each but the first follows the death of a node or the end of a group just now.
const ROUNDS: usize = 8;

/// Which node a group is on: the first that claims it, as long as it holds it.
#[derive(Debug)]
pub(crate) struct Placement {
    node: Node,
    fleet: Arc<Fleet>,
}

/// Where a group has its home.
#[derive(Debug)]
pub(crate) enum Place {
    /// On this node, from now on. The number is higher than that of each earlier home.
    Here(Hold, u64),
    /// On another node.
    There {
        owner: Owner,
        /// Its number for the group.
        number: u64,
        /// The newest version that both speak.
        words: u16,
    },
}

impl Placement {
    pub(crate) fn new(node: Node, fleet: Arc<Fleet>) -> Self {
        Self { node, fleet }
    }

    /// Claims a group for this node, if no other has it. `number` is the group's, used once in the life of the process; `lost`
    /// is called once at most, when another node has it.
    ///
    /// # Errors
    /// Code 302 when the directory cannot be reached.
    pub(crate) async fn claim(
        &self,
        (app, group): &GroupKey,
        number: u64,
        lost: impl Fn() + Send + Sync + 'static,
    ) -> Result<Place, Failure> {
        let (directory, base) = (&*self.node.directory, Key::group(app, group));
        let record = Record::new(number, self.node.owner());
        for _ in 0..ROUNDS {
            let wish = Claim::new(base.clone(), NonZeroU8::MIN, Policy::Refuse, record.clone());
            let (key, revision) = match claim(directory, wish).await.verdict {
                Verdict::Claimed { key, revision } => (key, revision),
                Verdict::Taken { holders } => {
                    let [holder] = &holders[..] else { break };
                    let Some(Record { owner, session, .. }) = Record::read(holder) else {
                        break;
                    };
                    if self.node.is(&owner) {
                        // Of the group that had the name before and is at its end.
                        match directory.update(&holder.key, record.to_bytes(), holder.revision).await {
                            Ok(revision) => (holder.key.clone(), revision),
                            Err(WriteError::Conflict) => continue,
                            Err(WriteError::Unavailable | WriteError::Unknown) => break,
                        }
                    } else if self.fleet.is_over(&owner).await {
                        continue;
                    } else {
                        return Ok(Place::There {
                            words: self.fleet.words_with(&owner),
                            owner,
                            number: session,
                        });
                    }
                }
                Verdict::Unavailable => break,
            };
            let hold = self.keep(key, record, revision, lost);
            return Ok(Place::Here(hold, revision.number()));
        }
        self.fleet.holdings.withdraw(&base, NonZeroU8::MIN, &record).await;
        let message = "no group can begin at the moment: try again";
        Err(Failure::new(ErrorCode::OperationFailed, message).retry_after(1_000))
    }

    /// Which node has a group.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub(crate) async fn find(&self, (app, group): &GroupKey) -> Result<Option<Owner>, Unavailable> {
        let entries = self.node.directory.list(&Key::group(app, group).beneath()).await?;
        Ok(entries.first().and_then(Record::read).map(|record| record.owner))
    }

    /// Another node was sent here for a group that is not here any more: its entry is taken away, if it is there still.
    pub(crate) async fn clear(&self, (app, group): &GroupKey, number: u64) {
        let (base, record) = (Key::group(app, group), Record::new(number, self.node.owner()));
        self.fleet.holdings.withdraw(&base, NonZeroU8::MIN, &record).await;
    }

    fn keep(&self, key: Key, mut record: Record, revision: Revision, lost: impl Fn() + Send + Sync + 'static) -> Hold {
        record.since = revision;
        self.fleet.holdings.keep(key, record, revision, lost)
    }
}
