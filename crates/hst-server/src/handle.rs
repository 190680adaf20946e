use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use hst_group::server::{MemberId, ToMember};
use hst_proto::{ErrorCode, EventBody, Failure, Reply, RequestId};
use hst_signal::SignalConnection;
use tokio::sync::mpsc;

use crate::admission::Place;

/// Words that a session has not yet taken note of. It never waits for its client, so only a flood fills it, and then the
/// session ends as a slow reader's.
const WORDS: usize = 4096;

/// One session of this node, by a number that is used once in the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// What comes to a session.
#[derive(Debug)]
pub(crate) enum Word {
    /// From the group, for this membership.
    Group(MemberId, ToMember),
    /// The answer to a request that the platform was asked.
    Answer(RequestId, Result<Reply, Failure>),
    /// How long the token is good that its user has shown, or why it is not taken.
    Renewed(RequestId, Result<Option<Duration>, Failure>),
    /// Something that concerns its user.
    Event(EventBody),
    /// The client has come back over this connection.
    Attach(Box<Attach>),
    /// The group of this membership is gone, by a fault.
    GroupLost(MemberId),
    /// It is to end, for the reason that it was given beside.
    End,
}

/// A connection by which a client comes back to its session.
#[derive(Debug)]
pub(crate) struct Attach {
    pub(crate) connection: SignalConnection,
    pub(crate) place: Arc<Place>,
    /// The request by which it came.
    pub(crate) re: RequestId,
    /// The last frame that the client has.
    pub(crate) got: u64,
}

/// A way to a session, for whoever has something for it. Nobody ever waits for a session.
#[derive(Debug, Clone)]
pub(crate) struct SessionHandle {
    pub(crate) id: SessionId,
    words: mpsc::Sender<Word>,
    /// Why it is to end. Beside the words, because a full queue must not keep it alive; the first reason counts.
    ending: Arc<OnceLock<Failure>>,
}

/// The session's own end of its handles.
#[derive(Debug)]
pub(crate) struct Inbox {
    words: mpsc::Receiver<Word>,
    ending: Arc<OnceLock<Failure>>,
}

/// The session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

pub(crate) fn session(id: SessionId) -> (SessionHandle, Inbox) {
    let (to_session, words) = mpsc::channel(WORDS);
    let ending = Arc::<OnceLock<Failure>>::default();
    let handle = SessionHandle {
        id,
        words: to_session,
        ending: ending.clone(),
    };
    (handle, Inbox { words, ending })
}

impl SessionHandle {
    /// Hands it a word. A session that cannot take it is ended, and is as good as gone.
    pub(crate) fn tell(&self, word: Word) -> Result<(), Gone> {
        self.words.try_send(word).map_err(|error| {
            if matches!(error, mpsc::error::TrySendError::Full(_)) {
                self.end(slow_reader());
            }
            Gone
        })
    }

    /// Ends it. Whether it has ended is not waited for: see [`ended`](Self::ended).
    pub(crate) fn end(&self, why: Failure) {
        let _ = self.ending.set(why);
        // When there is no room, it has a word to take, and looks for the reason before.
        let _ = self.words.try_send(Word::End);
    }

    /// Waits until it has ended. Cancel-safe.
    pub(crate) async fn ended(&self) {
        self.words.closed().await;
    }
}

impl Inbox {
    /// What comes next, or why the session is to end. It never closes, because the session holds a handle of itself.
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Word, Failure> {
        let word = self.words.recv().await;
        match (self.ending.get(), word) {
            (Some(why), _) => Err(why.clone()),
            (None, Some(word)) => Ok(word),
            (None, None) => std::future::pending().await,
        }
    }
}

/// Too much waited for a client.
pub(crate) fn slow_reader() -> Failure {
    Failure::new(ErrorCode::SlowReader, "too much waited for this client to read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word() -> Word {
        Word::Answer(1, Ok(Reply::Done {}))
    }

    #[tokio::test]
    async fn a_flood_ends_a_session_and_nobody_waits_for_it() {
        let (handle, mut inbox) = session(SessionId(1));
        for _ in 0..WORDS {
            handle.tell(word()).unwrap();
        }
        assert_eq!(handle.tell(word()), Err(Gone));
        assert_eq!(inbox.next().await.unwrap_err(), slow_reader());
    }

    #[tokio::test]
    async fn the_first_reason_counts() {
        let (handle, mut inbox) = session(SessionId(1));
        handle.end(Failure::new(ErrorCode::KickedOut, "out"));
        handle.end(slow_reader());
        assert_eq!(inbox.next().await.unwrap_err().code, ErrorCode::KickedOut.number());
        drop(inbox);
        handle.ended().await;
        assert_eq!(handle.tell(word()), Err(Gone));
    }
}
