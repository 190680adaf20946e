use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_id::{GroupId, MediaId, MediaRef, MediaType};
use hst_proto::{Command, OnlinePage, Request, RequestId, encode_client};

/// Requests that wait for their replies. Further ones are refused.
const CAPACITY: usize = 1024;
/// What was answered while the connection was lost comes within so long when it is there again.
const BELATED: Duration = Duration::from_secs(1);

/// The requests whose replies are due, with their frames: after a lost connection some have to be sent again.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last: RequestId,
    due: BTreeMap<RequestId, Due>,
}

#[derive(Debug)]
pub(super) struct Due {
    pub(super) kind: Kind,
    was_sent: bool,
    /// `None` while it is not under way.
    deadline: Option<Instant>,
    /// How long the server may still take that has got it, once the connection is there again.
    left: Duration,
    frame: Bytes,
}

/// What the session itself has to do with a reply; all others only matter to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Resume,
    Join(GroupId),
    /// A join that the session itself asks for, to come back.
    Rejoin,
    Leave,
    Exit,
    Publish(MediaType, MediaId, String),
    Receive(MediaRef),
    Offer,
    Online(OnlinePage),
    /// Pages that the session itself asks for, to learn what it has missed.
    OnlineAgain(OnlinePage),
    /// A question that the session itself asks: whether it is in the group still.
    Verify,
    Ping,
    /// Sent by the session itself: nobody waits for it.
    Unasked,
    Other,
}

impl Kind {
    /// Whether somebody outside waits for the outcome.
    pub(super) fn is_asked(&self) -> bool {
        !self.is_of_connection() && !matches!(self, Self::OnlineAgain(_) | Self::Verify | Self::Unasked)
    }

    /// Whether it is of no concern on the next connection.
    pub(super) fn is_of_connection(&self) -> bool {
        matches!(self, Self::Resume | Self::Rejoin | Self::Ping)
    }
}

impl Requests {
    /// Whether no more can wait.
    pub(super) fn is_full(&self) -> bool {
        self.due.len() >= CAPACITY
    }

    /// Opens a request under a number higher than all before.
    pub(super) fn open(&mut self, kind: Kind, command: Command) -> RequestId {
        // More than four thousand million requests are not made in the life of an engine.
        self.last = self.last.saturating_add(1);
        self.open_as(self.last, kind, command)
    }

    /// Opens a request under a number that is free.
    pub(super) fn open_as(&mut self, id: RequestId, kind: Kind, command: Command) -> RequestId {
        let frame = encode_client(&Request { id, command });
        let due = Due {
            kind,
            was_sent: false,
            deadline: None,
            left: BELATED,
            frame,
        };
        self.due.insert(id, due);
        id
    }

    /// The server has got it, over a connection before: its time goes on.
    pub(super) fn expect(&mut self, id: RequestId, now: Instant) {
        if let Some(due) = self.due.get_mut(&id) {
            due.deadline = Some(now + due.left);
        }
    }

    /// The frame of a request that is sent now.
    pub(super) fn send(&mut self, id: RequestId, deadline: Instant) -> Option<Bytes> {
        let due = self.due.get_mut(&id)?;
        due.deadline = Some(deadline);
        due.was_sent = true;
        Some(due.frame.clone())
    }

    /// The reply has come.
    pub(super) fn close(&mut self, id: RequestId) -> Option<Kind> {
        self.due.remove(&id).map(|due| due.kind)
    }

    /// One whose reply is overdue.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Option<(RequestId, Kind)> {
        let is_overdue = |due: &Due| due.deadline.is_some_and(|deadline| deadline <= now);
        let id = self.due.iter().find(|(_, due)| is_overdue(due)).map(|(&id, _)| id)?;
        self.close(id).map(|kind| (id, kind))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.due.values().filter_map(|due| due.deadline).min()
    }

    /// The connection is gone: no reply comes until there is another.
    pub(super) fn pause(&mut self, now: Instant) {
        for due in self.due.values_mut() {
            if let Some(deadline) = due.deadline.take() {
                due.left = deadline.saturating_duration_since(now).max(BELATED);
            }
        }
    }

    /// All of them in the order of asking.
    pub(super) fn ids(&self) -> Vec<RequestId> {
        self.due.keys().copied().collect()
    }

    pub(super) fn kind(&self, id: RequestId) -> Option<&Kind> {
        self.due.get(&id).map(|due| &due.kind)
    }

    /// Whether it was sent, over this connection or one before.
    pub(super) fn was_sent(&self, id: RequestId) -> bool {
        self.due.get(&id).is_some_and(|due| due.was_sent)
    }
}
