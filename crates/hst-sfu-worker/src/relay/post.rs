use std::sync::Arc;

use hst_sfu::{BranchId, Word};
use mio::Waker;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc::{self, error::TrySendError};
use tracing::warn;

use crate::{RoomId, media::Media, protected::Covered};

/// How many batches may wait for a thread or a node. When it is full, what follows waits at its sender.
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
    /// Some of the packets before it are protected.
    Covered(Covered),
}

impl Content {
    /// Whether it must arrive; media and what goes with them need not.
    pub(crate) fn must_arrive(&self) -> bool {
        matches!(self, Self::Word(_))
    }
}

/// The way to another thread, or out of this plane.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    parcels: mpsc::Sender<Vec<Parcel>>,
    /// Wakes the thread.
    waker: Option<Arc<Waker>>,
}

impl Port {
    pub(crate) fn into_thread(parcels: mpsc::Sender<Vec<Parcel>>, waker: Arc<Waker>) -> Self {
        let waker = Some(waker);
        Self { parcels, waker }
    }

    pub(crate) fn outside(parcels: mpsc::Sender<Vec<Parcel>>) -> Self {
        Self { parcels, waker: None }
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            // Fails only when the thread has closed its poll, and then there is nobody to wake.
            let _ = waker.wake();
        }
    }

    fn try_send(&self, parcels: Vec<Parcel>) -> Result<(), TrySendError<Vec<Parcel>>> {
        self.parcels.try_send(parcels)?;
        self.wake();
        Ok(())
    }

    /// Sends them; where there is no room, packets are dropped, and words wait for it.
    pub(crate) async fn deliver(&self, parcels: Vec<Parcel>) {
        let Err(TrySendError::Full(mut parcels)) = self.try_send(parcels) else {
            return;
        };
        parcels.retain(|parcel| parcel.content.must_arrive());
        if !parcels.is_empty() && self.parcels.send(parcels).await.is_ok() {
            self.wake();
        }
    }
}

/// A thread's ways out to others: never blocks.
#[derive(Debug, Default)]
pub(crate) struct Post {
    own: BranchId,
    ways: FxHashMap<BranchId, Way>,
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
    pub(crate) fn new(own: usize, ports: impl Iterator<Item = Port>) -> Self {
        let mut post = Self {
            own: branch(own),
            ways: FxHashMap::default(),
        };
        ports
            .enumerate()
            .for_each(|(thread, port)| post.open(branch(thread), port));
        post
    }

    /// There is a way to this branch from now on, if there was none.
    pub(crate) fn open(&mut self, to: BranchId, port: Port) {
        self.ways.entry(to).or_insert_with(|| Way {
            port,
            waiting: Vec::new(),
            dropped: 0,
        });
    }

    /// Whether there is a way to this branch.
    pub(crate) fn leads_to(&self, branch: BranchId) -> bool {
        self.ways.contains_key(&branch)
    }

    /// Takes something for the next [`send`](Self::send).
    pub(crate) fn put(&mut self, to: BranchId, room: RoomId, content: Content) {
        let from = self.own;
        let Some(way) = self.ways.get_mut(&to) else { return };
        if way.waiting.len() >= PACKETS && !content.must_arrive() {
            way.dropped += 1;
            return;
        }
        way.waiting.push(Parcel { room, from, content });
    }

    /// Hands everything over; says whether all of it went. What did not is to be sent again a little later.
    pub(crate) fn send(&mut self) -> bool {
        let mut is_done = true;
        self.ways.retain(|_, way| {
            if way.waiting.is_empty() {
                return true;
            }
            match way.port.try_send(std::mem::take(&mut way.waiting)) {
                Ok(()) => {
                    let dropped = std::mem::take(&mut way.dropped);
                    if dropped > 0 {
                        warn!(dropped, "packets for another branch of a room found no room");
                    }
                }
                Err(TrySendError::Full(waiting)) => {
                    way.waiting = waiting;
                    is_done = false;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
            true
        });
        is_done
    }
}

/// The branch of a room on a thread.
pub(crate) fn branch(thread: usize) -> BranchId {
    BranchId(thread as u64)
}
