//! What publishers protect (FlexFEC) is protected for those who receive it.

use std::rc::Rc;

use super::Worker;
use crate::{RoomId, demux::TransportId, ingress::Repairs, protected::Protected};

impl Worker {
    /// A publisher has protected packets: those of them that were sent to receivers who take that are protected for them, too, behind
    /// what this round has brought.
    ///
    /// Receivers on other threads and at other nodes are left out: there packets may have other numbers.
    pub(super) fn protect(&mut self, room: RoomId, id: TransportId, repairs: &Repairs) {
        let Repairs {
            slot,
            encoding,
            ssrc,
            numbers,
        } = *repairs;
        let (Some(room), Some(publisher)) = (self.rooms.get(&room), self.transports.get(&id)) else {
            return;
        };
        let track = publisher.published(slot);
        let track = track.filter(|track| room.published.get(track).is_some_and(|it| it.transport == id));
        let Some((track, recent)) = track.and_then(|track| Some((track, room.recents.of(track, encoding, ssrc)?)))
        else {
            return;
        };
        let protected = Rc::new(Protected { recent, numbers });
        for id in room.members.values().filter_map(|member| member.transport) {
            let transport = self.transports.get_mut(&id);
            if transport.is_some_and(|transport| transport.protect(track, &protected)) {
                self.dirty.push(id);
            }
        }
    }
}
