use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
    time::Duration,
};

use hst_group::server::{MemberId, ToMember};
use hst_proto::{ErrorCode, EventBody, Failure, Reply, RequestId};
use hst_signal::SignalConnection;
use tokio::{
    sync::{Notify, oneshot},
    task::coop::cooperative,
};

use crate::{
    admission::Place,
    handover::{Order, Whereabouts},
};

/// Words that a session has not yet taken note of. It never waits for its client, so only a flood fills it, and then the
/// session ends as a slow reader's.
const WORDS: usize = 4096;
/// Words for which there is always room, so that nothing is allocated for what comes one by one.
const FEW: usize = 2;

/// One session of this node, by a number that is used once in the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) u64);

impl SessionId {
    /// Reads what is displayed.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        name.strip_prefix('s')?.parse().ok().map(Self)
    }
}

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
    /// The last word of the group for this membership, if it is done: the member comes by another node from now on.
    Passed(MemberId, bool),
    /// Somebody wants to know where it is, to move it; it says nothing if it cannot be moved.
    Locate(oneshot::Sender<Option<Whereabouts>>),
    /// It is to go to another node.
    HandOver(Box<Order>),
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
    mail: Arc<Mail>,
}

/// The session's own end of its handles.
#[derive(Debug)]
pub(crate) struct Inbox(Arc<Mail>);

/// What has come to a session and lies there.
///
/// Not a channel of tokio's: one keeps a block of 32 words for every session, which is the most of what a delivery would touch
/// and an idle session would hold.
#[derive(Debug, Default)]
struct Mail {
    /// A lock, because words come from all threads; held for one word.
    pile: Mutex<Pile>,
    /// Says that the session has ended.
    gone: Notify,
    has_offered: AtomicBool,
}

#[derive(Debug, Default)]
struct Pile {
    words: VecDeque<Word>,
    /// Why it is to end. Beside the words, because a full pile must not keep it alive; the first reason counts.
    ending: Option<Failure>,
    is_gone: bool,
    /// The session, when it waits.
    reader: Option<Waker>,
}

/// The session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

pub(crate) fn session(id: SessionId) -> (SessionHandle, Inbox) {
    let mail = Arc::<Mail>::default();
    (SessionHandle { id, mail: mail.clone() }, Inbox(mail))
}

impl SessionHandle {
    /// Hands it a word. A session that cannot take it is ended, and is as good as gone.
    pub(crate) fn tell(&self, word: Word) -> Result<(), Gone> {
        let mut pile = self.mail.lock();
        if pile.is_gone {
            return Err(Gone);
        }
        let has_room = pile.words.len() < WORDS;
        if has_room {
            pile.words.push_back(word);
        } else {
            pile.ending.get_or_insert_with(slow_reader);
        }
        pile.wake();
        if has_room { Ok(()) } else { Err(Gone) }
    }

    /// Whether this is its first offer: the answer to that one was foretold to it.
    pub(crate) fn offers_first(&self) -> bool {
        !self.mail.has_offered.swap(true, Ordering::Relaxed)
    }

    /// Ends it. Whether it has ended is not waited for: see [`ended`](Self::ended).
    pub(crate) fn end(&self, why: Failure) {
        let mut pile = self.mail.lock();
        pile.ending.get_or_insert(why);
        pile.wake();
    }

    /// Waits until it has ended. Cancel-safe.
    pub(crate) async fn ended(&self) {
        let gone = self.mail.gone.notified();
        if !self.mail.lock().is_gone {
            gone.await;
        }
    }
}

impl Inbox {
    /// What comes next, or why the session is to end. Cancel-safe.
    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "one reader: a second one would take the first one's waker"
    )]
    pub(crate) async fn next(&mut self) -> Result<Word, Failure> {
        // Words count in the task's share, or a flood of them would keep its thread from all other sessions.
        cooperative(poll_fn(|cx| {
            let mut pile = self.0.lock();
            if let Some(why) = &pile.ending {
                return Poll::Ready(Err(why.clone()));
            }
            if let Some(word) = pile.words.pop_front() {
                return Poll::Ready(Ok(word));
            }
            pile.words.shrink_to(FEW);
            if !pile.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                pile.reader = Some(cx.waker().clone());
            }
            Poll::Pending
        }))
        .await
    }
}

impl Inbox {
    /// Takes nothing more; gives what has come and was not taken, and why the session was to end.
    pub(crate) fn close(&self) -> (VecDeque<Word>, Option<Failure>) {
        let mut pile = self.0.lock();
        pile.is_gone = true;
        pile.reader = None;
        let left = (std::mem::take(&mut pile.words), pile.ending.take());
        drop(pile);
        self.0.gone.notify_waiters();
        left
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Words may hold ways to others, and those to this one.
        drop(self.close());
    }
}

impl Mail {
    fn lock(&self) -> MutexGuard<'_, Pile> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pile {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
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
