use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use crate::{Client, LoadError, Tally, desk::Desk, overflow::overflowed, processor::processor_time};

/// How often sockets are emptied: so seldom that each time there is much, and so often that all of it fits them; and how often while
/// not all are connected, which takes several answers.
pub(crate) const REST: Duration = Duration::from_millis(5);
const CONNECTING: Duration = Duration::from_millis(1);
/// How much news of sockets is taken at a time.
const NEWS: usize = 1024;

/// When clients send, and how much.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "whoever measures fills it in")]
pub struct Pace {
    /// Between one burst and the next.
    pub every: Duration,
    /// The packets of a burst.
    pub burst: usize,
    /// The payload of each, in bytes; at least 14.
    pub size: usize,
}

/// Clients in a thread of their own. Dropping it ends them.
#[derive(Debug)]
pub struct Crowd {
    shared: Arc<Shared>,
    count: usize,
    thread: Option<JoinHandle<io::Result<Tally>>>,
}

#[derive(Debug, Default)]
struct Shared {
    phase: AtomicU8,
    connected: AtomicUsize,
    received: AtomicU64,
    /// Between one burst and the next, in nanoseconds.
    interval: AtomicU64,
}

impl Shared {
    fn set_interval(&self, interval: Duration) {
        self.interval.store(interval.as_nanos() as u64, Ordering::Release);
    }
}

/// What the clients do, once they are connected.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Phase {
    Send = 1,
    Count,
    /// They still take what is under way, but send nothing more.
    Listen,
    End,
}

impl Crowd {
    /// Starts a thread, in which the clients connect and then wait.
    ///
    /// # Errors
    /// The system gives no thread or takes no socket.
    pub fn start(name: &str, clients: Vec<Client>, pace: Pace) -> Result<Self, LoadError> {
        let shared = Arc::new(Shared::default());
        shared.set_interval(pace.every);
        let count = clients.len();
        let driven = shared.clone();
        let run = move || drive(clients, pace, &driven);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self {
            shared,
            count,
            thread: Some(thread),
        })
    }

    /// How many clients there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many of them are connected.
    pub fn connected(&self) -> usize {
        self.shared.connected.load(Ordering::Acquire)
    }

    /// How many packets have come since [`count`](Self::count), as of a moment ago.
    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Acquire)
    }

    /// Has them send.
    pub fn send(&self) {
        self.enter(Phase::Send);
    }

    /// Has them send at this interval from now on.
    pub fn send_every(&self, interval: Duration) {
        self.shared.set_interval(interval);
    }

    /// Has them count what comes from now on.
    pub fn count(&self) {
        self.enter(Phase::Count);
    }

    /// Has them send no more, and only take what comes.
    pub fn listen(&self) {
        self.enter(Phase::Listen);
    }

    /// Ends them and says what came since [`count`](Self::count).
    ///
    /// # Errors
    /// Their thread has ended before by a fault.
    pub fn end(mut self) -> Result<Tally, LoadError> {
        self.enter(Phase::End);
        let thread = self.thread.take().ok_or(LoadError::Panicked)?;
        Ok(thread.join().map_err(|_| LoadError::Panicked)??)
    }

    fn enter(&self, phase: Phase) {
        self.shared.phase.store(phase as u8, Ordering::Release);
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.enter(Phase::End);
    }
}

fn drive(mut clients: Vec<Client>, mut pace: Pace, shared: &Shared) -> io::Result<Tally> {
    let mut poll = Poll::new()?;
    for (place, client) in clients.iter_mut().enumerate() {
        let registry = poll.registry();
        registry.register(&mut client.socket, Token(place), Interest::READABLE)?;
    }
    let mut ready = Events::with_capacity(NEWS);
    let mut desk = Desk::new();
    // They send one after the other, as whoever is independent does.
    let senders: Vec<_> = (0..clients.len()).filter(|&place| clients[place].sends()).collect();
    let (mut next_sender, mut next_burst) = (0, Instant::now());
    let mut next_timeout = Instant::now();
    let mut count = None;
    loop {
        let phase = shared.phase.load(Ordering::Acquire);
        if phase == Phase::End as u8 {
            break;
        }
        if phase == Phase::Count as u8 && count.is_none() {
            clients.iter_mut().for_each(Client::begin_count);
            desk.tally = Tally::default();
            count = Some(Count::begin(&clients));
        }
        pace.every = Duration::from_nanos(shared.interval.load(Ordering::Acquire));
        let now = Instant::now();
        let is_connecting = shared.connected.load(Ordering::Relaxed) < clients.len();
        let mut wake_at = now + if is_connecting { CONNECTING } else { REST };
        if phase == Phase::Send as u8 || phase == Phase::Count as u8 {
            while next_burst <= now && !senders.is_empty() {
                clients[senders[next_sender]].send(&pace, &mut desk);
                next_sender = (next_sender + 1) % senders.len();
                // Who comes too late does not hurry after: that would be another load.
                next_burst = (next_burst + pace.every / senders.len() as u32).max(now);
            }
            if !senders.is_empty() {
                wake_at = wake_at.min(next_burst);
            }
        } else {
            next_burst = now;
        }
        if next_timeout <= now {
            for (place, client) in clients.iter_mut().enumerate() {
                client.handle_timeout(now, place, &mut desk);
            }
            next_timeout = clients.iter().map(Client::wake_at).min().unwrap_or(wake_at);
            let connected = clients.iter().filter(|client| client.is_connected()).count();
            shared.connected.store(connected, Ordering::Release);
        }
        if count.is_some() {
            shared.received.store(desk.tally.received, Ordering::Release);
        }
        // Nobody is woken by what comes, which says itself when it came: many sockets are emptied at a time, and who sends to them
        // does not pay for it.
        thread::sleep(wake_at.saturating_duration_since(Instant::now()));
        match poll.poll(&mut ready, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &ready {
            let place = event.token().0;
            clients[place].receive(place, &mut desk);
            next_timeout = next_timeout.min(clients[place].wake_at());
        }
    }
    let mut tally = desk.tally;
    if let Some(count) = count {
        count.end(&clients, &mut tally);
    }
    Ok(tally)
}

/// Where the system's counters stood when counting began.
struct Count {
    processor: Duration,
    overflowed: Option<u64>,
}

impl Count {
    fn begin(clients: &[Client]) -> Self {
        Self {
            overflowed: overflowed(clients.iter().map(Client::port)),
            processor: processor_time(),
        }
    }

    fn end(self, clients: &[Client], tally: &mut Tally) {
        tally.spent = processor_time().saturating_sub(self.processor);
        tally.busy = tally.spent;
        let all = overflowed(clients.iter().map(Client::port));
        tally.overflowed = all.zip(self.overflowed).map(|(now, then)| now.saturating_sub(then));
        clients.iter().for_each(|client| client.add_lost(tally));
    }
}
