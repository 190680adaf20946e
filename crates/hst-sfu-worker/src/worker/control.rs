//! What a media thread does on command: offers, removals, and the ends of connections.

use std::time::Instant;

use hst_sfu::{Formats, LineId, PeerId, TrackId};
use tokio::sync::oneshot;
use tracing::debug;

use super::{Timer, Worker};
use crate::{
    LineRole, LostReason, MediaEvent, OfferError, RoomId,
    answer::Answer,
    command::{Ask, Command},
    credentials::Credentials,
    demux::TransportId,
    ingress::Lost,
    network::Datagram,
    offer::Offer,
    room_state::{Member, Published, RoomState},
    slot::Change,
    transport::Transport,
};

/// How many commands are taken before the socket has its turn again: an offer takes as long as hundreds of packets.
const COMMANDS_AT_A_TIME: usize = 8;

impl Worker {
    /// Takes some of the commands that wait; says whether there may be more.
    pub(super) fn handle_commands(&mut self, now: Instant) -> bool {
        let abandoned = |(id, room): (&RoomId, &RoomState)| (room.alive.strong_count() == 0).then_some(*id);
        let abandoned: Vec<_> = self.rooms.iter().filter_map(abandoned).collect();
        abandoned.into_iter().for_each(|id| self.close_room(now, id));

        for _ in 0..COMMANDS_AT_A_TIME {
            let Ok(Command {
                room,
                alive,
                claims,
                ask,
            }) = self.commands.try_recv()
            else {
                return false;
            };
            if alive.strong_count() == 0 {
                continue;
            }
            self.rooms.entry(room).or_insert_with(|| RoomState::new(alive, claims));
            match ask {
                Ask::Offer {
                    peer,
                    generation,
                    foretold,
                    offer,
                    answer,
                } => {
                    let answered = self.handle_offer(now, room, (peer, generation), foretold, *offer);
                    // A caller that went away has lost the answer, not the connection.
                    let _ = answer.send(answered);
                }
                Ask::Meet(branch, port) => self.meet(now, room, branch, port),
                Ask::Fade(branch) => self.fade(room, branch),
                Ask::Part(branch) => self.part(now, room, branch),
                Ask::Bound(branch, bound) => self.bound(now, room, branch, bound),
                Ask::MuteTrack { track, is_muted, done } => {
                    self.mute_track(now, room, track, is_muted);
                    self.finish(now, done);
                }
                Ask::HoldTrack {
                    peer,
                    track,
                    is_held,
                    done,
                } => {
                    self.hold_track(now, room, peer, track, is_held);
                    self.finish(now, done);
                }
                Ask::ViewTrack { peer, track, height } => {
                    if let Some(state) = self.rooms.get_mut(&room) {
                        state.router.set_view(now, peer, track, height);
                        self.route(now, room);
                    }
                }
                Ask::PrioritizeTrack { peer, track, priority } => {
                    if let Some(state) = self.rooms.get_mut(&room) {
                        state.router.set_priority(now, peer, track, priority);
                        self.route(now, room);
                    }
                }
                Ask::RemoveTrack(track, done) => {
                    self.remove_track(now, room, track);
                    self.finish(now, done);
                }
                Ask::RemovePeer(peer, done) => {
                    self.remove_peer(now, room, peer);
                    self.finish(now, done);
                }
                Ask::Stats(reply) => {
                    let _ = reply.send(self.stats(now, room));
                }
            }
        }
        true
    }

    pub(super) fn handle_offer(
        &mut self,
        now: Instant,
        room_id: RoomId,
        (peer, generation): (PeerId, u32),
        foretold: Option<u64>,
        offer: Offer,
    ) -> Result<Answer, OfferError> {
        let room = self.rooms.get_mut(&room_id).ok_or(OfferError::Stopped)?;
        for slot in &offer.slots {
            if let Some(LineRole::Send { track }) = slot.role
                && room.claims.is_taken(track, peer)
            {
                return Err(OfferError::TrackTaken(track));
            }
        }
        let member = room.members.get(&peer).copied();
        match member {
            Some(Member {
                generation: current,
                transport: Some(id),
            }) if current == generation => {
                return self.renegotiate(now, id, offer);
            }
            Some(Member {
                generation: current, ..
            }) if current >= generation => {
                return Err(OfferError::Stale { current });
            }
            _ => {}
        }
        let credentials = foretold
            .filter(|_| member.is_none())
            .map(|name| self.early.credentials(name));
        let credentials = credentials.filter(|it| !self.demux.has(&it.ice().ufrag));
        let credentials = credentials.unwrap_or_else(Credentials::generate);
        let own = (credentials, self.candidates.clone());
        let mut transport = Transport::new(now, own, room_id, peer, generation);
        let (answer, changes) = transport.negotiate(now, offer)?;

        if let Some(old) = member.and_then(|member| member.transport) {
            self.remove_transport(now, old, None);
        }
        let id = TransportId(self.next_transport);
        self.next_transport += 1;
        self.demux.add(transport.paths.sessions.ufrags(), id);
        self.transports.insert(id, Box::new(transport));
        self.load.enter();
        if let Some(room) = self.rooms.get_mut(&room_id) {
            room.members.insert(
                peer,
                Member {
                    generation,
                    transport: Some(id),
                },
            );
        }
        self.apply(now, id, changes);
        self.handle_early(now, id);
        Ok(answer)
    }

    /// Takes what came for the transport before its offer.
    fn handle_early(&mut self, now: Instant, id: TransportId) {
        let Some(transport) = self.transports.get(&id) else {
            return;
        };
        for (source, local_ip, bytes) in self.early.take(now, &transport.paths.sessions.current().ice().ufrag) {
            let bytes = &bytes;
            self.handle_datagram(
                now,
                Datagram {
                    source,
                    local_ip,
                    bytes,
                },
            );
        }
    }

    pub(super) fn renegotiate(&mut self, now: Instant, id: TransportId, offer: Offer) -> Result<Answer, OfferError> {
        let transport = self.transports.get_mut(&id).ok_or(OfferError::Stopped)?;
        match transport.negotiate(now, offer) {
            Ok((answer, changes)) => {
                self.demux.add(transport.paths.sessions.ufrags(), id);
                self.apply(now, id, changes);
                Ok(answer)
            }
            Err(error) => {
                // Half of it may have been applied: nobody knows what the two sides agree on.
                self.remove_transport(now, id, Some(LostReason::Failed));
                Err(error)
            }
        }
    }

    /// Tells the room what an offer has changed.
    pub(super) fn apply(&mut self, now: Instant, id: TransportId, changes: Vec<Change>) {
        let Some(transport) = self.transports.get(&id) else {
            return;
        };
        let (room_id, peer, is_connected) = (transport.room, transport.peer, transport.is_connected());
        for change in changes {
            let encodings = |slot| {
                self.transports
                    .get(&id)
                    .map_or(0, |transport| transport.rids(slot).len())
            };
            let Some(room) = self.rooms.get_mut(&room_id) else {
                return;
            };
            let line = |slot| LineId { peer, slot };
            match change {
                Change::Publish { track, slot } => {
                    room.publish(track, peer, id, slot);
                    room.router.set_encodings(track, encodings(slot));
                }
                Change::Unpublish(track) => drop(room.unpublish(track)),
                Change::Forget { slot } => room.router.forget(now, line(slot)),
                Change::Pause { slot } => room.router.pause(now, line(slot)),
                // Until it is connected, packets would only pile up.
                Change::Carry { slot, track, formats } => {
                    if is_connected {
                        self.carry(now, room_id, line(slot), track, formats);
                    }
                }
            }
        }
        self.route(now, room_id);
        self.schedule(now, id);
    }

    pub(super) fn carry(&mut self, now: Instant, room_id: RoomId, line: LineId, track: TrackId, formats: Formats) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        if room.held.get(&line.peer).is_some_and(|held| held.contains(&track)) {
            room.router.pause(now, line);
        } else {
            room.router.subscribe(now, line, track, formats);
            self.route(now, room_id);
        }
    }

    /// Asks the publisher for a keyframe in place of a packet that will never come, if anybody misses it.
    pub(super) fn ask_in_place_of(&mut self, now: Instant, room_id: RoomId, id: TransportId, lost: Lost) {
        let transport = self.transports.get(&id);
        let track = transport.and_then(|transport| transport.published(lost.slot));
        if let (Some(track), Some(room)) = (track, self.rooms.get_mut(&room_id)) {
            room.router.handle_loss(now, track, lost.encoding, lost.seq);
            self.route(now, room_id);
        }
    }

    /// Says that a command is carried out. What was routed before it leaves first, so that nothing can follow.
    fn finish(&mut self, now: Instant, done: oneshot::Sender<()>) {
        self.flush(now);
        // A caller that went away does not want to know.
        let _ = done.send(());
    }

    fn mute_track(&mut self, now: Instant, room_id: RoomId, track: TrackId, is_muted: bool) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        if is_muted {
            room.router.mute(track);
        } else {
            room.router.unmute(now, track);
        }
        self.route(now, room_id);
    }

    fn hold_track(&mut self, now: Instant, room_id: RoomId, peer: PeerId, track: TrackId, is_held: bool) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        if is_held {
            room.held.entry(peer).or_default().insert(track);
        } else if let Some(held) = room.held.get_mut(&peer) {
            held.remove(&track);
        }
        let transport = room.transport_of(peer).and_then(|id| self.transports.get(&id));
        let Some(transport) = transport.filter(|transport| transport.is_connected()) else {
            return;
        };
        for change in transport.carried().collect::<Vec<_>>() {
            if let Change::Carry {
                slot,
                track: carried,
                formats,
            } = change
                && carried == track
            {
                self.carry(now, room_id, LineId { peer, slot }, track, formats);
            }
        }
    }

    fn remove_track(&mut self, now: Instant, room_id: RoomId, track: TrackId) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        let published = room.unpublish(track);
        room.router.end(track);
        room.router.unmute(now, track);
        room.held.values_mut().for_each(|held| _ = held.remove(&track));
        room.router.forget_wishes(track);
        let Some(Published { transport, slot, .. }) = published else {
            return;
        };
        if let Some(transport) = self.transports.get_mut(&transport) {
            transport.stop_publishing(slot);
        }
    }

    pub(super) fn remove_peer(&mut self, now: Instant, room_id: RoomId, peer: PeerId) {
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        room.held.remove(&peer);
        room.router.forget_peer(now, peer);
        if let Some(id) = room.members.remove(&peer).and_then(|member| member.transport) {
            self.remove_transport(now, id, None);
        }
    }

    pub(super) fn close_room(&mut self, now: Instant, id: RoomId) {
        let Some(room) = self.rooms.remove(&id) else { return };
        for id in room.members.into_values().filter_map(|member| member.transport) {
            self.remove_transport(now, id, None);
        }
        self.timers.cancel(Timer::Room(id));
    }

    /// Ends a connection; with a reason it has ended by itself, and the server is told.
    pub(super) fn remove_transport(&mut self, now: Instant, id: TransportId, reason: Option<LostReason>) {
        let Some(mut transport) = self.transports.remove(&id) else {
            return;
        };
        transport.close(now, self.network.outbox());
        // Its goodbye must find the way out before the way is forgotten.
        self.network.flush(|destination| self.demux.local_ip(destination));
        self.demux
            .remove(transport.paths.sessions.ufrags(), id, transport.paths.addresses());
        transport
            .paths
            .addresses()
            .for_each(|address| self.network.disconnect(address));
        self.timers.cancel(Timer::Transport(id));
        self.load.leave();
        let Transport {
            room, peer, generation, ..
        } = *transport;
        if let Some(state) = self.rooms.get_mut(&room) {
            state.forget_transport(now, peer, id);
            self.route(now, room);
        }
        if let Some(reason) = reason {
            debug!(room = room.0, peer = peer.0, generation, ?reason, "connection lost");
            self.events.push(MediaEvent::Lost {
                room,
                peer,
                generation,
                reason,
            });
        }
    }
}
