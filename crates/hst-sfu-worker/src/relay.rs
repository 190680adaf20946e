//! What passes between the threads on which the peers of one room are.

use std::sync::Arc;

use hst_sfu::{BranchId, Word};
use mio::Waker;
use tokio::sync::mpsc::{self, error::TrySendError};
use tracing::warn;

use crate::{RoomId, slot::Media};

/// How many batches may wait for a thread. When it is full, what follows waits at its sender.
pub(crate) const BATCHES: usize = 64;
/// How many packets may wait at their sender. Past that packets are dropped, as by a network that is too slow; words never
/// are.
const PACKETS: usize = 8192;

/// What one branch of a room sends to another.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) room: RoomId,
    pub(crate) from: BranchId,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    Word(Word),
    Media(Arc<Media>),
}

/// The way into a thread.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    pub(crate) parcels: mpsc::Sender<Vec<Parcel>>,
    pub(crate) waker: Arc<Waker>,
}

/// A thread's way out to the others: never blocks.
#[derive(Debug, Default)]
pub(crate) struct Post {
    /// Which of the threads this is.
    own: usize,
    ways: Vec<Way>,
}

#[derive(Debug)]
struct Way {
    port: Port,
    waiting: Vec<Parcel>,
    /// Packets that found no room since it could be sent last.
    dropped: u64,
}

impl Post {
    /// Of the thread `own` among all of them.
    pub(crate) fn new(own: usize, ports: &[Port]) -> Self {
        let way = |port: &Port| Way {
            port: port.clone(),
            waiting: Vec::new(),
            dropped: 0,
        };
        let ways = ports.iter().map(way).collect();
        Self { own, ways }
    }

    /// Takes something for the next [`send`](Self::send).
    pub(crate) fn put(&mut self, to: BranchId, room: RoomId, content: Content) {
        let from = branch(self.own);
        let Some(way) = thread(to).and_then(|thread| self.ways.get_mut(thread)) else {
            return;
        };
        if way.waiting.len() >= PACKETS && matches!(content, Content::Media(_)) {
            way.dropped += 1;
            return;
        }
        way.waiting.push(Parcel { room, from, content });
    }

    /// Hands everything over; says whether all of it went. What did not is to be sent again a little later.
    pub(crate) fn send(&mut self) -> bool {
        let mut is_done = true;
        for way in self.ways.iter_mut().filter(|way| !way.waiting.is_empty()) {
            match way.port.parcels.try_send(std::mem::take(&mut way.waiting)) {
                Ok(()) => {
                    let dropped = std::mem::take(&mut way.dropped);
                    if dropped > 0 {
                        warn!(dropped, "a media thread is too slow for what others pass on to it");
                    }
                    // Fails only when the thread has closed its poll, and then there is nobody to wake.
                    let _ = way.port.waker.wake();
                }
                Err(TrySendError::Full(waiting)) => {
                    way.waiting = waiting;
                    is_done = false;
                }
                // The thread has ended, and everything with it.
                Err(TrySendError::Closed(_)) => {}
            }
        }
        is_done
    }
}

/// The branch of a room on a thread.
pub(crate) fn branch(thread: usize) -> BranchId {
    BranchId(thread as u64)
}

fn thread(branch: BranchId) -> Option<usize> {
    usize::try_from(branch.0).ok()
}
