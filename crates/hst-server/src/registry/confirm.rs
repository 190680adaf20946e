use std::time::Duration;

use bytes::Bytes;
use hst_cluster::{Entry, Key, NodeRecord, NodeState, Owner, Revision, is_dead_by};
use hst_store::Stamped;
use serde_json::value::RawValue;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Registry, wire};
use crate::{
    admin::Refused,
    node::{Node, NodeMessage},
    questions::Unanswered,
};

/// How long all nodes together may take to know of a record. One that is silent has been declared dead by then.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one may take, before it is asked again.
const ANSWER: Duration = Duration::from_secs(1);
/// Before one that could not be asked is asked again.
const PAUSE: Duration = Duration::from_millis(100);

impl Registry {
    /// Tells the other nodes of a record, and waits until each acts by it or is dead. One that is ending lets nobody in and ends
    /// its sessions anyway. One that begins later reads it in the directory before it lets anybody in.
    pub(super) async fn tell_all(&self, key: &Key, stamped: &Stamped, revision: Revision) -> Result<(), Refused> {
        if self.node.is_alone {
            return Ok(());
        }
        let others = self.node.others().await.map_err(|_| Refused::Unconfirmed)?;
        let value = String::from_utf8(wire::to_bytes(stamped).into()).expect("JSON is text");
        let message = NodeMessage::Record {
            key: key.to_string(),
            value: RawValue::from_string(value).expect("it was written as JSON"),
            revision: revision.number(),
        }
        .encode();
        let mut asked = JoinSet::new();
        for (life, _) in others.into_iter().filter(|(_, state)| *state != NodeState::Draining) {
            asked.spawn(convince(self.node.clone(), life, message.clone()));
        }
        let all = async {
            let mut all = true;
            while let Some(knows) = asked.join_next().await {
                all &= knows.unwrap_or(false);
            }
            all
        };
        match timeout(PATIENCE, all).await {
            Ok(true) => Ok(()),
            _ => Err(Refused::Unconfirmed),
        }
    }

    /// Another node has written a record. Says whether it is understood.
    pub(crate) fn hear(&self, key: &str, value: &RawValue, revision: u64) -> bool {
        let Ok(key) = Key::parse(key) else {
            return false;
        };
        let entry = Entry {
            key,
            value: value.get().to_owned().into(),
            revision: Revision::new(revision),
        };
        self.take_entry(&entry).is_some()
    }
}

/// Says whether a node acts by it, or need not any more; not if it does not understand it.
async fn convince(node: Node, life: Owner, message: Bytes) -> bool {
    let subject = Node::subject(&life.node);
    loop {
        match node.ask(&subject, message.clone(), ANSWER).await {
            Ok(_) => return true,
            Err(Unanswered::NotUnderstood) => return false,
            // Whatever is wrong: it may be about to come back, and until it is dead it may let somebody in.
            Err(Unanswered::Request(_)) => {}
        }
        if let Ok(entry) = node.directory.get(&Key::node(&life.node)).await {
            let record = entry.as_ref().and_then(NodeRecord::read);
            let is_ending = record.is_some_and(|record| record.state == NodeState::Draining);
            if is_ending || is_dead_by(entry.as_ref(), &life) {
                return true;
            }
        }
        sleep(PAUSE).await;
    }
}
