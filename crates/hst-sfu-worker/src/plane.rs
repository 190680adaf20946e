use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use str0m::IceCreds;
use tokio::sync::mpsc;
use tracing::error;

use crate::{
    Config, Foretold, MediaEvent, Room, RoomId,
    command::COMMANDS,
    event::{EVENTS, Events},
    foretold::{Early, Foretelling, MAX_ADDRESSES},
    network::Network,
    room::ThreadHandle,
    rtc::RtcFactory,
    worker::Worker,
};

/// The media threads and their sockets. Dropping it closes all connections and joins the threads.
pub struct MediaPlane {
    threads: Vec<Thread>,
    foretelling: Foretelling,
    advertise: Vec<IpAddr>,
    stop: Arc<AtomicBool>,
    next_room: AtomicU64,
}

struct Thread {
    handle: ThreadHandle,
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
        let mut plane = Self {
            threads: Vec::new(),
            foretelling: Foretelling::new(),
            advertise: advertise.clone(),
            stop: Arc::default(),
            next_room: AtomicU64::new(1),
        };
        for index in 0..config.workers.get() {
            let port = match config.first_port {
                0 => 0,
                first => u16::try_from(usize::from(first) + index)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "there are no ports after 65535"))?,
            };
            let network = Network::bind(SocketAddr::new(config.bind, port), &advertise)?;
            let local_addr = network.local_addr();
            let factory = RtcFactory::new(&advertise, local_addr.port()).map_err(io::Error::other)?;
            let (commands, commands_rx) = mpsc::channel(COMMANDS);
            let load = Arc::new(AtomicUsize::new(0));
            let events = Events::new(events.clone());
            let early = Early::new(plane.foretelling.clone());
            let (stop, load_of) = (plane.stop.clone(), load.clone());
            let (worker, waker) = Worker::new(network, factory, early, commands_rx, events, load_of, stop)?;
            let join = thread::Builder::new()
                .name(format!("hst-media-{index}"))
                .spawn(move || worker.run())?;
            let handle = ThreadHandle {
                commands,
                waker: Arc::new(waker),
                load,
            };
            plane.threads.push(Thread {
                handle,
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

    /// A new, empty room on the thread that has least to do.
    pub fn open_room(&self) -> Room {
        let id = RoomId(self.next_room.fetch_add(1, Ordering::Relaxed));
        let load = |thread: &&Thread| thread.handle.load.load(Ordering::Relaxed);
        let idlest = self
            .threads
            .iter()
            .min_by_key(load)
            .expect("there is at least one thread");
        Room::new(id, idlest.handle.clone())
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
        self.stop.store(true, Ordering::Release);
        self.threads.iter().for_each(|thread| thread.handle.wake());
        for thread in &mut self.threads {
            if thread.join.take().is_some_and(|join| join.join().is_err()) {
                error!("a media thread had panicked");
            }
        }
    }
}
