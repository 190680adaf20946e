//! What publishers protect (FlexFEC) is protected for those who receive it.

use std::rc::Rc;

use hst_sfu::BranchId;

use super::Worker;
use crate::{
    RoomId,
    demux::TransportId,
    ingress::Repairs,
    protected::{Covered, Protected},
    relay::Content,
};

impl Worker {
    /// A publisher here has protected packets.
    pub(super) fn cover(&mut self, room_id: RoomId, id: TransportId, repairs: &Repairs) {
        let Repairs {
            slot,
            encoding,
            ssrc,
            numbers,
        } = *repairs;
        let (Some(room), Some(publisher)) = (self.rooms.get(&room_id), self.transports.get(&id)) else {
            return;
        };
        let track = publisher.published(slot);
        if let Some(track) = track.filter(|track| room.published.get(track).is_some_and(|it| it.transport == id)) {
            let covered = Covered {
                track,
                encoding,
                ssrc,
                numbers,
            };
            self.covered.push((room_id, covered));
        }
    }

    /// A publisher behind this branch has protected packets that have come from there.
    pub(super) fn cover_from(&mut self, room_id: RoomId, from: BranchId, covered: Covered) {
        let room = self.rooms.get(&room_id);
        if room.is_some_and(|room| room.router.branch_of(covered.track) == Some(from)) {
            self.covered.push((room_id, covered));
        }
    }

    /// Those of the packets that were sent to receivers who take that are protected for them, too, and the other branches to which
    /// they went are told: behind the packets that this round has brought.
    pub(super) fn protect(&mut self) {
        let mut all = std::mem::take(&mut self.covered);
        for (room_id, covered) in all.drain(..) {
            let Some(room) = self.rooms.get(&room_id) else { continue };
            let Covered {
                track,
                encoding,
                ssrc,
                numbers,
            } = covered;
            let Some(recent) = room.recents.of(track, encoding, ssrc) else {
                continue;
            };
            let protected = Rc::new(Protected { recent, numbers });
            for id in room.members.values().filter_map(|member| member.transport) {
                let transport = self.transports.get_mut(&id);
                if transport.is_some_and(|transport| transport.protect(track, &protected)) {
                    self.dirty.push(id);
                }
            }
            for branch in room.router.neighbours_with(track, encoding) {
                self.post.put(branch, room_id, Content::Covered(covered));
            }
        }
        self.covered = all;
    }
}
