//! A room that has grown over one thread, or one node.

use super::*;
use crate::relay::{BATCHES, Parcel, Port, Post, branch, read, write};

/// A media thread without its sockets, and what it tells.
pub(super) struct Thread {
    pub(super) worker: Worker,
    pub(super) events: mpsc::Receiver<MediaEvent>,
    parcels: mpsc::Sender<Vec<Parcel>>,
    /// What the other has sent to it.
    post: mpsc::Sender<Vec<Parcel>>,
    posted: mpsc::Receiver<Vec<Parcel>>,
    /// Which version of links both speak, if they are at two nodes.
    version: Option<u16>,
}

impl Thread {
    pub(super) fn new(now: Instant, alive: &Arc<()>) -> Self {
        // Of the network only the outbox is used.
        let ip = Ipv4Addr::LOCALHOST.into();
        let mut network = Network::bind((ip, 0).into()).expect("loopback");
        network.hold();
        let server = network.local_addr();
        let candidates = candidates(&[ip], server.port()).expect("candidates");
        let (_, commands) = mpsc::channel(1);
        let (sender, events) = mpsc::channel(crate::event::EVENTS);
        let (parcels, taken) = mpsc::channel(1);
        let (post, posted) = mpsc::channel(BATCHES);
        let load = Arc::new(Load::new(now));
        let early = Early::new(Foretelling::new());
        let (poll, _) = worker::open(&mut network).expect("a poll");
        let mut worker = Worker::new(
            now,
            (poll, network),
            candidates,
            early,
            (commands, taken),
            (Events::new(sender), load, Arc::default()),
        );
        let room = RoomState::new(Arc::downgrade(alive), Arc::default());
        worker.rooms.insert(ROOM, room);
        Self {
            worker,
            events,
            parcels,
            post,
            posted,
            version: None,
        }
    }
}

impl World {
    /// Who publishes is on one thread, and who receives on another, or at another node that speaks this version of links.
    pub(super) fn spread(&mut self, version: Option<u16>) {
        let now = self.now;
        let other = self.other.insert(Thread::new(now, &self.alive));
        let ports = [&self.thread, other].map(|thread| Port::outside(thread.post.clone()));
        for (at, thread) in [&mut self.thread, other].into_iter().enumerate() {
            let neighbour = 1 - at;
            thread.version = version;
            thread.worker.post = Post::new(at, ports.iter().cloned());
            thread
                .worker
                .meet(now, ROOM, branch(neighbour), ports[neighbour].clone());
        }
    }

    /// The other thread does what is due, with what has arrived there, and both take what they have to say to each other.
    pub(super) fn work_elsewhere(&mut self, arrived: &[(Remote, Vec<u8>)]) {
        let now = self.now;
        let Some(other) = &mut self.other else { return };
        self.thread.worker.post.send();
        other.take_post(now);
        work(&mut other.worker, now, arrived);
        other.worker.post.send();
        self.thread.take_post(now);
        work(&mut self.thread.worker, now, &[]);
    }
}

impl Thread {
    /// Takes what the other has sent: at another node that is what was written and read.
    fn take_post(&mut self, now: Instant) {
        while let Ok(parcels) = self.posted.try_recv() {
            let parcels = match self.version {
                None => parcels,
                Some(version) => parcels
                    .into_iter()
                    .filter_map(|it| as_written(now, version, it))
                    .collect(),
            };
            self.parcels.try_send(parcels).expect("it takes them at once");
            self.worker.receive_parcels(now);
        }
    }
}

fn as_written(now: Instant, version: u16, Parcel { room, from, content }: Parcel) -> Option<Parcel> {
    let mut bytes = Vec::new();
    write(now, &content, version, &mut bytes);
    // What the version does not know is not sent.
    let content = (!bytes.is_empty()).then(|| read(now, &bytes).expect("what was written"))?;
    Some(Parcel { room, from, content })
}
