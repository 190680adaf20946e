use std::{fmt, time::Instant};

use hst_sfu::BranchId;
use tokio::sync::mpsc;

use super::{Content, Garbled, Parcel, Port, wire};
use crate::{Room, RoomId};

/// The way from the rooms of this plane to their branches at another node.
///
/// Rooms at both ends that are one group's [meet](Self::meet) here. What one has to say comes out of the receiver that belongs
/// to this ([`MediaPlane::relay`](crate::MediaPlane::relay)), is carried to the other node by whoever holds it, and
/// [delivered](Self::deliver) there. The branches of a room, on all nodes together, must form a tree.
#[derive(Clone)]
pub struct Relay {
    branch: BranchId,
    out: Port,
}

/// What a room has to say to its branch at another node.
#[derive(Debug)]
pub struct Outgoing {
    /// The room, as this plane numbers it.
    pub room: RoomId,
    content: Content,
}

impl Outgoing {
    fn new(Parcel { room, content, .. }: Parcel) -> Self {
        Self { room, content }
    }

    /// Whether it must arrive, and in order with all others of which that is true; a packet of media need not.
    pub fn must_arrive(&self) -> bool {
        self.content.must_arrive()
    }

    /// Writes it as the other node reads it, whose version is one of [`RELAY_VERSIONS`](crate::RELAY_VERSIONS): a packet takes 24
    /// bytes more than its payload, or up to 30, and its header extensions. Nothing is written of what that version does not know.
    pub fn write(&self, version: u16, out: &mut Vec<u8>) {
        wire::write(Instant::now(), &self.content, version, out);
    }
}

impl Relay {
    pub(crate) fn new(branch: BranchId, out: mpsc::Sender<Vec<Parcel>>) -> Self {
        Self {
            branch,
            out: Port::outside(out),
        }
    }

    /// The room has a branch at the other node from now on. Both ends must say so; what the other says before is lost, and
    /// asked for again. Said again, it changes nothing.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn meet(&self, room: &Room) {
        room.meet_outside(self.branch, self.out.clone()).await;
    }

    /// The room is going to [part](Self::part) from the other node, and meets others by whom the same comes: it is taken from
    /// them as soon as they have it, without a gap.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn fade(&self, room: &Room) {
        room.fade_outside(self.branch).await;
    }

    /// The room has no branch there any more: what was published behind it is gone for the peers here.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn part(&self, room: &Room) {
        room.part_outside(self.branch).await;
    }

    /// The room may send so many bits in a second to its branch there, of payload; `None` is everything that is wanted there. What
    /// is too much is left out by the largest layers first, and sound never. It holds until they part.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    pub async fn bound(&self, room: &Room, bound: Option<u64>) {
        room.bound_outside(self.branch, bound).await;
    }

    /// Hands the room what its branch at the other node has [written](Outgoing::write): as much as there is at a time. Words
    /// wait for their turn; packets that find no room are dropped.
    ///
    /// Not cancel-safe: cancelled, it may or may not have been done.
    ///
    /// # Errors
    /// [`Garbled`], when one of them is; the others are delivered.
    pub async fn deliver<'a>(&self, room: &Room, written: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Garbled> {
        let (now, from, id) = (Instant::now(), self.branch, room.id());
        let mut outcome = Ok(());
        let mut parcels = Vec::new();
        for bytes in written {
            match wire::read(now, bytes) {
                Ok(content) => parcels.push(Parcel {
                    room: id,
                    from,
                    content,
                }),
                Err(garbled) => outcome = Err(garbled),
            }
        }
        room.port().deliver(parcels).await;
        outcome
    }
}

/// What one plane's rooms have to say to their branches at another node.
#[derive(Debug)]
pub struct RelayOut {
    parcels: mpsc::Receiver<Vec<Parcel>>,
}

impl RelayOut {
    pub(crate) fn new(parcels: mpsc::Receiver<Vec<Parcel>>) -> Self {
        Self { parcels }
    }

    /// What was said next, in its order: as much as there was at a time. `None` when the plane has ended.
    ///
    /// Whoever does not read it for long loses packets, but no words. Before it is dropped, its rooms [part](Relay::part).
    ///
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<impl Iterator<Item = Outgoing> + use<>> {
        let parcels = self.parcels.recv().await?;
        Some(parcels.into_iter().map(Outgoing::new))
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("branch", &self.branch.0)
            .finish_non_exhaustive()
    }
}
