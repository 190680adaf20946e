use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    end::End,
    frame::{Address, Frame, What},
};
use crate::{Bus, Delivery, Owner, Subscription, Unavailable};

/// Frames that wait for one end of a pipe. When it is full, further ones are lost, and sent again.
const FRAMES: usize = 512;
/// Pipes that others have begun and have not said a second word about. When there are more, the oldest is forgotten: who still
/// wants it begins it again.
const BEGUN: usize = 256;

/// A process's ends of all its pipes. A clone is the same.
#[derive(Clone)]
pub struct Pipes(Arc<Shared>);

struct Shared {
    bus: Arc<dyn Bus>,
    own: Address,
    last: AtomicU64,
    /// A lock, because pipes begin and end on all threads; held for one look-up.
    ends: Mutex<Ends>,
}

/// The ends that somebody holds.
#[derive(Default)]
struct Ends {
    by_number: HashMap<u64, Known>,
    /// Those of pipes that others have begun, by how these call them.
    by_opener: HashMap<(Address, u64), u64>,
}

struct Known {
    peer: Address,
    frames: mpsc::Sender<Frame>,
}

/// What comes for this process's ends, and the pipes that others begin.
pub struct Arrivals {
    pipes: Pipes,
    subscription: Box<dyn Subscription>,
    begun: VecDeque<Begun>,
    /// What is to be told a process, until the bus has it.
    answer: Option<(Address, Bytes)>,
}

/// A pipe that may be a late message's. It becomes one when its other end names it.
struct Begun {
    own: u64,
    peer: Address,
    number: u64,
    greeting: Bytes,
}

/// One end of a pipe.
///
/// Nothing moves but while [`next`](Self::next) is waited for. Dropped without [`close`](Self::close), it lets the other end
/// find out by its next word, or within seconds.
pub struct Pipe {
    pipes: Pipes,
    own: u64,
    peer: Address,
    end: End,
    frames: mpsc::Receiver<Frame>,
    /// What the bus has not taken yet.
    outgoing: Option<Bytes>,
    /// How many deliveries were told.
    told: u64,
}

/// What comes of waiting for a pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a pipe moves in two directions, and ends")]
pub enum News {
    /// The next message of the other end.
    Message(Bytes),
    /// So many of one's own have come out there by now.
    Delivered(u64),
    /// The other end is gone, or has been silent for long. What was not delivered may have come out there or not.
    Ended,
}

impl Pipes {
    /// Those of this process, in whichever of its lives.
    pub fn new(bus: Arc<dyn Bus>, own: &Owner) -> Self {
        Self(Arc::new(Shared {
            bus,
            own: Address::from(own),
            last: AtomicU64::new(0),
            ends: Mutex::default(),
        }))
    }

    /// Makes this process one that pipes lead to. Before it, and without it, nothing comes by any of them. To be called once.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn listen(&self) -> Result<Arrivals, Unavailable> {
        let subscription = self.0.bus.subscribe(&self.0.own.subject().into()).await?;
        Ok(Arrivals {
            pipes: self.clone(),
            subscription,
            begun: VecDeque::new(),
            answer: None,
        })
    }

    /// Begins a pipe to another process. What is pushed before it has answered waits for that.
    pub fn connect(&self, to: &Owner, greeting: Bytes) -> Pipe {
        let end = End::open(now(), greeting);
        self.hold(self.next_number(), to.into(), end)
    }

    /// A process is known to be dead: all pipes to it end.
    pub fn bury(&self, dead: &Owner) {
        let dead = Address::from(dead);
        // Whoever waits for one of them learns that nothing comes any more.
        self.lock().by_number.retain(|_, known| known.peer != dead);
    }

    fn next_number(&self) -> u64 {
        1 + self.0.last.fetch_add(1, Ordering::Relaxed)
    }

    fn hold(&self, own: u64, peer: Address, end: End) -> Pipe {
        let (to_pipe, frames) = mpsc::channel(FRAMES);
        let known = Known {
            peer: peer.clone(),
            frames: to_pipe,
        };
        self.lock().by_number.insert(own, known);
        Pipe {
            pipes: self.clone(),
            own,
            peer,
            end,
            frames,
            outgoing: None,
            told: 0,
        }
    }

    fn encode(&self, from: u64, to: u64, what: What) -> Bytes {
        let sender = self.0.own.clone();
        Frame { sender, from, to, what }.to_bytes()
    }

    async fn publish(&self, to: &Address, frame: Bytes) -> Result<(), Unavailable> {
        self.0.bus.publish(&to.subject(), frame).await
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        // Every entry is whole whenever the lock is free.
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    /// Hands what comes to the ends that it is for, until another process has begun a pipe: that one with its greeting.
    /// Somebody must wait here for as long as pipes are to work.
    ///
    /// Cancel-safe.
    pub async fn next(&mut self) -> (Pipe, Bytes) {
        loop {
            if let Some((to, frame)) = &self.answer {
                // Who hears nothing asks again.
                let _ = self.pipes.publish(to, frame.clone()).await;
                self.answer = None;
            }
            let Delivery::Message(message) = self.subscription.next().await else {
                // Whatever it was, it is sent again.
                continue;
            };
            let Some(frame) = Frame::read(message.payload) else {
                tracing::warn!("what has come for a pipe is not understood");
                continue;
            };
            if let Some(begun) = self.handle(frame) {
                return begun;
            }
        }
    }

    fn handle(&mut self, frame: Frame) -> Option<(Pipe, Bytes)> {
        let (from, to) = (frame.from, frame.to);
        if let What::Open { greeting } = frame.what {
            self.begin(frame.sender, from, greeting);
            return None;
        }
        if let Some(known) = self.pipes.lock().by_number.get(&to) {
            // One that has too much to read is sent it again.
            let _ = known.frames.try_send(frame);
            return None;
        }
        let is_it = |begun: &Begun| begun.own == to && begun.number == from && begun.peer == frame.sender;
        if let Some(at) = self.begun.iter().position(is_it) {
            let Begun {
                own, peer, greeting, ..
            } = self.begun.remove(at)?;
            if frame.what == What::End {
                return None;
            }
            self.pipes.lock().by_opener.insert((peer.clone(), from), own);
            let mut pipe = self.pipes.hold(own, peer, End::accept(from));
            pipe.end.handle(now(), from, frame.what);
            return Some((pipe, greeting));
        }
        if frame.what != What::End {
            self.answer = Some((frame.sender, self.pipes.encode(to, from, What::End)));
        }
        None
    }

    /// Answers whoever wants to begin a pipe. It begins when he names the answer's number: one that is late or doubled
    /// begins none.
    fn begin(&mut self, peer: Address, number: u64, greeting: Bytes) {
        let opener = (peer, number);
        let known = self.pipes.lock().by_opener.get(&opener).copied();
        let (peer, number) = opener;
        let begun = self
            .begun
            .iter()
            .find(|begun| begun.number == number && begun.peer == peer);
        let own = known.or(begun.map(|begun| begun.own)).unwrap_or_else(|| {
            let own = self.pipes.next_number();
            if self.begun.len() >= BEGUN {
                self.begun.pop_front();
            }
            self.begun.push_back(Begun {
                own,
                peer: peer.clone(),
                number,
                greeting,
            });
            own
        });
        let nothing_yet = What::Ack {
            next: 1,
            missing: Vec::new(),
        };
        self.answer = Some((peer, self.pipes.encode(own, number, nothing_yet)));
    }
}

impl Pipe {
    /// Whether a message can be pushed.
    pub fn has_room(&self) -> bool {
        self.end.has_room()
    }

    /// Puts a message in, and gives its number, counted from 1; in the order of pushing they come out of the other end. Only
    /// while it [has room](Self::has_room).
    pub fn push(&mut self, message: Bytes) -> u64 {
        debug_assert!(self.has_room(), "who pushes asks first");
        self.end.push(now(), message)
    }

    /// Moves what was pushed, and waits for what comes. After [`News::Ended`] nothing comes any more.
    ///
    /// A message counts as delivered to this end when it is returned: whoever does not ask for more holds the other end up.
    ///
    /// Cancel-safe.
    pub async fn next(&mut self) -> News {
        loop {
            if let Some(message) = self.end.pop() {
                return News::Message(message);
            }
            if self.end.is_over() {
                return News::Ended;
            }
            let delivered = self.end.delivered();
            if delivered > self.told {
                self.told = delivered;
                return News::Delivered(delivered);
            }
            // What has come by now is answered at once.
            if let Ok(frame) = self.frames.try_recv() {
                self.end.handle(now(), frame.from, frame.what);
                continue;
            }
            if self.transmit().await {
                continue;
            }
            let due = self.end.poll_timeout();
            let timeout = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                frame = self.frames.recv() => match frame {
                    Some(frame) => self.end.handle(now(), frame.from, frame.what),
                    None => return News::Ended,
                },
                () = timeout => self.end.handle_timeout(now()),
            }
        }
    }

    /// Ends it, and lets the other end know. What was not delivered is lost.
    pub async fn close(self) {
        if let Some(peer) = self.end.peer() {
            let end = self.pipes.encode(self.own, peer, What::End);
            // Who does not hear it learns it by its next word, or sign of life.
            let _ = self.pipes.publish(&self.peer, end).await;
        }
    }

    /// Sends one frame, if there is one to be sent. Dropped half-way, the frame is sent by the next call.
    async fn transmit(&mut self) -> bool {
        if self.outgoing.is_none() {
            let what = self.end.poll_transmit(now());
            self.outgoing = what.map(|what| self.pipes.encode(self.own, self.end.peer().unwrap_or_default(), what));
        }
        let Some(frame) = &self.outgoing else { return false };
        if self.pipes.publish(&self.peer, frame.clone()).await.is_err() {
            self.end.handle_unsent(now());
        }
        self.outgoing = None;
        true
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut ends = self.pipes.lock();
        ends.by_number.remove(&self.own);
        if let Some(peer) = self.end.peer() {
            ends.by_opener.remove(&(self.peer.clone(), peer));
        }
    }
}

impl fmt::Debug for Pipes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pipes").field(&self.0.own).finish()
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals")
            .field("at", &self.pipes.0.own)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("peer", &self.peer)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
