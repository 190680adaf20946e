use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hst_sfu::{PeerId, TrackId};

/// How much less than the room's own another thread must have to do, in thousandths of what it can do, for a peer to go
/// there.
const MARGIN: usize = 50;

/// On which threads the peers of a room are, and what all of them must know. A lock, held for one look-up, when somebody comes
/// or goes or is spoken of.
#[derive(Debug)]
pub(crate) struct Places {
    /// The thread that a room is on as long as that can carry it; the others pass through it what they need of each other.
    pub(crate) home: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The threads that have a branch of the room; home is the first.
    branches: Vec<usize>,
    /// Those of which home knows.
    met: HashSet<usize>,
    peers: HashMap<PeerId, usize>,
    muted: HashSet<TrackId>,
}

impl Places {
    pub(crate) fn new(home: usize) -> Self {
        Self {
            home,
            inner: Mutex::new(Inner {
                branches: vec![home],
                met: HashSet::from([home]),
                peers: HashMap::new(),
                muted: HashSet::new(),
            }),
        }
    }

    /// The thread that the peer is on. One who comes stays at home while that has less to do than `full`, and then goes
    /// where there is least to do; `levels` says how much that is on each thread.
    pub(crate) fn settle(&self, peer: PeerId, full: usize, levels: impl Fn() -> Vec<usize>) -> usize {
        let mut inner = self.lock();
        if let Some(&thread) = inner.peers.get(&peer) {
            return thread;
        }
        let thread = self.choose(full, &levels());
        inner.peers.insert(peer, thread);
        thread
    }

    /// The peer has gone; where he was, if anywhere.
    pub(crate) fn leave(&self, peer: PeerId) -> Option<usize> {
        self.lock().peers.remove(&peer)
    }

    /// The threads that have a branch of the room.
    pub(crate) fn branches(&self) -> Vec<usize> {
        self.lock().branches.clone()
    }

    /// The thread has a branch from now on. If home does not know it yet, this gives the tracks that are muted, which it
    /// must be told.
    pub(crate) fn branch_out(&self, thread: usize) -> Option<Vec<TrackId>> {
        let mut inner = self.lock();
        if !inner.branches.contains(&thread) {
            inner.branches.push(thread);
        }
        let is_new = !inner.met.contains(&thread);
        is_new.then(|| inner.muted.iter().copied().collect())
    }

    /// Home and the branch on the thread know each other.
    pub(crate) fn have_met(&self, thread: usize) {
        self.lock().met.insert(thread);
    }

    /// The track is muted from now on, or is not; gives the threads that must know.
    pub(crate) fn mute(&self, track: TrackId, is_muted: bool) -> Vec<usize> {
        let mut inner = self.lock();
        if is_muted {
            inner.muted.insert(track);
        } else {
            inner.muted.remove(&track);
        }
        inner.branches.clone()
    }

    fn choose(&self, full: usize, levels: &[usize]) -> usize {
        let here = levels[self.home];
        if here < full {
            return self.home;
        }
        let all = levels.iter().enumerate();
        match all.min_by_key(|(_, level)| **level) {
            Some((thread, &level)) if level + MARGIN.min(full) <= here => thread,
            _ => self.home,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: usize = 500;

    #[test]
    fn a_room_stays_on_its_thread_until_that_is_full_and_then_goes_where_there_is_least_to_do() {
        let places = Places::new(1);
        let settle = |peer, levels: [usize; 3]| places.settle(PeerId(peer), FULL, || levels.to_vec());
        assert_eq!(settle(1, [0, FULL - 1, 0]), 1);
        assert_eq!(settle(2, [300, FULL, 200]), 2);
        assert_eq!(settle(3, [460, FULL, 480]), 1, "the others are hardly better off");
    }

    #[test]
    fn whoever_is_here_stays_where_he_is_until_he_leaves() {
        let places = Places::new(0);
        let settle = |levels: [usize; 2]| places.settle(PeerId(1), FULL, || levels.to_vec());
        assert_eq!(settle([FULL, 0]), 1);
        assert_eq!(settle([0, FULL]), 1);
        assert_eq!(places.leave(PeerId(1)), Some(1));
        assert_eq!(settle([0, FULL]), 0);
    }

    #[test]
    fn a_new_branch_hears_of_every_track_that_is_muted() {
        let places = Places::new(0);
        assert_eq!(places.mute(TrackId(7), true), [0]);
        assert_eq!(places.mute(TrackId(8), true), [0]);
        assert_eq!(places.mute(TrackId(8), false), [0]);
        assert_eq!(places.branch_out(1), Some(vec![TrackId(7)]));
        assert_eq!(places.mute(TrackId(9), true), [0, 1], "from now on it is told itself");
        places.have_met(1);
        assert_eq!(places.branch_out(1), None);
        assert_eq!(places.branch_out(0), None);
    }
}
