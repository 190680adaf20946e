//! What a media thread does with what comes from the other branches of its rooms.

use std::time::Instant;

use hst_sfu::{BranchId, Word};

use super::Worker;
use crate::{
    RoomId,
    relay::{Content, Parcel, Port},
};

/// How many batches are taken before the socket has its turn again.
const BATCHES_AT_A_TIME: usize = 16;

impl Worker {
    /// Takes some of what has come; says whether there may be more.
    pub(super) fn receive_parcels(&mut self, now: Instant) -> bool {
        for _ in 0..BATCHES_AT_A_TIME {
            let Ok(parcels) = self.parcels.try_recv() else {
                return false;
            };
            parcels.into_iter().for_each(|parcel| self.handle_parcel(now, parcel));
        }
        true
    }

    fn handle_parcel(
        &mut self,
        now: Instant,
        Parcel {
            room: id,
            from,
            content,
        }: Parcel,
    ) {
        // Of a room that is not here yet, or has not met this branch, to which nothing could be said: both will tell each other
        // everything when it has.
        let Some(room) = self.rooms.get_mut(&id).filter(|_| self.post.leads_to(from)) else {
            return;
        };
        match content {
            Content::Word(word) => {
                if self.orders.is_leaving() {
                    room.router.leave();
                }
                if let Word::Gone { track } = word {
                    room.recents.forget(track);
                }
                room.router.hear(now, from, word);
                self.route(now, id);
            }
            Content::Media(media) => {
                self.take(now, id, Some(from), media);
            }
            Content::Covered(covered) => self.cover_from(id, from, covered),
        }
    }

    /// The room has a branch there, too.
    pub(super) fn meet(&mut self, now: Instant, id: RoomId, branch: BranchId, port: Port) {
        self.post.open(branch, port);
        if let Some(room) = self.rooms.get_mut(&id) {
            room.router.meet(now, branch);
            self.route(now, id);
        }
    }

    /// The room is going to have no branch there any more.
    pub(super) fn fade(&mut self, id: RoomId, branch: BranchId) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.router.fade(branch);
        }
    }

    /// The way to this branch carries so much of what the room sends there.
    pub(super) fn bound(&mut self, now: Instant, id: RoomId, branch: BranchId, bound: Option<u64>) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.router.set_bound(now, branch, bound);
            self.route(now, id);
        }
    }

    /// The room has no branch there any more.
    pub(super) fn part(&mut self, now: Instant, id: RoomId, branch: BranchId) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.router.part(now, branch);
            self.route(now, id);
        }
    }
}
