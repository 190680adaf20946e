use std::{collections::BTreeMap, time::Instant};

use hst_proto::RequestId;

/// The requests whose replies are due.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last: RequestId,
    due: BTreeMap<RequestId, Due>,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    kind: Kind,
    deadline: Instant,
}

/// What the session itself has to do with a reply; all others only matter to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Join,
    Leave,
    Exit,
    /// Sent by the session itself: nobody waits for it.
    Unasked,
    Other,
}

impl Requests {
    /// A number that no due request has.
    pub(super) fn open(&mut self, kind: Kind, deadline: Instant) -> RequestId {
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.due.contains_key(&self.last) {
                break;
            }
        }
        self.due.insert(self.last, Due { kind, deadline });
        self.last
    }

    /// The reply has come.
    pub(super) fn close(&mut self, id: RequestId) -> Option<Kind> {
        self.due.remove(&id).map(|due| due.kind)
    }

    /// One whose reply is overdue.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Option<(RequestId, Kind)> {
        let id = self
            .due
            .iter()
            .find(|(_, due)| due.deadline <= now)
            .map(|(&id, _)| id)?;
        self.close(id).map(|kind| (id, kind))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.due.values().map(|due| due.deadline).min()
    }

    /// All of them, in the order of asking; the connection is gone.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = (RequestId, Kind)> + use<> {
        std::mem::take(&mut self.due)
            .into_iter()
            .map(|(id, due)| (id, due.kind))
    }
}
