use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hst_sfu::{PeerId, TrackId};

/// Who publishes what in a room, on whichever thread. A lock, held for one look-up, when an offer comes or a track ends.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    holders: Mutex<HashMap<TrackId, PeerId>>,
}

impl Claims {
    /// Whether somebody else publishes the track.
    pub(crate) fn is_taken(&self, track: TrackId, peer: PeerId) -> bool {
        self.lock().get(&track).is_some_and(|holder| *holder != peer)
    }

    pub(crate) fn claim(&self, track: TrackId, peer: PeerId) {
        self.lock().insert(track, peer);
    }

    pub(crate) fn release(&self, track: TrackId, peer: PeerId) {
        let mut holders = self.lock();
        if holders.get(&track) == Some(&peer) {
            holders.remove(&track);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TrackId, PeerId>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
