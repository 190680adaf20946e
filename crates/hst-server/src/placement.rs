use std::{num::NonZeroU8, sync::Arc};

use hst_cluster::{Claim, Key, Login as Record, Owner, Policy, Revision, Verdict, WriteError, claim, withdraw};
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

impl Placement {
    pub(crate) fn new(node: Node, fleet: Arc<Fleet>) -> Self {
        Self { node, fleet }
    }

    /// Claims a group for this node. `number` is the group's, used once in the life of the process; `lost` is called once
    /// at most, when another node has it.
    ///
    /// # Errors
    /// Code 1000111 when the group is on another node; 302 when the directory cannot be reached.
    pub(crate) async fn claim(
        &self,
        (app, group): &GroupKey,
        number: u64,
        lost: impl Fn() + Send + Sync + 'static,
    ) -> Result<Hold, Failure> {
        let (directory, base) = (&*self.node.directory, Key::group(app, group));
        let record = Record::new(number, self.node.owner());
        for _ in 0..ROUNDS {
            let wish = Claim::new(base.clone(), NonZeroU8::MIN, Policy::Refuse, record.clone());
            let (key, revision) = match claim(directory, wish).await.verdict {
                Verdict::Claimed { key, revision } => (key, revision),
                Verdict::Taken { holders } => {
                    let [holder] = &holders[..] else { break };
                    let Some(Record { owner, .. }) = Record::read(holder) else {
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
                        return Err(self.elsewhere(&owner));
                    }
                }
                Verdict::Unavailable => break,
            };
            return Ok(self.keep(key, record, revision, lost));
        }
        let _ = withdraw(directory, &base, NonZeroU8::MIN, &record).await;
        let message = "no group can begin at the moment: try again";
        Err(Failure::new(ErrorCode::OperationFailed, message).retry_after(1_000))
    }

    fn keep(&self, key: Key, mut record: Record, revision: Revision, lost: impl Fn() + Send + Sync + 'static) -> Hold {
        record.since = revision;
        self.fleet.holdings.keep(key, record, revision, lost)
    }

    fn elsewhere(&self, owner: &Owner) -> Failure {
        let at = self
            .fleet
            .find(owner)
            .map_or_else(String::new, |gateway| format!(" ({})", gateway.origin));
        let message = format!("the group is on node {}{at}: join it there", owner.node);
        Failure::new(ErrorCode::GroupElsewhere, message)
    }
}
