use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::{Duration, Instant},
};

use hst_bwe::Estimator;
use hst_rtp::rtcp::{ReferenceClock, is_rtcp};
use hst_sfu::{PeerId, TrackId};
use str0m::media::{Mid, Rid};
use tracing::{debug, warn};

use crate::{
    LineRole, LostReason, OfferError, RoomId,
    answer::{Answer, AnswerLine, Origin, SentLine},
    credentials::Credentials,
    egress::{Line, Way},
    handshake::{Fingerprint, Handshake, HandshakeError, Progress},
    ingress::{Ingress, Lost, Quality, Repairs},
    losses::Losses,
    media::{Media, Passing},
    negotiation::{Agreement, PayloadTypes},
    network::Outbox,
    offer::Offer,
    paths::{Paths, Proved},
    remote::Remote,
    reports::PathReport,
    sending::Queued,
    slot::{Change, Slot},
};
use probing::Probing;
use protecting::Protecting;

mod connecting;
mod feedback;
mod foresight;
mod inward;
mod probing;
mod protecting;

/// How long a connection may take from its first offer on, and how long it may be without an agreed path later.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest payload that is forwarded. Larger ones do not fit a datagram on any ordinary path.
const MAX_PAYLOAD: usize = 1450;
/// One peer's connection: the paths to him, the keys, and what his m-lines carry.
///
/// A panic inside of it ends this connection and nothing else.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) room: RoomId,
    pub(crate) peer: PeerId,
    pub(crate) generation: u32,
    pub(crate) paths: Paths,
    candidates: Arc<str>,
    /// From the first offer on. It is large, and soon there is little to do for it.
    handshake: Option<Box<Handshake>>,
    /// What the last description of ours was, and the client's ICE credentials in his.
    origin: Origin,
    ice: String,
    /// What the client's payload types stand for.
    types: PayloadTypes,
    slots: Vec<Slot>,
    ingress: Ingress,
    way: Way,
    /// Where the clock of his reports stands.
    reference: ReferenceClock,
    /// For decrypting, so that it is allocated once.
    plain: Vec<u8>,
    probing: Option<Probing>,
    /// What protects what he is sent, where he takes that.
    protecting: Option<Box<Protecting>>,
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
    /// When it will be woken.
    pub(crate) alarm: Instant,
}

/// What a transport tells while it is driven.
#[derive(Debug)]
pub(crate) enum Happening {
    Connected,
    Media(Arc<Media>),
    /// The client protects some of his packets.
    Protected(Box<Repairs>),
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
        (credentials, candidates): (Credentials, Arc<str>),
        room: RoomId,
        peer: PeerId,
        generation: u32,
    ) -> Self {
        Self {
            room,
            peer,
            generation,
            paths: Paths::new(credentials),
            candidates,
            handshake: None,
            origin: Origin::new(),
            ice: String::new(),
            types: PayloadTypes::default(),
            slots: Vec::new(),
            ingress: Ingress::new(now),
            way: Way::new(now),
            reference: ReferenceClock::default(),
            plain: Vec::new(),
            probing: None,
            protecting: None,
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
        let handshake = self.handshake.as_ref().and_then(|it| it.wake_at());
        let all = [self.deadline, handshake, self.paths.wake_at(), self.next_sending()];
        // There is a deadline until it is connected, and from then on paths fall silent.
        all.into_iter().flatten().min().unwrap_or(self.alarm)
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
            agreement,
            ice,
            fingerprint,
            sources,
            slots,
            repair_types,
        } = offer;
        if slots.len() < self.slots.len() {
            return Err(OfferError::malformed("m-lines can be stopped but not taken away"));
        }
        self.connect(now, &agreement, fingerprint, ice)?;
        self.ingress.meanings = agreement.meanings;
        self.types = agreement.payload_types;

        let mut changes = Vec::new();
        // Lines are seldom added, and large.
        self.slots.reserve_exact(slots.len() - self.slots.len());
        for (index, (declared, agreed)) in slots.into_iter().zip(agreement.lines).enumerate() {
            let (slot, mid) = (index as u16, declared.mid);
            match self.slots.get(index) {
                None => self.slots.push(Slot::new(mid, agreed.kind)),
                // The client has taken a stopped m-line for something new (RFC 8829 section 5.2.2).
                Some(old) if old.mid != mid => {
                    changes.extend(old.retire(slot));
                    self.slots[index] = Slot::new(mid, agreed.kind);
                }
                Some(old) if old.kind != agreed.kind => {
                    return Err(OfferError::malformed(
                        "an m-line of the same name stays sound or picture",
                    ));
                }
                Some(_) => {}
            }
            let share = self.losses.resend_share();
            self.slots[index].stream = declared.stream;
            self.slots[index].update(slot, declared.role, share, agreed, &mut changes);
        }
        self.ingress.sources.settle(sources, &self.slots);
        let repair_types = self.agree_on_repair(repair_types);
        changes.sort_by_key(|change| !matches!(change, Change::Unpublish(_)));
        Ok((self.answer(agreement.answer, repair_types), changes))
    }

    /// Begins a connection, or goes on with it: under fresh credentials where the client has others than before.
    fn connect(
        &mut self,
        now: Instant,
        agreement: &Agreement,
        fingerprint: Fingerprint,
        ice: String,
    ) -> Result<(), OfferError> {
        if self.handshake.is_none() {
            let handshake = Handshake::new(now, &agreement.certificate, agreement.is_caller, fingerprint);
            self.handshake = Some(Box::new(handshake.map_err(OfferError::malformed)?));
        } else if ice != self.ice {
            let too_often = || OfferError::malformed("it has restarted ICE too often");
            self.paths.restart(now).ok_or_else(too_often)?;
            if self.is_connected {
                self.deadline = Some(now + CONNECT_TIMEOUT);
            }
        }
        self.ice = ice;
        Ok(())
    }

    fn answer(&mut self, text: String, repair_types: Vec<Option<u8>>) -> Answer {
        let lines = self.slots.iter().zip(repair_types).map(|(slot, repair_type)| {
            let sent = |line: &Line| SentLine {
                ssrc: line.ssrc(),
                rtx: line.rtx(),
                protector: line.protector(),
                cname: line.cname().into(),
                stream: slot.stream,
            };
            AnswerLine {
                sent: slot.line.as_ref().map(sent),
                repair_type,
            }
        });
        Answer {
            text,
            credentials: self.paths.sessions.current().clone(),
            candidates: self.candidates.clone(),
            is_caller: self.handshake.as_ref().is_some_and(|it| it.is_caller()),
            origin: self.origin.next(),
            lines: lines.collect(),
        }
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

    /// Whether a connectivity check from a new address knows our secret, so that the address may be taken for the client's.
    pub(crate) fn proves(&mut self, now: Instant, source: Remote, check: &[u8]) -> Option<Proved> {
        if self.is_over {
            return None;
        }
        self.paths.prove(now, source, check)
    }

    /// Takes a datagram of the client's; says whether that has told anything, or is to wake it sooner than it will be.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: Remote,
        bytes: &[u8],
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
    ) -> bool {
        let mut is_usual = false;
        // The first byte tells the protocols apart (RFC 9443).
        let received = self.guard(|it| {
            match bytes {
                [0x80..0xc0, ..] => {
                    is_usual = true;
                    match is_rtcp(bytes) {
                        true => it.hear(now, bytes, outbox, happenings),
                        false => it.take_packet(now, bytes, happenings),
                    }
                }
                [0..4, ..] => return it.take_check(now, source, bytes, outbox, happenings),
                [20..64, ..] => {
                    it.paths.follow(source);
                    return it.shake_hands(now, outbox, happenings, |handshake, send| {
                        handshake.receive(now, bytes, send)
                    });
                }
                // What is none of them is noise.
                _ => {}
            }
            Ok(())
        });
        self.end_on(received, happenings);
        !is_usual || !happenings.is_empty() || self.sooner().is_some_and(|at| at < self.alarm)
    }

    /// Its time has come.
    pub(crate) fn tick(&mut self, now: Instant, outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= now);
        if is_late || self.paths.is_silent(now) {
            let reason = if self.is_connected {
                LostReason::Silent
            } else {
                LostReason::NeverConnected
            };
            self.end(reason, happenings);
            return;
        }
        let sent = self.guard(|it| {
            it.way.lead_to(it.paths.taken());
            let handshake = it.handshake.as_ref().and_then(|it| it.wake_at());
            if handshake.is_some_and(|at| at <= now) {
                it.shake_hands(now, outbox, happenings, |handshake, send| handshake.tick(now, send))?;
            }
            it.keep_sending(now, outbox, happenings);
            Ok(())
        });
        self.end_on(sent, happenings);
    }

    /// Marks it for a [flush](Self::flush); says whether it was not marked before.
    fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.is_dirty, true)
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

    /// Sends packets of the room's, all for this receiver in one go; says whether that has told anything, or is to wake it sooner
    /// than it will be.
    pub(crate) fn send<'a>(
        &mut self,
        now: Instant,
        batch: &[Passing],
        packets: impl Iterator<Item = &'a Queued>,
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
    ) -> bool {
        // Sending begins nothing that is due sooner, but for a line's first report.
        let mut due = now + Estimator::SILENCE;
        let written = self.guard(|it| {
            let Self { slots, losses, way, .. } = it;
            for Queued { index, slot, sent } in packets {
                let slot = &mut slots[usize::from(*slot)];
                slot.write(now, way, outbox, (&batch[*index as usize], *sent), losses.is_lossy());
                due = due.min(slot.line.as_ref().and_then(Line::report_at).unwrap_or(due));
            }
            Ok(())
        });
        self.end_on(written, happenings);
        !happenings.is_empty() || due < self.alarm
    }

    /// Sends what there is beside packets of the room's: asks the client for the keyframes that are wanted of him, and protects what
    /// he was sent. Says whether that has told anything.
    pub(crate) fn flush(&mut self, now: Instant, outbox: &mut Outbox, happenings: &mut Vec<Happening>) -> bool {
        self.is_dirty = false;
        let wanted = std::mem::take(&mut self.keyframes_wanted);
        let sent = self.guard(|it| {
            let of = |(slot, encoding): (u16, u8)| {
                let received = it.slots.get(usize::from(slot)).map(|slot| slot.received);
                received.and_then(|received| *received.get(usize::from(encoding))?)
            };
            let wanted: Vec<u32> = wanted.into_iter().filter_map(of).collect();
            if !wanted.is_empty() {
                it.ingress.ask_for_keyframes(now, &wanted, &mut it.way, outbox);
            }
            if let Some(protecting) = &mut it.protecting {
                protecting.flush(now, &mut it.slots, &mut it.way, outbox);
            }
            Ok(())
        });
        self.end_on(sent, happenings);
        !happenings.is_empty()
    }

    /// Says goodbye, as far as that is possible.
    pub(crate) fn close(&mut self, now: Instant, outbox: &mut Outbox) {
        self.say_goodbye(outbox);
        // However it goes, it is over.
        let _ = self.guard(|it| {
            it.shake_hands(now, outbox, &mut Vec::new(), |handshake, send| {
                handshake.close(send);
                Ok(Progress::default())
            })
        });
        self.is_over = true;
    }

    /// Runs what may panic or fail; after either this transport must not be used again.
    fn guard(&mut self, run: impl FnOnce(&mut Self) -> Result<(), HandshakeError>) -> Result<(), LostReason> {
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

#[cfg(test)]
mod tests;
