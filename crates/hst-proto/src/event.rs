use hst_id::UserId;
use serde::{Deserialize, Serialize};

use crate::{Failure, Media, Payload};

/// What the server tells without being asked. Each carries a sequence number of the session, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: a new event is a new protocol version"
)]
pub enum Event {
    /// Somebody joined the group.
    MemberJoined {
        /// Who.
        user: UserId,
    },
    /// Somebody left the group or was lost; what he published has ended before.
    MemberLeft {
        /// Who.
        user: UserId,
    },
    /// A media was published in the group.
    Published(Media),
    /// A media has ended.
    Unpublished(Media),
    /// A message to the group.
    Message {
        /// The sender.
        from: UserId,
        /// Its number in the group.
        seq: u64,
        /// What he sent.
        body: Payload,
    },
    /// The server's end of the media transport is gone; a new one needs an offer of a higher generation.
    TransportLost {
        /// The generation that was lost.
        generation: u32,
    },
    /// The session is over; the connection closes after this.
    Ended(Failure),
}
