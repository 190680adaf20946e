use hst_id::UserId;
use hst_proto::{Media, Payload};

/// What happens in the group that the engine is in. None comes after `leave` was called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// The other members at the moment of joining; comes once, before all others.
    Members(Vec<UserId>),
    /// Somebody joined.
    MemberJoined(UserId),
    /// Somebody left or was lost; his media have ended before.
    MemberLeft(UserId),
    /// A media is there; told also for those that were there before.
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
}
