//! The neighbours of a router whose room is spread over several.

use std::time::Instant;

use super::{Router, SHARE_INTERVAL};
use crate::{
    BranchId, Encodings, Output, TrackId, Word,
    origin::Origin,
    passage::{Demand, Wanted},
    track::Track,
};

impl Router {
    /// The branch is a neighbour from now on, which is said to it, if it was none. Neighbours must form a tree.
    pub fn meet(&mut self, now: Instant, branch: BranchId) {
        if !self.branches.contains(&branch) {
            self.tell(branch, Word::Hello);
            self.greet(now, branch);
        }
    }

    /// The branch is no neighbour any more: what was published behind it is gone, and nothing is wanted there.
    pub fn part(&mut self, now: Instant, branch: BranchId) {
        self.branches.retain(|&other| other != branch);
        self.bounds.retain(|&(other, _)| other != branch);
        self.forget_branch(now, branch);
        self.fading.retain(|&other| other != branch);
    }

    /// A neighbour's word. One who is not a neighbour yet becomes one with [`Word::Hello`]; until then nothing that he says
    /// counts.
    pub fn hear(&mut self, now: Instant, branch: BranchId, word: Word) {
        if word == Word::Hello {
            self.forget_branch(now, branch);
            return self.greet(now, branch);
        }
        if !self.branches.contains(&branch) {
            return;
        }
        match word {
            Word::Hello => {}
            Word::Want {
                track,
                encodings,
                spatial,
            } => self.hear_want(now, branch, track, Wanted { encodings, spatial }),
            Word::Here { track, encodings } => {
                let is_new = |entry: &&mut Track| {
                    let was_left = entry.origin.is_some()
                        && entry
                            .former
                            .is_some_and(|former| former.origin == Origin::Branch(branch));
                    !entry.asked_of(branch).is_nothing() && !was_left
                };
                if let Some(entry) = self.tracks.get_mut(&track).filter(is_new) {
                    match entry.origin {
                        // He has come from there.
                        Some(Origin::Here) if !self.is_leaving => {}
                        // Nothing begins to come by one who is going.
                        Some(_) if self.fading.contains(&branch) => {}
                        None => entry.origin = Some(Origin::Branch(branch)),
                        Some(origin) if origin != Origin::Branch(branch) => self.expect_from(track, branch),
                        Some(_) => {}
                    }
                }
                if self.origin(track) == Some(Origin::Branch(branch)) {
                    self.set_encodings(track, encodings.into());
                    self.expect_all(now, track);
                    self.tell_here(track);
                }
            }
            Word::Gone { track } => {
                self.lose_origin(track, Origin::Branch(branch));
            }
            Word::Keyframe { track, encoding } => self.want_keyframe(now, track, encoding),
        }
    }

    /// Behind which neighbour the track is published; `None` if it is published here, or not at all.
    pub fn branch_of(&self, track: TrackId) -> Option<BranchId> {
        match self.origin(track)? {
            Origin::Here => None,
            Origin::Branch(branch) => Some(branch),
        }
    }

    /// To which neighbours this encoding of the track goes on.
    pub fn neighbours_with(&self, track: TrackId, encoding: u8) -> impl Iterator<Item = BranchId> + '_ {
        let entry = self.tracks.get(&track).into_iter();
        let demands = entry.flat_map(|entry| entry.demands.iter().filter(|demand| !entry.comes_from(demand.branch)));
        let demands = demands.filter(move |demand| demand.crosses().encodings.contains(encoding));
        demands.map(|demand| demand.branch)
    }

    pub(super) fn origin(&self, track: TrackId) -> Option<Origin> {
        self.tracks.get(&track)?.origin
    }

    /// What did not come can be had again, maybe.
    fn expect_all(&mut self, now: Instant, track: TrackId) {
        if let Some(entry) = self.tracks.get_mut(&track).filter(|entry| entry.encodings.len() > 1) {
            entry.expect_all();
            self.share_at = Some(now);
        }
    }

    fn greet(&mut self, now: Instant, branch: BranchId) {
        if !self.branches.contains(&branch) {
            self.branches.push(branch);
        }
        let tracks: Vec<_> = self.tracks.keys().copied().collect();
        tracks.into_iter().for_each(|track| self.tell_wants(now, track));
    }

    fn forget_branch(&mut self, now: Instant, branch: BranchId) {
        let tracks: Vec<_> = self.tracks.keys().copied().collect();
        for track in tracks {
            self.lose_origin(track, Origin::Branch(branch));
            if let Some(entry) = self.tracks.get_mut(&track) {
                entry.asked.retain(|asked| asked.branch != branch);
            }
            self.set_demand(now, branch, track, Wanted::NOTHING);
        }
    }

    fn hear_want(&mut self, now: Instant, branch: BranchId, track: TrackId, wanted: Wanted) {
        let crossed = self.crosses(track, branch);
        let before = self.set_demand(now, branch, track, wanted);
        let Some(entry) = self.tracks.get(&track) else { return };
        let is_new = before.is_nothing() && !wanted.is_nothing();
        if is_new && entry.origin.is_some() && !entry.comes_from(branch) && !self.fades(entry.origin) {
            let word = entry.here(track);
            self.tell(branch, word);
        }
        if is_new {
            self.speakers.show(track);
        }
        let crosses = self.crosses(track, branch);
        self.want_more(now, track, crossed, crosses);
    }

    /// What goes to the neighbour of the track.
    fn crosses(&self, track: TrackId, branch: BranchId) -> Wanted {
        let demands = self.tracks.get(&track).map(|entry| &entry.demands);
        let demand = demands.and_then(|demands| demands.iter().find(|demand| demand.branch == branch));
        demand.map_or(Wanted::NOTHING, Demand::crosses)
    }

    /// The neighbour wants this of the track from now on; gives what it was before.
    fn set_demand(&mut self, now: Instant, branch: BranchId, track: TrackId, wanted: Wanted) -> Wanted {
        let entry = match wanted.is_nothing() {
            false => self.tracks.entry(track).or_default(),
            true => match self.tracks.get_mut(&track) {
                Some(entry) => entry,
                None => return Wanted::NOTHING,
            },
        };
        let before = entry.demand_of(branch);
        if before != wanted {
            if wanted.is_nothing() {
                entry.demands.retain(|demand| demand.branch != branch);
            } else if let Some(demand) = entry.demands.iter_mut().find(|demand| demand.branch == branch) {
                demand.want(wanted);
            } else {
                entry.demands.push(Demand::new(branch, wanted));
            }
            if entry.is_idle() {
                self.calm(track, None);
            }
            self.want_encodings(now, track);
        }
        self.drop_unused(track);
        before
    }

    /// Tells the neighbours what is wanted of a track, where it is something else than they know.
    pub(super) fn tell_wants(&mut self, now: Instant, track: TrackId) {
        let mut ended = Vec::new();
        for at in 0..self.branches.len() {
            let branch = self.branches[at];
            let Some(entry) = self.tracks.get(&track) else { return };
            let wanted = self.wanted(now, entry, Some(branch));
            let Some(entry) = self.tracks.get_mut(&track) else {
                return;
            };
            let Some(Wanted { encodings, spatial }) = entry.ask(now, branch, wanted) else {
                continue;
            };
            if encodings.is_empty() {
                ended.push(branch);
            }
            let word = Word::Want {
                track,
                encodings,
                spatial,
            };
            self.tell(branch, word);
        }
        if self.tracks.get(&track).is_some_and(Track::asks_too_much) {
            self.share_at.get_or_insert(now + SHARE_INTERVAL);
        }
        for branch in ended {
            self.lose_origin(track, Origin::Branch(branch));
        }
    }

    /// Tells the neighbours who want the track that it is published. What comes by one who is going is nobody else's to offer
    /// until it comes by another.
    pub(super) fn tell_here(&mut self, track: TrackId) {
        if !self.fades(self.origin(track)) {
            self.tell_demanders(track, |entry| entry.here(track));
        }
    }

    /// Tells the neighbours who want the track that it is published no more.
    pub(super) fn tell_gone(&mut self, track: TrackId) {
        self.tell_demanders(track, |_| Word::Gone { track });
    }

    fn tell_demanders(&mut self, track: TrackId, word: impl Fn(&Track) -> Word) {
        let Some(entry) = self.tracks.get(&track) else { return };
        for &Demand { branch, .. } in &entry.demands {
            if !entry.comes_from(branch) {
                let word = word(entry);
                self.outputs.push_back(Output::Tell { branch, word });
            }
        }
    }

    pub(super) fn tell(&mut self, branch: BranchId, word: Word) {
        self.outputs.push_back(Output::Tell { branch, word });
    }

    /// What anybody wants of a track but this neighbour; everything, as long as nobody can choose.
    pub(super) fn wanted(&self, now: Instant, entry: &Track, except: Option<BranchId>) -> Wanted {
        let demands = entry.demands.iter().filter(|demand| Some(demand.branch) != except);
        let demanded = demands.fold(Wanted::NOTHING, |all, demand| all.and(demand.crosses()));
        if entry.lines.is_empty() || demanded == Wanted::ALL {
            return demanded;
        }
        let lines = || entry.lines.iter().filter_map(|&place| self.lines[place].as_ref());
        let sizes = lines().filter_map(|line| Some(line.target?.spatial));
        let received = Wanted {
            encodings: self.received(now, entry, demanded.encodings),
            spatial: sizes.max().unwrap_or_default(),
        };
        demanded.and(received)
    }

    /// The encodings that anybody receives or should, beside those that are wanted anyway.
    fn received(&self, now: Instant, entry: &Track, demanded: Encodings) -> Encodings {
        if !entry.has_choice(now) {
            return Encodings::ALL;
        }
        let mut wanted = demanded;
        for line in entry.lines.iter().filter_map(|&place| self.lines[place].as_ref()) {
            let target = line.target.map(|target| target.encoding);
            // Until the one that he should get has a keyframe, he stays with the one that he has.
            target
                .into_iter()
                .chain(line.encoding())
                .for_each(|encoding| wanted.insert(encoding));
        }
        // Who gets the largest that has come so far may be glad of one that is larger.
        let largest = entry.largest_seen();
        if wanted.contains(largest) {
            (largest..entry.encodings.len() as u8).for_each(|encoding| wanted.insert(encoding));
        }
        wanted
    }
}
