use std::time::Duration;

use hst_group::client::{GroupEvent, Refusal, SessionEvent};
use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_media::PeerState;
use hst_proto::{Invitation, InviteEnded, InviteResult, Payload, PresenceChange};
use tokio::sync::broadcast;

use crate::AudioLevel;

/// How many events wait for a reader that is slow; the oldest give way and the reader is told how many he missed.
pub(crate) const EVENT_CAPACITY: usize = 1024;

/// What an engine tells its application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something happened in the group.
    Group(GroupEvent),
    /// Somebody has come online, has changed his text, or has gone; told after
    /// [`online_users`](crate::Client::online_users) was called.
    Presence(PresenceChange),
    /// A user wrote to this one.
    UserMessage {
        /// The sender.
        from: UserId,
        /// Its number among his messages to users.
        seq: u64,
        /// What he sent.
        body: Payload,
    },
    /// The application's server wrote to this terminal, or to the whole group.
    ServerMessage(Payload),
    /// Somebody invites this user.
    Invited(Invitation),
    /// What became of an own invite with one of the invited.
    InviteAnswered(InviteResult),
    /// An invitation is over: stop ringing.
    InviteEnded(InviteEnded),
    /// The token ends in so long: [`renew_token`](crate::Client::renew_token).
    TokenExpiring(Duration),
    /// The connection is lost and being made again. Calls wait; the group does not notice.
    Reconnecting,
    /// The connection is there again.
    Reconnected,
    /// Comes behind `Reconnected` when messages or invites may have been missed. Members, media and presence are right
    /// again after the events that follow it.
    Discontinuity,
    /// The media transport is connected in another way than before.
    Transport(PeerState),
    /// A published source has come to its end, and its media with it.
    SourceEnded {
        /// What it carried.
        media_type: MediaType,
        /// Which.
        media: MediaId,
        /// Why it failed; `None` when it was simply over.
        fault: Option<String>,
    },
    /// What arrives of an encrypted group's media can be decrypted, or cannot, and is left out then; told for the first
    /// frame and at each change.
    MediaDecryption {
        /// Whose and which.
        media: MediaRef,
        /// Whether its publisher has the key that is known here.
        decrypted: bool,
    },
    /// In a group whose members exchange keys: 60 digits that all of them see alike, if nobody stands between them. Told
    /// whenever somebody comes or goes.
    SafetyNumber(String),
    /// How loud everybody is who is received, this user included, the loudest first: five times a second while there is any
    /// sound, and once an empty list when there is none left. Told while
    /// [`measure_audio_levels`](crate::Client::measure_audio_levels) is on.
    AudioLevels(Vec<AudioLevel>),
    /// Somebody else speaks than before, or, with `None`, nobody has for some seconds. A cough takes nobody's turn, a short
    /// pause ends none. Told while [`measure_audio_levels`](crate::Client::measure_audio_levels) is on.
    ActiveSpeaker(Option<UserId>),
    /// The session ended without being asked to: log in again.
    Ended(Refusal),
    /// This reader was too slow: so many events before the next one are lost to it.
    Missed(u64),
}

impl From<SessionEvent> for Event {
    fn from(event: SessionEvent) -> Self {
        match event {
            SessionEvent::Group(event) => Self::Group(event),
            SessionEvent::Presence(change) => Self::Presence(change),
            SessionEvent::UserMessage { from, seq, body } => Self::UserMessage { from, seq, body },
            SessionEvent::ServerMessage(body) => Self::ServerMessage(body),
            SessionEvent::Invited(invitation) => Self::Invited(invitation),
            SessionEvent::InviteAnswered(result) => Self::InviteAnswered(result),
            SessionEvent::InviteEnded(ended) => Self::InviteEnded(ended),
            SessionEvent::TokenExpiring(time) => Self::TokenExpiring(time),
            SessionEvent::Reconnecting => Self::Reconnecting,
            SessionEvent::Reconnected => Self::Reconnected,
            SessionEvent::Discontinuity => Self::Discontinuity,
        }
    }
}

/// The events of one engine, from the moment when this reader was made, for all its sessions.
#[derive(Debug)]
pub struct Events(pub(crate) broadcast::Receiver<Event>);

impl Events {
    /// The next event, or `None` when the engine is gone.
    ///
    /// Cancel-safe.
    pub async fn recv(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
