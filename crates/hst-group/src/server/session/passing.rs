use std::time::{Duration, Instant};

use hst_proto::{Event, IceServer, RESUME_WINDOW, RequestId, encode_event, frame_event};
use serde::{Deserialize, Serialize};

use super::{CloseWhy, Link, Session, SessionOutput, State, Token};
use crate::server::backlog::PackedBacklog;

/// A session on its way to another node: what its client has not confirmed, and what the server must not forget. Times are
/// told as what is left of them, because nodes have clocks of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PackedSession {
    is_in_group: bool,
    received: RequestId,
    backlog: PackedBacklog,
    /// How far messages so far are paid for ahead, in ms.
    #[serde(default)]
    owed: u64,
    /// How long the token is still good, in ms, and whether its end was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<(u64, bool)>,
}

/// A session that goes on at another node.
impl Session {
    /// Whether nothing that was asked is under way: only then it can be packed.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Online | State::InGroup)
            && self.due.is_none()
            && self.offers.is_empty()
            && self.outputs.is_empty()
    }

    /// Whether it is in a group.
    pub fn is_in_group(&self) -> bool {
        self.state == State::InGroup
    }

    /// The session as it goes on elsewhere; `None` while it is not [at rest](Self::is_at_rest). Nothing is to happen to it here
    /// from then on but [`handle_moved`](Self::handle_moved), unless it stays after all.
    pub fn pack(&self, now: Instant) -> Option<PackedSession> {
        if !self.is_at_rest() {
            return None;
        }
        Some(PackedSession {
            is_in_group: self.state == State::InGroup,
            received: self.received,
            backlog: self.backlog.pack(),
            owed: millis(self.messages.owed(now)),
            token: self
                .token
                .as_ref()
                .map(|token| (millis(token.ends.saturating_duration_since(now)), token.warned)),
        })
    }

    /// The session goes on here. It waits for its client, who is told of these `ice_servers` when he comes.
    pub fn unpack(now: Instant, packed: PackedSession, ice_servers: Vec<IceServer>) -> Self {
        let mut session = Self::new(now, now);
        session.state = match packed.is_in_group {
            true => State::InGroup,
            false => State::Online,
        };
        session.link = Link::Detached {
            until: now + RESUME_WINDOW,
        };
        session.received = packed.received;
        session.backlog = packed.backlog.unpack();
        session.messages.owe(now, Duration::from_millis(packed.owed));
        session.token = packed.token.and_then(|(left, warned)| {
            let ends = now.checked_add(Duration::from_millis(left))?;
            Some(Token { ends, warned })
        });
        session.ice_servers = ice_servers;
        session
    }

    /// The session that the client has, or wants to come back to, is at another node, which is reached there.
    pub fn handle_moved(&mut self, signal: Vec<String>) {
        if self.state == State::Ended {
            return;
        }
        let moved = encode_event(&Event::Moved { signal });
        // Without a number: it is not of the session, which goes on elsewhere.
        if self.is_attached() {
            self.outputs.push_back(SessionOutput::Send(frame_event(None, &moved)));
        }
        self.close(CloseWhy::Moved);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
