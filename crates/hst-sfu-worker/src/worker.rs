use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use hst_framing::MAX_FRAME;
use hst_sfu::{BranchId, LineId, Output};
use mio::{Poll, Token, Waker};
use quinn_udp::BATCH_SIZE;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::{
    MediaEvent, RoomId,
    command::Command,
    demux::{Demux, Owner, TransportId},
    egress::Sent,
    event::Events,
    foretold::Early,
    load::{Load, Shift},
    media::{Media, Passing},
    network::{Datagram, Inbox, Network},
    orders::Orders,
    protected::Covered,
    relay::{Content, Parcel, Post},
    room_state::{Published, RoomState},
    sending::{Queued, Sending},
    slot::Change,
    timers::Timers,
    transport::{Happening, Transport},
};

mod connections;
mod control;
mod figures;
mod flushing;
mod foresight;
mod protecting;
mod relaying;
#[cfg(test)]
mod simulation;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
/// The TCP listener; its connections have the tokens behind it.
const STREAMS: Token = Token(2);
/// How much news the kernel may have at a time; the rest comes with the next look.
const NEWS: usize = 64;
/// The largest datagram that is looked at. Nothing honest is larger than an Ethernet frame, and a larger one could
/// carry more requests than we want to answer at a time.
const MAX_DATAGRAM: usize = MAX_FRAME;
/// The shortest time between two wake-ups of a connection: a timer that never moves on must not stop the thread.
const TICK: Duration = Duration::from_millis(1);
/// How often the socket is looked at before what has come goes on, while little comes each time.
const TRICKLE: usize = 16;
/// How soon events are offered again to a reader who had no room for them.
const EVENT_RETRY: Duration = Duration::from_millis(20);

/// A media thread: its socket, and everything about the rooms on it.
#[derive(Debug)]
pub(crate) struct Worker {
    poll: Poll,
    network: Network,
    candidates: Arc<str>,
    commands: mpsc::Receiver<Command>,
    /// What comes from other threads, and what goes to them.
    parcels: mpsc::Receiver<Vec<Parcel>>,
    post: Post,
    events: Events,
    load: Arc<Load>,
    orders: Arc<Orders>,
    rooms: FxHashMap<RoomId, RoomState>,
    /// Boxed, because each is large, and maps keep room for more than there are.
    transports: FxHashMap<TransportId, Box<Transport>>,
    demux: Demux,
    early: Early,
    timers: Timers<Timer>,
    next_transport: u64,
    /// The rooms that have packets which have not gone on yet.
    busy: Vec<RoomId>,
    /// For sending them, so that it is allocated once.
    sending: Sending,
    /// What publishers have protected since then.
    covered: Vec<(RoomId, Covered)>,
    /// Who has something to send beside packets of rooms.
    dirty: Vec<TransportId>,
    /// What the transport driven last has told.
    happenings: Vec<Happening>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    Transport(TransportId),
    Room(RoomId),
    /// It is time to look after the TCP connections.
    Streams,
}

/// What tells a thread that there is something for it, and what others wake it with.
pub(crate) fn open(network: &mut Network) -> io::Result<(Poll, Waker)> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    network.register(poll.registry(), SOCKET, STREAMS)?;
    Ok((poll, waker))
}

impl Worker {
    /// Made on its thread, which it never leaves: what its receivers share needs no lock.
    pub(crate) fn new(
        now: Instant,
        (poll, network): (Poll, Network),
        candidates: Arc<str>,
        early: Early,
        (commands, parcels): (mpsc::Receiver<Command>, mpsc::Receiver<Vec<Parcel>>),
        (events, load, orders): (Events, Arc<Load>, Arc<Orders>),
    ) -> Self {
        Self {
            poll,
            network,
            candidates,
            commands,
            parcels,
            post: Post::default(),
            events,
            load,
            orders,
            rooms: FxHashMap::default(),
            transports: FxHashMap::default(),
            demux: Demux::default(),
            early,
            timers: Timers::new(now),
            next_transport: 0,
            busy: Vec::new(),
            sending: Sending::default(),
            covered: Vec::new(),
            dirty: Vec::new(),
            happenings: Vec::new(),
        }
    }

    /// Works until it is told to stop. The post leads to the other threads.
    pub(crate) fn run(mut self, post: Post) {
        self.post = post;
        let mut shift = Shift::begin(Instant::now());
        let mut ready = mio::Events::with_capacity(NEWS);
        let mut inbox = Inbox::new();
        let mut frame = Vec::new();
        // The poll tells only once that there is something, so everything must be taken before waiting again.
        let (mut has_datagrams, mut has_frames, mut has_commands, mut has_parcels) = (true, true, true, true);
        while !self.orders.is_stopping() {
            let timeout = if has_datagrams || has_frames || has_commands || has_parcels {
                Some(Duration::ZERO)
            } else {
                self.next_timeout()
            };
            let before = Instant::now();
            match self.poll.poll(&mut ready, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    warn!(%error, "a media thread cannot wait for its socket and gives up");
                    break;
                }
                _ => {}
            }
            for event in &ready {
                match event.token() {
                    SOCKET => has_datagrams = true,
                    WAKER => (has_commands, has_parcels) = (true, true),
                    STREAMS => {
                        self.network.streams.handle_callers();
                        has_frames = true;
                    }
                    _ => {
                        self.network.streams.handle_event(event);
                        has_frames = true;
                    }
                }
            }

            let now = Instant::now();
            shift.pause(before, now, &self.load);
            if has_parcels {
                has_parcels = self.receive_parcels(now);
            }
            if has_datagrams {
                has_datagrams = self.receive(now, &mut inbox);
            }
            if has_frames {
                has_frames = self.receive_frames(now, &mut frame);
            }
            self.handle_timers(now);
            if has_commands {
                has_commands = self.handle_commands(now);
            }
            self.flush(now);
        }
        let now = Instant::now();
        let transports: Vec<_> = self.transports.keys().copied().collect();
        transports
            .into_iter()
            .for_each(|id| self.remove_transport(now, id, None));
        self.network.flush(|destination| self.demux.local_ip(destination));
    }

    fn next_timeout(&mut self) -> Option<Duration> {
        let events = if self.events.flush() { None } else { Some(EVENT_RETRY) };
        let parcels = if self.post.send() { None } else { Some(TICK) };
        let timer = self
            .timers
            .next()
            .map(|at| at.saturating_duration_since(Instant::now()));
        events.into_iter().chain(parcels).chain(timer).min()
    }

    /// Takes what comes from the socket, until there is nothing more or much already; says whether there may be more. So the
    /// packets of a picture go on together, whose sender needs about as long for one as we do.
    fn receive(&mut self, now: Instant, inbox: &mut Inbox) -> bool {
        for _ in 0..TRICKLE {
            match self.network.receive(inbox) {
                Ok(filled) => {
                    if filled > 1 {
                        self.foresee_reports(inbox.sources(filled));
                    }
                    inbox
                        .datagrams(filled)
                        .for_each(|datagram| self.handle_datagram(now, datagram));
                    if filled == BATCH_SIZE {
                        return true;
                    }
                }
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        debug!(%error, "nothing received");
                    }
                    return false;
                }
            }
        }
        true
    }

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Datagram {
            source,
            local_ip,
            bytes,
        } = datagram;
        if bytes.len() > MAX_DATAGRAM {
            return;
        }
        let Some(owner) = self.demux.owner(source, bytes) else {
            return self.early.keep(now, datagram);
        };
        let (Owner::Known(id) | Owner::Claimed(id)) = owner;
        let Some(transport) = self.transports.get_mut(&id) else {
            return;
        };
        if let Owner::Claimed(id) = owner {
            let Some(proved) = transport.proves(now, source, bytes) else {
                return;
            };
            if let Some(dropped) = proved.dropped {
                self.demux.disprove(dropped, id);
                self.network.disconnect(dropped);
            }
            self.demux.prove(source, id, local_ip);
            self.network.connect(source);
        }
        if transport.receive(now, source, bytes, self.network.outbox(), &mut self.happenings) {
            self.settle(now, id);
        }
    }

    fn handle_timers(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                Timer::Transport(id) => {
                    if let Some(transport) = self.transports.get_mut(&id) {
                        transport.tick(now, self.network.outbox(), &mut self.happenings);
                        self.settle(now, id);
                    }
                }
                Timer::Room(id) => {
                    if let Some(room) = self.rooms.get_mut(&id) {
                        room.router.handle_timeout(now);
                        self.route(now, id);
                    }
                }
                Timer::Streams => self.look_after_streams(now),
            }
            self.flush_full();
        }
    }

    /// Sees to everything that a transport has told while it was driven.
    fn settle(&mut self, now: Instant, id: TransportId) {
        let mut happenings = std::mem::take(&mut self.happenings);
        for happening in happenings.drain(..) {
            let Some(transport) = self.transports.get(&id) else {
                break;
            };
            let (room_id, peer, generation) = (transport.room, transport.peer, transport.generation);
            match happening {
                Happening::Connected => {
                    self.events.push(MediaEvent::Connected {
                        room: room_id,
                        peer,
                        generation,
                    });
                    for change in transport.carried().collect::<Vec<_>>() {
                        if let Change::Carry { slot, track, formats } = change {
                            self.carry(now, room_id, LineId { peer, slot }, track, formats);
                        }
                    }
                }
                Happening::Media(media) => self.handle_media(now, room_id, id, media),
                Happening::Protected(repairs) => self.cover(room_id, id, &repairs),
                Happening::KeyframeRequest { slot } => {
                    if let Some(room) = self.rooms.get_mut(&room_id) {
                        room.router.handle_keyframe_request(now, LineId { peer, slot });
                        self.route(now, room_id);
                    }
                }
                Happening::GivenUp(lost) => self.ask_in_place_of(now, room_id, id, lost),
                Happening::Budget(budget) => {
                    if let Some(room) = self.rooms.get_mut(&room_id) {
                        room.router.set_budget(now, peer, budget);
                        self.route(now, room_id);
                    }
                }
                Happening::Lost(reason) => self.remove_transport(now, id, Some(reason)),
            }
        }
        // Nothing above drives a transport that could tell more; the allocation is for the next time.
        self.happenings = happenings;
        self.schedule(now, id);
    }

    fn handle_media(&mut self, now: Instant, room_id: RoomId, id: TransportId, media: Arc<Media>) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        let Some(published) = room.published.get_mut(&media.track).filter(|it| it.transport == id) else {
            return;
        };
        published.packets += 1;
        published.bytes += media.payload.len() as u64;
        self.take(now, room_id, None, media);
    }

    /// A packet of a track has come from a publisher here, or from a neighbour: it goes on if the track flows from there.
    fn take(&mut self, now: Instant, room_id: RoomId, from: Option<BranchId>, media: Arc<Media>) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        if room.router.takes(now, media.track, from, &media.as_packet()) {
            self.forward(now, room_id, media);
        } else {
            // A keyframe may have to be asked for.
            self.route(now, room_id);
        }
    }

    /// A packet of a track that is published here, or behind a neighbour who has passed it on.
    fn forward(&mut self, now: Instant, room_id: RoomId, media: Arc<Media>) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        for (encoding, sizes) in media.sizes.iter().flat_map(|sizes| sizes.iter().enumerate()) {
            if !sizes.is_empty() {
                room.router
                    .set_sizes(media.track, encoding as u8, sizes.iter().copied());
            }
        }
        room.router.handle_packet(now, media.track, &media.as_packet());
        let kept = room.recents.keep(now, &media);
        room.batch.push(Passing { media, kept });
        if self.busy.last() != Some(&room_id) {
            self.busy.push(room_id);
        }
    }

    /// Does what a room's router says, and sends the packets that have come since the last time.
    fn route(&mut self, now: Instant, room_id: RoomId) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        let mut sending = std::mem::take(&mut self.sending);
        while let Some(output) = room.router.poll_output() {
            match output {
                Output::Forward(forward) => {
                    let Some(Passing { media, .. }) = room.batch.get(forward.packet) else {
                        continue;
                    };
                    let peer = forward.line.peer;
                    let queued = Queued {
                        index: forward.packet as u32,
                        slot: forward.line.slot,
                        sent: Sent::new(media, &forward),
                    };
                    if sending.push(peer, queued, || room.members.get(&peer)?.transport) {
                        room.forwarded_packets += 1;
                        room.forwarded_bytes += media.payload.len() as u64;
                    }
                }
                Output::Relay { branch, packet, edit } => {
                    if let Some(Passing { media, .. }) = room.batch.get(packet) {
                        let media = match edit {
                            None => media.clone(),
                            Some(edit) => Arc::new(media.edited(edit)),
                        };
                        self.post.put(branch, room_id, Content::Media(media));
                    }
                }
                Output::Tell { branch, word } => self.post.put(branch, room_id, Content::Word(word)),
                Output::RequestKeyframe { track, encoding } => {
                    let Some(published) = room.published.get_mut(&track) else {
                        continue;
                    };
                    published.keyframe_requests += 1;
                    let Published {
                        transport: id, slot, ..
                    } = *published;
                    let Some(transport) = self.transports.get_mut(&id) else {
                        continue;
                    };
                    if transport.request_keyframe(slot, encoding) {
                        self.dirty.push(id);
                    }
                }
                Output::Unsupported { line, track, .. } => {
                    let id = room.transport_of(line.peer);
                    let Some(mid) = id.and_then(|id| self.transports.get(&id)?.mid(line.slot)) else {
                        continue;
                    };
                    let (room, peer, mid) = (room_id, line.peer, mid.to_string());
                    self.events.push(MediaEvent::CodecMismatch { room, peer, mid, track });
                }
                Output::Starved {
                    line,
                    track,
                    is_starved,
                } => self.events.push(MediaEvent::Starved {
                    room: room_id,
                    peer: line.peer,
                    track,
                    is_starved,
                }),
                Output::Wanted { track, encodings } => {
                    let Some(Published { transport, slot, .. }) = room.published.get(&track) else {
                        continue;
                    };
                    let rids = self
                        .transports
                        .get(transport)
                        .map(|it| it.rids(*slot))
                        .unwrap_or_default();
                    let rids = rids.iter().enumerate().filter(|(at, _)| encodings.contains(*at as u8));
                    let rids = rids.map(|(_, rid)| rid.to_string()).collect();
                    self.events.push(MediaEvent::Wanted {
                        room: room_id,
                        track,
                        rids,
                    });
                }
                Output::Rates { peer, rates } => {
                    let transport = room.transport_of(peer).and_then(|id| self.transports.get_mut(&id));
                    if let Some(transport) = transport {
                        transport.seek(rates);
                    }
                }
                _ => {}
            }
        }
        if let Some(at) = room.router.poll_timeout() {
            self.timers.schedule(Timer::Room(room_id), at);
        }
        let batch = std::mem::take(&mut room.batch);
        self.send(now, &batch, sending);
        // Their room is kept for the next ones.
        if let Some(room) = self.rooms.get_mut(&room_id) {
            room.batch = batch;
            room.batch.clear();
        }
    }

    fn schedule(&mut self, now: Instant, id: TransportId) {
        if let Some(transport) = self.transports.get_mut(&id) {
            let at = transport.wake_at().max(now + TICK);
            // Timers are late by up to a tick, which is no reason to ask again.
            transport.alarm = self.timers.schedule(Timer::Transport(id), at).min(at);
        }
    }
}
