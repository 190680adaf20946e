use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use hst_sfu::BranchId;
use str0m::IceCreds;
use tokio::sync::mpsc;
use tracing::error;

use crate::{
    Config, Foretold, MediaEvent, Room, RoomId,
    command::COMMANDS,
    event::{EVENTS, Events},
    foretold::{Early, Foretelling, MAX_ADDRESSES},
    load::Load,
    negotiation::Negotiator,
    network::Network,
    orders::Orders,
    paths::candidates,
    relay::{BATCHES, Port, Post, Relay, RelayOut},
    room::{ThreadHandle, Threads},
    worker::{self, Worker},
};

/// The first number of a branch at another node; those below are of threads.
const RELAYS: u64 = 1 << 32;

/// The media threads and their sockets. Dropping it closes all connections and joins the threads.
pub struct MediaPlane {
    handles: Arc<Threads>,
    threads: Vec<Thread>,
    foretelling: Foretelling,
    advertise: Vec<IpAddr>,
    orders: Arc<Orders>,
    next_room: AtomicU64,
    next_relay: AtomicU64,
}

struct Thread {
    local_addr: SocketAddr,
    join: Option<JoinHandle<()>>,
}

impl MediaPlane {
    /// Binds the sockets and starts the threads. The events of all rooms come out of the receiver; if it is not
    /// read for long, the oldest are lost.
    ///
    /// # Errors
    /// A port is taken, an address is not this machine's or cannot be a candidate, or the system gives no socket or
    /// thread.
    pub fn start(config: Config) -> io::Result<(Self, mpsc::Receiver<MediaEvent>)> {
        let advertise = config.candidates()?;
        let (events, events_rx) = mpsc::channel(EVENTS);
        let (epoch, orders) = (Instant::now(), Arc::<Orders>::default());
        let foretelling = Foretelling::new();
        let (mut workers, mut handles) = (Vec::new(), Vec::new());
        for index in 0..config.workers.get() {
            let port = match config.first_port {
                0 => 0,
                first => u16::try_from(usize::from(first) + index)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "there are no ports after 65535"))?,
            };
            let mut network = Network::bind(SocketAddr::new(config.bind, port))?;
            let local_addr = network.local_addr();
            let candidates = candidates(&advertise, local_addr.port())?;
            let (commands, commands_rx) = mpsc::channel(COMMANDS);
            let (parcels, parcels_rx) = mpsc::channel(BATCHES);
            let load = Arc::new(Load::new(epoch));
            let early = Early::new(foretelling.clone());
            let inboxes = (commands_rx, parcels_rx);
            let outlets = (Events::new(events.clone()), load.clone(), orders.clone());
            let (poll, waker) = worker::open(&mut network)?;
            let port = Port::into_thread(parcels, Arc::new(waker));
            handles.push(ThreadHandle { commands, port, load });
            let worker = move || Worker::new(Instant::now(), (poll, network), candidates, early, inboxes, outlets);
            workers.push((worker, local_addr));
        }
        let full = config.full;
        let mut plane = Self {
            handles: Arc::new(Threads {
                handles,
                full,
                negotiator: Negotiator::new().map_err(io::Error::other)?,
            }),
            threads: Vec::new(),
            foretelling,
            advertise,
            orders,
            next_room: AtomicU64::new(1),
            next_relay: AtomicU64::new(RELAYS),
        };
        // From here on, threads that have started end with the plane.
        for (index, (worker, local_addr)) in workers.into_iter().enumerate() {
            let post = Post::new(index, plane.handles.handles.iter().map(|thread| thread.port.clone()));
            let join = thread::Builder::new()
                .name(format!("hst-media-{index}"))
                .spawn(move || worker().run(post))?;
            plane.threads.push(Thread {
                local_addr,
                join: Some(join),
            });
        }
        Ok((plane, events_rx))
    }

    /// The address of each thread's socket.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.threads.iter().map(|thread| thread.local_addr).collect()
    }

    /// What the answer to the first offer under this name will say ([`Room::offer_foretold`]); `None` where it would not be
    /// clear which way a client must take: where there are several addresses, one of which he may not reach, and where there
    /// are more than sixteen threads.
    ///
    /// Who knows a name's credentials can connect in its place: tell each to nobody but its client.
    pub fn foretell(&self, name: u64) -> Option<Foretold> {
        let ports = self.threads.iter().map(|thread| thread.local_addr.port());
        let on = |port| self.advertise.iter().map(move |&ip| SocketAddr::new(ip, port));
        let addresses: Vec<_> = ports.flat_map(on).collect();
        let credentials = self.foretelling.credentials(name);
        let IceCreds { ufrag, pass } = credentials.ice().clone();
        let is_clear = self.advertise.len() == 1 && addresses.len() <= MAX_ADDRESSES;
        is_clear.then_some(Foretold {
            ufrag,
            password: pass,
            addresses,
        })
    }

    /// All who publish here are going to other nodes: when one of those has a track, too, that is where it goes on.
    pub fn leave(&self) {
        self.orders.leave();
    }

    /// How busy the threads are together, in thousandths of what they can do.
    pub fn load(&self) -> u32 {
        let levels = self.handles.levels();
        let mean = levels.iter().sum::<usize>() / levels.len().max(1);
        u32::try_from(mean).unwrap_or(u32::MAX)
    }

    /// The way to another node, where rooms of this plane have branches.
    pub fn relay(&self) -> (Relay, RelayOut) {
        let branch = BranchId(self.next_relay.fetch_add(1, Ordering::Relaxed));
        let (out, parcels) = mpsc::channel(BATCHES);
        (Relay::new(branch, out), RelayOut::new(parcels))
    }

    /// A new, empty room on the thread that has least to do.
    pub fn open_room(&self) -> Room {
        let id = RoomId(self.next_room.fetch_add(1, Ordering::Relaxed));
        Room::new(id, self.handles.clone())
    }
}

impl fmt::Debug for MediaPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaPlane")
            .field("local_addrs", &self.local_addrs())
            .finish_non_exhaustive()
    }
}

impl Drop for MediaPlane {
    fn drop(&mut self) {
        self.orders.stop();
        self.handles.wake_all();
        for thread in &mut self.threads {
            if thread.join.take().is_some_and(|join| join.join().is_err()) {
                error!("a media thread had panicked");
            }
        }
    }
}
