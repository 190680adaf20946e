use std::{fmt, sync::Arc, time::Instant};

use hst_sfu::{BranchId, PeerId, Priority, TrackId};
use tokio::{
    sync::{mpsc, oneshot},
    task,
};

use crate::{
    Line, OfferError, RoomStats,
    claims::Claims,
    command::{Ask, Command},
    load::Load,
    negotiation::Negotiator,
    offer::Offer,
    places::Places,
    relay::{Port, branch},
};

/// A room of the media plane; no two rooms of one plane have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u64);

/// A set of peers that publish tracks and receive each other's: on one thread, or on several if they are too many for one.
///
/// This is a handle: clone it freely. When the last one is dropped, all connections of the room are closed.
#[derive(Clone)]
pub struct Room {
    inner: Arc<Inner>,
}

struct Inner {
    id: RoomId,
    threads: Arc<Threads>,
    places: Places,
    claims: Arc<Claims>,
    alive: Option<Arc<()>>,
}

/// The ways to all media threads.
#[derive(Debug)]
pub(crate) struct Threads {
    pub(crate) handles: Vec<ThreadHandle>,
    /// From which level on a thread takes no more peers of its rooms, if another has less to do.
    pub(crate) full: usize,
    /// What answers offers: that takes too long for a media thread.
    pub(crate) negotiator: Negotiator,
}

/// The way to a media thread.
#[derive(Debug)]
pub(crate) struct ThreadHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) port: Port,
    pub(crate) load: Arc<Load>,
}

impl Room {
    pub(crate) fn new(id: RoomId, threads: Arc<Threads>) -> Self {
        let levels = threads.levels();
        let idlest = (0..levels.len()).min_by_key(|&thread| levels[thread]);
        let home = idlest.expect("there is at least one thread");
        threads.handles[home].load.enter();
        Self {
            inner: Arc::new(Inner {
                id,
                threads,
                places: Places::new(home),
                claims: Arc::default(),
                alive: Some(Arc::new(())),
            }),
        }
    }

    /// Which room this is, as in [`MediaEvent`](crate::MediaEvent).
    pub fn id(&self) -> RoomId {
        self.inner.id
    }

    /// Answers a client's offer (SDP, without or with candidates, which are not needed) with an answer that has all of
    /// our candidates.
    ///
    /// `lines` says completely what the connection carries from now on; an m-line that is not mentioned carries
    /// nothing. The same `generation` again changes the connection, and with other ICE credentials than before it
    /// restarts ICE (RFC 8445 section 9); a newer one is a fresh connection, which replaces
    /// the peer's.
    ///
    /// Must be called on a tokio runtime. Not cancel-safe: a cancelled offer may or may not have been applied.
    ///
    /// # Errors
    /// [`OfferError`] says which rule it breaks. When an offer of a new generation fails, the peer keeps the
    /// connection that it has. When an offer that would change a connection cannot be applied
    /// ([`OfferError::Malformed`] after [`MediaEvent::Lost`](crate::MediaEvent::Lost)), that connection is lost.
    pub async fn offer(
        &self,
        peer: PeerId,
        generation: u32,
        sdp: String,
        lines: Vec<Line>,
    ) -> Result<String, OfferError> {
        self.offer_foretold(peer, generation, sdp, lines, None).await
    }

    /// As [`offer`](Self::offer), by one who was told under this name what the answer to his first offer will say
    /// ([`MediaPlane::foretell`](crate::MediaPlane::foretell)), and may have begun to connect. Give a name with one offer
    /// alone: what came early for another would be taken for this. Where the name has a connection on the room's thread, or
    /// the peer has had one, the answer says something else, and holds.
    ///
    /// # Errors
    /// As [`offer`](Self::offer).
    pub async fn offer_foretold(
        &self,
        peer: PeerId,
        generation: u32,
        sdp: String,
        lines: Vec<Line>,
        foretold: Option<u64>,
    ) -> Result<String, OfferError> {
        // A long offer takes tens of milliseconds to read, too long for an async thread.
        let threads = self.inner.threads.clone();
        let read = task::spawn_blocking(move || Offer::parse(&threads.negotiator, &sdp, &lines).map(Box::new));
        let offer = read.await.map_err(|_| OfferError::Stopped)??;
        let thread = self.settle(peer).await;
        let (answer, answered) = oneshot::channel();
        let ask = Ask::Offer {
            peer,
            generation,
            foretold,
            offer,
            answer,
        };
        self.ask(thread, ask).await;
        let answer = answered.await.map_err(|_| OfferError::Stopped)??;
        Ok(answer.to_sdp_string())
    }

    /// Mutes the track, or takes that back. Of a muted track nothing is forwarded, and nobody asks its publisher for a
    /// keyframe; when this returns, its last packet has been sent. Unmuted, it goes on on the lines that it has, without
    /// a gap in their numbers.
    ///
    /// The track need not be published yet. A mute holds, over all generations of the publisher's connection, until it
    /// is taken back or the track is removed.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn mute_track(&self, track: TrackId, is_muted: bool) {
        let threads = self.inner.places.mute(track, is_muted);
        self.ask_all(threads, |done| Ask::MuteTrack { track, is_muted, done })
            .await;
    }

    /// Keeps the track from one peer, or takes that back: the others notice nothing. When this returns, its last packet
    /// has been sent to him. Given back, it starts with a keyframe, which is asked for, without a gap in the numbers of
    /// his line.
    ///
    /// He need not receive it yet. It holds, over all generations of his connection, until it is taken back or the track
    /// or the peer is removed.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn hold_track(&self, peer: PeerId, track: TrackId, is_held: bool) {
        let (done, is_done) = oneshot::channel();
        let ask = Ask::HoldTrack {
            peer,
            track,
            is_held,
            done,
        };
        let thread = self.settle(peer).await;
        self.ask_and_wait(thread, ask, is_done).await;
    }

    /// The peer can show pictures of the track up to a height, in pixels; `None` is everything. He gets no larger layer
    /// than he needs for that.
    ///
    /// It holds, over all generations of his connection, until it is said anew or the peer is removed.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn view_track(&self, peer: PeerId, track: TrackId, height: Option<u32>) {
        let ask = Ask::ViewTrack { peer, track, height };
        self.ask(self.settle(peer).await, ask).await;
    }

    /// So much the pictures of the track matter to the peer, beside others, while his network carries less than everything.
    ///
    /// It holds, over all generations of his connection, until it is said anew or the peer or the track is removed.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn prioritize_track(&self, peer: PeerId, track: TrackId, priority: Priority) {
        let ask = Ask::PrioritizeTrack { peer, track, priority };
        self.ask(self.settle(peer).await, ask).await;
    }

    /// The track is not published any more, whatever its publisher's lines say; lines that receive it fall silent, and
    /// when this returns, its last packet has been sent. It comes back with the publisher's next offer, if that still
    /// names it.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn remove_track(&self, track: TrackId) {
        let threads = self.inner.places.mute(track, false);
        self.ask_all(threads, |done| Ask::RemoveTrack(track, done)).await;
    }

    /// The peer leaves: its connection is closed, its tracks are not published any more, and its generations are
    /// forgotten. There is no event. When this returns, nothing is sent to it any more.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn remove_peer(&self, peer: PeerId) {
        let Some(thread) = self.inner.places.leave(peer) else {
            return;
        };
        let (done, is_done) = oneshot::channel();
        self.ask_and_wait(thread, Ask::RemovePeer(peer, done), is_done).await;
    }

    /// What the room has done so far; all zero if the media plane has been shut down.
    ///
    /// Cancel-safe.
    pub async fn stats(&self) -> RoomStats {
        let mut all = RoomStats::default();
        for thread in self.inner.places.branches() {
            let (reply, replied) = oneshot::channel();
            self.ask(thread, Ask::Stats(reply)).await;
            all = all.and(replied.await.unwrap_or_default());
        }
        all
    }

    pub(crate) async fn meet_outside(&self, branch: BranchId, port: Port) {
        self.ask(self.inner.places.home, Ask::Meet(branch, port)).await;
    }

    pub(crate) async fn fade_outside(&self, branch: BranchId) {
        self.ask(self.inner.places.home, Ask::Fade(branch)).await;
    }

    pub(crate) async fn part_outside(&self, branch: BranchId) {
        self.ask(self.inner.places.home, Ask::Part(branch)).await;
    }

    pub(crate) async fn bound_outside(&self, branch: BranchId, bound: Option<u64>) {
        self.ask(self.inner.places.home, Ask::Bound(branch, bound)).await;
    }

    /// The way to the branch that has neighbours outside.
    pub(crate) fn port(&self) -> &Port {
        let Inner { threads, places, .. } = &*self.inner;
        &threads.handles[places.home].port
    }

    /// The thread that the peer is on, which has a branch of the room from now on.
    async fn settle(&self, peer: PeerId) -> usize {
        let Inner { threads, places, .. } = &*self.inner;
        let thread = places.settle(peer, threads.full, || threads.levels());
        // Cancelled half-way, it is done again by the next: each of these may come twice.
        if let Some(muted) = places.branch_out(thread) {
            for (here, there) in [(places.home, thread), (thread, places.home)] {
                let port = threads.handles[there].port.clone();
                self.ask(here, Ask::Meet(branch(there), port)).await;
            }
            for track in muted {
                self.ask_all(vec![thread], |done| Ask::MuteTrack {
                    track,
                    is_muted: true,
                    done,
                })
                .await;
            }
            places.have_met(thread);
        }
        thread
    }

    /// Asks it of these threads, and waits until it is done on each.
    async fn ask_all(&self, threads: Vec<usize>, ask: impl Fn(oneshot::Sender<()>) -> Ask) {
        for thread in threads {
            let (done, is_done) = oneshot::channel();
            self.ask_and_wait(thread, ask(done), is_done).await;
        }
    }

    async fn ask_and_wait(&self, thread: usize, ask: Ask, is_done: oneshot::Receiver<()>) {
        self.ask(thread, ask).await;
        // No answer means that the plane has been shut down, and everything with it.
        let _ = is_done.await;
    }

    async fn ask(&self, thread: usize, ask: Ask) {
        let Inner {
            id,
            threads,
            claims,
            alive,
            ..
        } = &*self.inner;
        let command = Command {
            room: *id,
            alive: alive.as_ref().map(Arc::downgrade).unwrap_or_default(),
            claims: claims.clone(),
            ask,
        };
        let thread = &threads.handles[thread];
        // If the thread is gone, so is everything that could be asked of it; replies then tell by not coming.
        if thread.commands.send(command).await.is_ok() {
            thread.port.wake();
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("id", &self.inner.id)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // First let go, then wake the thread so that it sees it.
        self.alive = None;
        self.threads.handles[self.places.home].load.leave();
        for thread in self.places.branches() {
            self.threads.handles[thread].port.wake();
        }
    }
}

impl Threads {
    /// How much each has to do at present, in thousandths of what it can do.
    pub(crate) fn levels(&self) -> Vec<usize> {
        let now = Instant::now();
        self.handles.iter().map(|thread| thread.load.level(now)).collect()
    }

    pub(crate) fn wake_all(&self) {
        self.handles.iter().for_each(|thread| thread.port.wake());
    }
}
