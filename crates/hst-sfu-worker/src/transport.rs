use std::{
    collections::VecDeque,
    net::SocketAddr,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::{Duration, Instant},
};

use hst_bwe::Estimator;
use hst_rtp::rtcp::{ReferenceClock, is_rtcp};
use hst_sfu::{PeerId, TrackId};
use str0m::{
    Input, Output, Rtc, RtcError,
    media::{Mid, Rid},
    net::Receive,
};
use tracing::{debug, warn};

use crate::{
    LineRole, LostReason, OfferError, RoomId,
    answer::Answer,
    credentials::{Credentials, Sessions},
    dtls::Keys,
    egress::{Line, Way},
    ingress::{Ingress, Lost, Quality},
    losses::Losses,
    media::{Media, Passing},
    network::Outbox,
    offer::Offer,
    remote::Remote,
    reports::PathReport,
    slot::{Change, Queued, Slot},
    told::Meanings,
};
use probing::Probing;

mod events;
mod feedback;
mod inward;
mod probing;

/// How long a connection may take from its first offer on, and how long it may be without an agreed path later.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest payload that is forwarded. Larger ones do not fit a datagram on any ordinary path.
const MAX_PAYLOAD: usize = 1450;
/// From how many addresses a client may speak at a time: the least recently proved one is dropped.
const MAX_ADDRESSES: usize = 8;
/// How many addresses a client may use in a connection's life. One that moves more must connect anew.
const MAX_MOVES: usize = 256;
/// What str0m wants to do within this time it does at once, but only so often: what never ends goes on a little later.
const AT_ONCE: Duration = Duration::from_micros(200);
const MAX_ROUNDS: usize = 1024;
/// One peer's connection: str0m, and what its m-lines carry.
///
/// A panic inside of str0m ends this connection and nothing else.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) room: RoomId,
    pub(crate) peer: PeerId,
    pub(crate) generation: u32,
    pub(crate) sessions: Sessions,
    pub(crate) addresses: VecDeque<Remote>,
    rtc: Rtc,
    slots: Vec<Slot>,
    moves: usize,
    ingress: Ingress,
    way: Way,
    /// Where the clock of his reports stands.
    reference: ReferenceClock,
    /// For decrypting, so that it is allocated once.
    plain: Vec<u8>,
    wants_way: bool,
    probing: Option<Probing>,
    queue: Vec<Queued>,
    keyframes_wanted: Vec<(u16, u8)>,
    pub(crate) path: PathReport,
    /// Whether it waits for a flush.
    is_dirty: bool,
    is_connected: bool,
    /// How many bits in a second its network carries, as was told last; `None` is not known.
    told: Option<u64>,
    losses: Losses,
    /// Until when its network is given the benefit of the doubt.
    trusted_until: Option<Instant>,
    /// When conclusions are drawn from what was counted.
    look_back_at: Option<Instant>,
    is_over: bool,
    /// When it is given up, unless it connects.
    deadline: Option<Instant>,
    wake_at: Instant,
    /// When it will be woken.
    pub(crate) alarm: Instant,
}

/// What a transport tells while it is driven.
#[derive(Debug)]
pub(crate) enum Happening {
    Connected,
    Media(Arc<Media>),
    KeyframeRequest {
        slot: u16,
    },
    /// A packet of the client's will never come.
    GivenUp(Lost),
    /// The client's network carries so many bits in a second; `None` is not known.
    Budget(Option<u64>),
    Lost(LostReason),
}

impl Transport {
    pub(crate) fn new(
        now: Instant,
        (rtc, keys, credentials): (Rtc, Keys, Credentials),
        room: RoomId,
        peer: PeerId,
        generation: u32,
    ) -> Self {
        Self {
            room,
            peer,
            generation,
            sessions: Sessions::new(credentials),
            addresses: VecDeque::new(),
            rtc,
            slots: Vec::new(),
            moves: 0,
            ingress: Ingress::new(now),
            way: Way::new(now, keys),
            reference: ReferenceClock::default(),
            plain: Vec::new(),
            wants_way: false,
            probing: None,
            queue: Vec::new(),
            keyframes_wanted: Vec::new(),
            path: PathReport::default(),
            is_dirty: false,
            is_connected: false,
            told: None,
            losses: Losses::default(),
            trusted_until: None,
            look_back_at: None,
            is_over: false,
            deadline: Some(now + CONNECT_TIMEOUT),
            wake_at: now,
            alarm: now,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected && !self.is_over
    }

    pub(crate) fn mid(&self, slot: u16) -> Option<Mid> {
        Some(self.slots.get(usize::from(slot))?.mid)
    }

    /// When to call [`tick`](Self::tick).
    pub(crate) fn wake_at(&self) -> Instant {
        let own = self.deadline.into_iter().chain(self.next_sending());
        own.fold(self.wake_at, Instant::min)
    }

    /// Applies an offer. One with other ICE credentials than before restarts ICE: a new path is looked for, while the
    /// one of before goes on carrying what it can.
    ///
    /// # Errors
    /// The offer is at fault; the transport must not be used any more.
    pub(crate) fn negotiate(&mut self, now: Instant, offer: Offer) -> Result<(Answer, Vec<Change>), OfferError> {
        let applied = panic::catch_unwind(AssertUnwindSafe(|| self.accept(now, offer)));
        applied.unwrap_or_else(|_| Err(OfferError::malformed("it upsets the media stack")))
    }

    fn accept(&mut self, now: Instant, offer: Offer) -> Result<(Answer, Vec<Change>), OfferError> {
        let Offer {
            sdp,
            sources,
            slots,
            repair_types,
        } = offer;
        if slots.len() < self.slots.len() {
            return Err(OfferError::malformed("m-lines can be stopped but not taken away"));
        }
        self.slots.iter().for_each(|slot| slot.declare(&mut self.rtc));
        let answer = self.rtc.sdp_api().accept_offer(sdp).map_err(OfferError::malformed)?;
        self.handle_restart(now)?;
        // It would keep something for each, and receives none of them.
        let mut api = self.rtc.direct_api();
        sources
            .iter()
            .for_each(|source| _ = api.remove_stream_rx(source.ssrc.into()));

        let mut changes = Vec::new();
        // Lines are seldom added, and large.
        self.slots.reserve_exact(slots.len() - self.slots.len());
        for (index, (mid, role)) in slots.into_iter().enumerate() {
            let slot = index as u16;
            match self.slots.get(index) {
                None => self.slots.push(Slot::new(mid)),
                // The client has taken a stopped m-line for something new (RFC 8829 section 5.2.2).
                Some(old) if old.mid != mid => {
                    changes.extend(old.retire(slot, &mut self.rtc));
                    self.slots[index] = Slot::new(mid);
                }
                Some(_) => {}
            }
            let share = self.losses.resend_share();
            self.slots[index].update(slot, role, share, &mut self.rtc, &mut changes);
        }
        self.ingress.sources.settle(sources, &self.slots);
        self.ingress.meanings = Meanings::default();
        for slot in &self.slots {
            if let Some(media) = self.rtc.media(slot.mid) {
                self.ingress.meanings.learn(media.remote_extmap());
            }
        }
        let repair_types = self.repair_types(repair_types);
        self.ingress.repair_types = repair_types.iter().copied().flatten().collect();
        let answer = Answer::new(answer, self.sessions.current().clone(), repair_types);
        changes.sort_by_key(|change| !matches!(change, Change::Unpublish(_)));
        Ok((answer, changes))
    }

    /// Goes on with credentials of ours when str0m has restarted ICE, which shows in its having made up some.
    fn handle_restart(&mut self, now: Instant) -> Result<(), OfferError> {
        let mut api = self.rtc.direct_api();
        if api.local_ice_credentials() != *self.sessions.current().ice() {
            let too_often = || OfferError::malformed("it has restarted ICE too often");
            let fresh = self.sessions.restart(now).ok_or_else(too_often)?;
            api.set_local_ice_credentials(fresh.ice().clone());
        }
        Ok(())
    }

    /// What its lines carry: for the moment when it connects.
    pub(crate) fn carried(&self) -> impl Iterator<Item = Change> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(slot, it)| it.carry(slot as u16))
    }

    /// The tracks that its lines receive, with what is sent on each.
    pub(crate) fn received(&self) -> impl Iterator<Item = (u16, TrackId, &Line)> {
        self.slots.iter().enumerate().filter_map(|(slot, it)| match it.role {
            Some(LineRole::Receive { track }) => Some((slot as u16, track, it.line.as_ref()?)),
            _ => None,
        })
    }

    /// How well an encoding comes that the client sends on a line.
    pub(crate) fn quality(&self, slot: u16, encoding: u8) -> Option<Quality> {
        let received = self.slots.get(usize::from(slot))?.received;
        let ssrc = received.get(usize::from(encoding)).copied().flatten()?;
        self.ingress.sources.quality(ssrc)
    }

    /// The line does not publish any more, whatever the last offer said.
    pub(crate) fn stop_publishing(&mut self, slot: u16) {
        if let Some(slot) = self.slots.get_mut(usize::from(slot)) {
            slot.role = None;
        }
    }

    /// Whether a connectivity check from a new address knows our secret, so that the address may be taken for the
    /// client's. An address more than allowed gives back the one that has to go.
    pub(crate) fn proves(&mut self, now: Instant, source: Remote, to: SocketAddr, bytes: &[u8]) -> Option<Proved> {
        if self.moves >= MAX_MOVES || self.is_over {
            return None;
        }
        let rtc = AssertUnwindSafe(&self.rtc);
        let accepts = panic::catch_unwind(|| {
            let receive = Receive::new(source.protocol, source.addr, to, bytes).ok()?;
            rtc.accepts(&Input::Receive(now, receive)).then_some(())
        });
        accepts.ok()??;
        self.moves += 1;
        self.addresses.push_back(source);
        Some(Proved {
            dropped: if self.addresses.len() > MAX_ADDRESSES {
                self.addresses.pop_front()
            } else {
                None
            },
        })
    }

    /// Takes a datagram of the client's; says whether that has told anything, or is to wake it sooner than it will be.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: Remote,
        to: SocketAddr,
        bytes: &[u8],
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
    ) -> bool {
        match bytes {
            // Media are ours.
            [0x80..0xc0, ..] => {
                let heard = self.guard(|it| {
                    match is_rtcp(bytes) {
                        true => it.hear(now, bytes, outbox, happenings),
                        false => it.take_packet(now, bytes, happenings),
                    }
                    Ok(())
                });
                self.end_on(heard, happenings);
                return !happenings.is_empty() || self.sooner().is_some_and(|at| at < self.alarm);
            }
            // A check: it may have changed the way.
            [0..4, ..] => {
                if let Some(response) = self.sessions.respond(now, source.addr, bytes) {
                    outbox.push(source, &response);
                    return false;
                }
                self.wants_way |= self.is_connected;
            }
            _ => {}
        }
        // What cannot even be parsed is noise.
        let parse = || Receive::new(source.protocol, source.addr, to, bytes);
        let Ok(Ok(receive)) = panic::catch_unwind(parse) else {
            return false;
        };
        self.drive(now, Input::Receive(now, receive), outbox, happenings);
        if std::mem::take(&mut self.wants_way) {
            self.ask_way(now, outbox, happenings);
        }
        true
    }

    /// Its time has come.
    pub(crate) fn tick(&mut self, now: Instant, outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            let reason = if self.is_connected {
                LostReason::Silent
            } else {
                LostReason::NeverConnected
            };
            self.end(reason, happenings);
            return;
        }
        if self.wake_at <= now {
            self.drive(now, Input::Timeout(now), outbox, happenings);
        }
        let sent = self.guard(|it| {
            it.keep_sending(now, outbox, happenings);
            Ok(())
        });
        self.end_on(sent, happenings);
    }

    /// Marks it for the next flush; says whether it was not marked before.
    pub(crate) fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.is_dirty, true)
    }

    /// Takes a packet for the next flush, and marks it for that.
    pub(crate) fn enqueue(&mut self, queued: Queued) -> bool {
        self.queue.push(queued);
        self.touch()
    }

    /// Asks the client for a keyframe with the next flush, and marks it for that.
    pub(crate) fn request_keyframe(&mut self, slot: u16, encoding: u8) -> bool {
        self.keyframes_wanted.push((slot, encoding));
        self.touch()
    }

    /// The names of a line's encodings, in their order.
    pub(crate) fn rids(&self, slot: u16) -> &[Rid] {
        self.slots.get(usize::from(slot)).map_or(&[], |slot| &slot.rids)
    }

    /// Sends what was queued, all packets for this receiver in one go; says whether that has told anything, or is to wake it
    /// sooner than it will be.
    pub(crate) fn flush(
        &mut self,
        now: Instant,
        batch: &[Passing],
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
    ) -> bool {
        self.is_dirty = false;
        // Sending begins nothing that is due sooner, but for a line's first report.
        let mut due = now + Estimator::SILENCE;
        // Else it was touched for what str0m has to send.
        let is_media = !self.keyframes_wanted.is_empty() || !self.queue.is_empty();
        let written = self.guard(|it| {
            let Self {
                slots,
                queue,
                losses,
                keyframes_wanted,
                ingress,
                way,
                ..
            } = it;
            let of = |(slot, encoding): (u16, u8)| {
                let received = slots.get(usize::from(slot)).map(|slot| slot.received);
                received.and_then(|received| *received.get(usize::from(encoding))?)
            };
            let wanted: Vec<u32> = keyframes_wanted.drain(..).filter_map(of).collect();
            if !wanted.is_empty() {
                ingress.ask_for_keyframes(now, &wanted, way, outbox);
            }
            for Queued { index, slot, sent } in queue.drain(..) {
                let slot = &mut slots[usize::from(slot)];
                slot.write(now, way, outbox, (&batch[index as usize], sent), losses.is_lossy());
                due = due.min(slot.line.as_ref().and_then(Line::report_at).unwrap_or(due));
            }
            Ok(())
        });
        self.queue.clear();
        self.end_on(written, happenings);
        if !is_media {
            self.drive(now, Input::Timeout(now), outbox, happenings);
        }
        !is_media || !happenings.is_empty() || due < self.alarm
    }

    /// Says goodbye, as far as that is possible.
    pub(crate) fn close(&mut self, now: Instant, outbox: &mut Outbox) {
        self.say_goodbye(outbox);
        // However it goes, it is over.
        if self.guard(|it| it.rtc.close()).is_ok() {
            self.drive(now, Input::Timeout(now), outbox, &mut Vec::new());
        }
        self.is_over = true;
    }

    /// Gives an input to str0m and takes all of its output.
    fn drive(&mut self, now: Instant, input: Input<'_>, outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        let driven = self.guard(|it| {
            it.rtc.handle_input(input)?;
            let mut rounds = 0;
            loop {
                match it.rtc.poll_output()? {
                    Output::Timeout(at) if at <= now + AT_ONCE && rounds < MAX_ROUNDS => {
                        rounds += 1;
                        it.rtc.handle_input(Input::Timeout(at.max(now)))?;
                    }
                    Output::Timeout(at) => break it.wake_at = at,
                    Output::Transmit(transmit) => {
                        let (protocol, addr) = (transmit.proto, transmit.destination);
                        it.relay(Remote { protocol, addr }, &transmit.contents, outbox);
                    }
                    Output::Event(event) => it.handle_event(now, event, happenings),
                }
            }
            Ok(())
        });
        self.end_on(driven, happenings);
        if !self.rtc.is_alive() {
            self.end(LostReason::Closed, happenings);
        }
    }

    /// Runs what may panic or fail; after either this transport must not be used again.
    fn guard(&mut self, run: impl FnOnce(&mut Self) -> Result<(), RtcError>) -> Result<(), LostReason> {
        if self.is_over {
            return Ok(());
        }
        match panic::catch_unwind(AssertUnwindSafe(|| run(self))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                debug!(peer = self.peer.0, %error, "a connection failed");
                Err(LostReason::Failed)
            }
            Err(_) => {
                warn!(peer = self.peer.0, "the media stack panicked; its connection is closed");
                Err(LostReason::Fault)
            }
        }
    }

    fn end_on(&mut self, result: Result<(), LostReason>, happenings: &mut Vec<Happening>) {
        if let Err(reason) = result {
            self.end(reason, happenings);
        }
    }

    fn end(&mut self, reason: LostReason, happenings: &mut Vec<Happening>) {
        if !std::mem::replace(&mut self.is_over, true) {
            happenings.push(Happening::Lost(reason));
        }
    }
}

/// An address was proved to be the client's.
#[derive(Debug)]
pub(crate) struct Proved {
    /// The one that had to go for it.
    pub(crate) dropped: Option<Remote>,
}

#[cfg(test)]
mod tests;
