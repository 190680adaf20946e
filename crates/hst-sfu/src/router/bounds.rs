//! What goes to a neighbour when the way there carries less than is wanted behind him.

use std::time::Instant;

use super::{Router, SHARE_INTERVAL};
use crate::{
    BranchId, Priority, TrackId,
    allocate::{Wish, allocate},
    layer::Layer,
    origin::Origin,
    passage::Wanted,
    track::Track,
};

impl Router {
    /// The way to a neighbour carries so many bits in a second of what goes there; `None` is not known, and then everything goes
    /// that is wanted behind him. What is too much is left out by the largest layers first, and sound never.
    ///
    /// It holds until the branch parts.
    pub fn set_bound(&mut self, now: Instant, branch: BranchId, bound: Option<u64>) {
        if !self.branches.contains(&branch) {
            return;
        }
        let before = self.bound_of(branch);
        self.bounds.retain(|&(other, _)| other != branch);
        match bound {
            Some(bound) => {
                self.bounds.push((branch, bound));
                self.share_at.get_or_insert(now + SHARE_INTERVAL);
                self.share_way(now, branch, bound);
            }
            None if before.is_some() => self.unbind(now, branch),
            None => {}
        }
    }

    /// Shares out anew what each way carries.
    pub(super) fn share_ways(&mut self, now: Instant) {
        for at in 0..self.bounds.len() {
            let (branch, bound) = self.bounds[at];
            self.share_way(now, branch, bound);
        }
    }

    fn bound_of(&self, branch: BranchId) -> Option<u64> {
        let found = self.bounds.iter().find(|(other, _)| *other == branch);
        found.map(|&(_, bound)| bound)
    }

    /// The tracks that go to the neighbour, always in the same order.
    fn tracks_to(&self, branch: BranchId) -> Vec<TrackId> {
        let goes = |track: &Track| {
            let is_there = track.origin.is_some_and(|origin| origin != Origin::Branch(branch));
            is_there && !track.is_muted && !track.demand_of(branch).is_nothing()
        };
        let mut tracks: Vec<_> = self
            .tracks
            .iter()
            .filter(|(_, track)| goes(track))
            .map(|(&id, _)| id)
            .collect();
        tracks.sort_unstable();
        tracks
    }

    fn share_way(&mut self, now: Instant, branch: BranchId, bound: u64) {
        let mut left = bound;
        let (mut tracks, mut wishes) = (Vec::new(), Vec::new());
        for id in self.tracks_to(branch) {
            let Some(track) = self.tracks.get(&id) else { continue };
            if !track.is_video() {
                if self.speakers.forwards(id) {
                    left = left.saturating_sub(track.rate());
                }
                continue;
            }
            if let Some(wish) = track.wish_of(now, branch) {
                tracks.push(id);
                wishes.push(wish);
            }
        }
        allocate(Some(left), &mut wishes);
        for (track, wish) in tracks.into_iter().zip(wishes) {
            let most = wish.chosen.map(|chosen| wish.ladder[chosen].layer);
            self.bind(now, branch, track, most);
        }
    }

    /// Everything goes there again that is wanted, also what comes no more because it went nowhere else. Who has given up what did
    /// not come is told that it can be had.
    fn unbind(&mut self, now: Instant, branch: BranchId) {
        let wants = |track: &Track| !track.demand_of(branch).is_nothing();
        let mut tracks: Vec<_> = self
            .tracks
            .iter()
            .filter(|(_, it)| wants(it))
            .map(|(&id, _)| id)
            .collect();
        tracks.sort_unstable();
        for id in tracks {
            self.bind(now, branch, id, Some(Layer::BEST));
            let Some(track) = self.tracks.get_mut(&id) else {
                continue;
            };
            let demand = track.demands.iter_mut().find(|demand| demand.branch == branch);
            let was_bound = demand.is_some_and(|demand| std::mem::take(&mut demand.was_bound));
            let (origin, is_muted, word) = (track.origin, track.is_muted, track.here(id));
            let is_there = origin.is_some_and(|origin| origin != Origin::Branch(branch)) && !is_muted;
            // What comes by one who is going is nobody else's to offer until it comes by another.
            if was_bound && is_there && !self.fades(origin) {
                self.tell(branch, word);
            }
        }
    }

    /// This is the most of the track that goes there from now on; `None` is nothing.
    fn bind(&mut self, now: Instant, branch: BranchId, id: TrackId, most: Option<Layer>) {
        let track = self.tracks.get_mut(&id);
        let demand = track.and_then(|track| track.demands.iter_mut().find(|demand| demand.branch == branch));
        let Some(demand) = demand else { return };
        let before = demand.crosses();
        demand.bind(most);
        let after = demand.crosses();
        if before != after {
            self.want_encodings(now, id);
            self.want_more(now, id, before, after);
        }
    }

    /// Who takes up an encoding begins at a keyframe, as any line does, and so do larger sizes of it.
    pub(super) fn want_more(&mut self, now: Instant, track: TrackId, before: Wanted, after: Wanted) {
        let is_larger = !before.is_nothing() && after.spatial > before.spatial;
        let awaited = match is_larger {
            true => after.encodings,
            false => after.encodings.without(before.encodings),
        };
        for encoding in awaited.iter() {
            self.want_keyframe(now, track, encoding);
        }
    }
}

impl Track {
    /// What the neighbour may get, each step with all that he wants beneath it; `None` before anything has come.
    fn wish_of(&self, now: Instant, branch: BranchId) -> Option<Wish> {
        let demand = self.demands.iter().find(|demand| demand.branch == branch)?;
        let Wanted { encodings, spatial } = demand.wanted;
        let largest = encodings.iter().last()?;
        let mut ladder = self.ladder(now);
        // Pictures are left out of no stream on its way, and so none of its smoothness is.
        ladder.retain(|rung| rung.layer.temporal == u8::MAX && rung.layer.encoding <= largest);
        if ladder.iter().any(|rung| rung.layer.spatial <= spatial) {
            ladder.retain(|rung| rung.layer.spatial <= spatial);
        }
        for rung in &mut ladder {
            let smaller = encodings.iter().filter(|&it| it < rung.layer.encoding);
            let smaller = smaller.filter_map(|it| self.encodings.get(usize::from(it)));
            rung.rate += smaller.map(|it| it.meter.rate(u8::MAX, u8::MAX)).sum::<u64>();
        }
        let before = demand
            .bound()
            .and_then(|most| ladder.iter().rposition(|rung| rung.layer <= most));
        (!ladder.is_empty()).then_some(Wish {
            priority: Priority::Normal,
            ladder,
            may_stutter: false,
            before,
            chosen: None,
        })
    }
}
