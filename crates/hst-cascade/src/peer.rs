//! One other node: its link, and what goes over it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::{BufMut as _, Bytes};
use futures_util::FutureExt as _;
use hst_link::{
    CloseCode, CloseReason, Closed, DatagramReceiver, DatagramSender, FrameReceiver, FrameSender, Handle, Link,
    NodeName, SendFrameError,
};
use hst_sfu_worker::{Outgoing, Relay, RelayOut, Room};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    cascade::Shared,
    load::Load,
    rooms::{Channels, Named, News, Rooms},
    strain::{LOOK, Strain},
    wire::{self, Frame},
};

/// How long the node with the larger name waits to be dialled before it dials itself.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon a node that was not reached is dialled again, at first and at last.
const RETRY: Duration = Duration::from_millis(200);
const MAX_RETRY: Duration = Duration::from_secs(5);
/// How many packets are handed to a room together.
const BATCH: usize = 64;

/// The link that stands, if one does.
pub(crate) type Standing = Option<Stands>;

/// A link that stands.
#[derive(Debug)]
pub(crate) struct Stands {
    pub(crate) handle: Handle,
    /// What each room may send over it, if it carries less than all want to send.
    pub(crate) bound: Option<u64>,
}

pub(crate) struct Peer {
    node: NodeName,
    shared: Arc<Shared>,
    rooms: Arc<Rooms>,
    stands: watch::Sender<Standing>,
    /// When to dial, and how long to wait after that.
    dial_at: Option<Instant>,
    retry: Duration,
}

/// How a link's time ended.
enum End {
    /// The other node has dialled a newer one.
    Replaced(Box<Link>),
    Closed,
    /// The media plane has ended.
    Over,
}

impl Peer {
    pub(crate) fn new(node: NodeName, shared: Arc<Shared>, rooms: Arc<Rooms>, stands: watch::Sender<Standing>) -> Self {
        Self {
            node,
            shared,
            rooms,
            stands,
            dial_at: None,
            retry: RETRY,
        }
    }

    /// Works as long as there is a media plane.
    pub(crate) async fn run(mut self) {
        let mut link = None;
        loop {
            let taken = match link.take() {
                Some(link) => link,
                None => self.await_link().await,
            };
            self.retry = RETRY;
            link = match self.serve(*taken).await {
                End::Replaced(newer) => Some(newer),
                End::Closed => None,
                End::Over => return,
            };
            self.stands.send_replace(None);
            self.plan_dial(Instant::now());
        }
    }

    /// Whoever has the smaller name dials first, so that there is one link and not two of which one must go.
    fn plan_dial(&mut self, now: Instant) {
        let patience = if self.shared.name < self.node {
            Duration::ZERO
        } else {
            PATIENCE
        };
        self.dial_at = (self.rooms.count() > 0).then_some(now + patience);
    }

    /// Waits until there is a link.
    async fn await_link(&mut self) -> Box<Link> {
        loop {
            let due = async {
                match self.dial_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                news = self.rooms.news() => match news {
                    News::Arrived(link) => return link,
                    // Those that there are will be met when there is a link.
                    News::Changed(_) if self.dial_at.is_none() => self.plan_dial(Instant::now()),
                    News::Changed(_) => {}
                },
                () = due => {
                    if let Some(link) = self.dial().await {
                        return link;
                    }
                }
            }
        }
    }

    async fn dial(&mut self) -> Option<Box<Link>> {
        self.dial_at = None;
        if self.rooms.count() == 0 {
            return None;
        }
        self.dial_at = Some(Instant::now() + self.retry);
        self.retry = (self.retry * 2).min(MAX_RETRY);
        let address = (self.shared.find)(&self.node)?;
        match self.shared.links.connect(&self.node, address).await {
            Ok(link) => Some(Box::new(link)),
            Err(error) if error.is_retryable() => {
                tracing::debug!(node = %self.node, %address, %error, "no link to another node yet");
                None
            }
            Err(error) => {
                tracing::warn!(node = %self.node, %address, %error, "no link to another node");
                None
            }
        }
    }

    /// Has everything cross that is to cross, as long as the link lives.
    async fn serve(&self, link: Link) -> End {
        let Link {
            datagram_sender,
            datagram_receiver,
            frame_sender,
            frame_receiver,
            handle,
            ..
        } = link;
        let (relay, out) = self.shared.plane.relay();
        self.stands.send_replace(Some(Stands {
            handle: handle.clone(),
            bound: None,
        }));
        let mut met = HashMap::new();
        let sending = Sending {
            frames: frame_sender,
            datagrams: datagram_sender,
            relay: relay.clone(),
            out,
            rooms: self.rooms.clone(),
            version: handle.peer().version,
            load: Load::begin(handle.clone(), &self.shared.links),
            strain: Strain::default(),
            stands: &self.stands,
        };
        let receiving = Receiving {
            frames: frame_receiver,
            datagrams: datagram_receiver,
            relay: relay.clone(),
            rooms: self.rooms.clone(),
            channels: Channels::default(),
        };
        let end = tokio::select! {
            end = sending.run(&mut met) => end,
            closed = receiving.run(&handle) => {
                tracing::info!(node = %self.node, %closed, "the link to another node has ended");
                End::Closed
            }
        };
        for room in met.values() {
            relay.part(room).await;
        }
        end
    }
}

struct Sending<'a> {
    frames: FrameSender,
    datagrams: DatagramSender,
    relay: Relay,
    out: RelayOut,
    rooms: Arc<Rooms>,
    /// What the peer understands.
    version: u16,
    load: Load,
    strain: Strain,
    stands: &'a watch::Sender<Standing>,
}

impl Sending<'_> {
    /// `met` are the rooms that must part when the link has ended, by channel.
    async fn run(mut self, met: &mut HashMap<u32, Room>) -> End {
        let rooms = self.rooms.clone();
        if self.reconcile(rooms.all(), met).await.is_err() {
            return End::Closed;
        }
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let sent = tokio::select! {
                _ = looks.tick() => {
                    self.look(met).await;
                    Ok(())
                }
                news = rooms.news() => match news {
                    News::Arrived(link) => return End::Replaced(link),
                    News::Changed(channels) => self.reconcile(channels, met).await,
                },
                said = self.out.next() => match said {
                    Some(said) => self.send(said).await,
                    None => return End::Over,
                },
            };
            if sent.is_err() {
                return End::Closed;
            }
        }
    }

    /// Has the rooms of these channels meet their branches, or part from them.
    async fn reconcile(&mut self, channels: BTreeSet<u32>, met: &mut HashMap<u32, Room>) -> Result<(), SendFrameError> {
        for channel in channels {
            match self.rooms.at(channel) {
                Some(Named { name, room, is_going }) => {
                    if met.insert(channel, room.clone()).is_none() {
                        let frame = Frame::Open { channel, room: &name };
                        self.frames.send(frame.to_bytes()).await?;
                        self.relay.meet(&room).await;
                        if let bound @ Some(_) = self.strain.bound() {
                            self.relay.bound(&room, bound).await;
                        }
                    }
                    if is_going {
                        self.relay.fade(&room).await;
                    }
                }
                None => {
                    if let Some(room) = met.remove(&channel) {
                        self.relay.part(&room).await;
                        self.frames.send(Frame::Close { channel }.to_bytes()).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at how the link does, and has the rooms leave out what it does not carry.
    async fn look(&mut self, met: &HashMap<u32, Room>) {
        let now = Instant::now().into_std();
        let Some(look) = self.load.look(now) else { return };
        if !self.strain.look(now, &look) {
            return;
        }
        let bound = self.strain.bound();
        let node = &self.load.handle().peer().name;
        match bound {
            Some(bound) => tracing::warn!(
                %node,
                bound,
                sent = look.sent,
                share = look.share,
                "a link to another node is full: the largest pictures are left out"
            ),
            None => tracing::info!(%node, "a link to another node carries everything again"),
        }
        let set = |stands: &mut Standing| {
            if let Some(stands) = stands {
                stands.bound = bound;
            }
        };
        self.stands.send_modify(set);
        for room in met.values() {
            self.relay.bound(room, bound).await;
        }
    }

    async fn send(&mut self, said: impl Iterator<Item = Outgoing>) -> Result<(), SendFrameError> {
        let mut bytes = Vec::new();
        for outgoing in said {
            // Of a room that has parted.
            let Some(channel) = self.rooms.channel_of(outgoing.room) else {
                continue;
            };
            if outgoing.must_arrive() {
                bytes.clear();
                outgoing.write(self.version, &mut bytes);
                let word = Frame::Word { channel, word: &bytes };
                self.frames.send(word.to_bytes()).await?;
            } else {
                let mut datagram = Vec::new();
                datagram.put_u32(channel);
                let empty = datagram.len();
                outgoing.write(self.version, &mut datagram);
                if datagram.len() == empty {
                    // The peer does not know it.
                    continue;
                }
                self.load.count(channel, datagram.len());
                if let Err(error) = self.datagrams.send(Bytes::from(datagram)) {
                    tracing::debug!(%error, "a packet does not cross");
                }
            }
        }
        Ok(())
    }
}

struct Receiving {
    frames: FrameReceiver,
    datagrams: DatagramReceiver,
    relay: Relay,
    rooms: Arc<Rooms>,
    channels: Channels,
}

impl Receiving {
    async fn run(mut self, handle: &Handle) -> Closed {
        loop {
            let received = tokio::select! {
                frame = self.frames.recv() => match frame {
                    Ok(Some(frame)) => self.hear(&frame).await,
                    Ok(None) => return handle.closed().await,
                    Err(closed) => return closed,
                },
                datagram = self.datagrams.recv() => match datagram {
                    Ok(datagram) => self.take(datagram).await,
                    Err(closed) => return closed,
                },
            };
            if received.is_none() {
                handle.close(CloseReason::new(
                    CloseCode::Other(GARBLED),
                    "what this node said is not understood",
                ));
                return handle.closed().await;
            }
        }
    }

    /// `None` is what no node says.
    async fn hear(&mut self, frame: &[u8]) -> Option<()> {
        match Frame::read(frame)? {
            Frame::Open { channel, room } => self.channels.open(channel, room).then_some(()),
            Frame::Close { channel } => {
                let room = self.channels.room(channel, &self.rooms);
                self.channels.close(channel);
                if let Some(room) = room {
                    self.relay.part(&room).await;
                }
                Some(())
            }
            Frame::Word { channel, word } => match self.channels.room(channel, &self.rooms) {
                Some(room) => self.relay.deliver(&room, [word]).await.ok(),
                // It has parted, or has not joined here yet, and will ask for everything when it does.
                None => Some(()),
            },
        }
    }

    /// Takes a packet, and those that have come with it.
    async fn take(&mut self, first: Bytes) -> Option<()> {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Some(Ok(next)) = self.datagrams.recv().now_or_never()
        {
            batch.push(next);
        }
        let of = |datagram: &Bytes| wire::channel(datagram).map(|(channel, _)| channel);
        for datagrams in batch.chunk_by(|one, next| of(one) == of(next)) {
            let Some(room) = datagrams
                .first()
                .and_then(of)
                .and_then(|it| self.channels.room(it, &self.rooms))
            else {
                continue;
            };
            let packets = datagrams.iter().filter_map(|datagram| Some(wire::channel(datagram)?.1));
            self.relay.deliver(&room, packets).await.ok()?;
        }
        Some(())
    }
}

/// The link is closed with this when something comes that no node says.
const GARBLED: u32 = 100;
