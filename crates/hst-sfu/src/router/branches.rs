//! The neighbours of a router whose room is spread over several.

use std::time::Instant;

use super::Router;
use crate::{
    BranchId, Encodings, Output, TrackId, Word,
    track::{Origin, Track},
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
            Word::Want { track, encodings } => self.hear_want(now, branch, track, encodings),
            Word::Here { track, encodings } => {
                let is_new = |entry: &&mut Track| {
                    let was_left = entry.origin.is_some() && entry.former == Some(Origin::Branch(branch));
                    !entry.asked_of(branch).is_empty() && !was_left
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

    fn origin(&self, track: TrackId) -> Option<Origin> {
        self.tracks.get(&track)?.origin
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
                entry.asked.retain(|&(other, _)| other != branch);
            }
            self.set_demand(now, branch, track, Encodings::NONE);
        }
    }

    fn hear_want(&mut self, now: Instant, branch: BranchId, track: TrackId, encodings: Encodings) {
        let before = self.set_demand(now, branch, track, encodings);
        let Some(entry) = self.tracks.get(&track) else { return };
        let is_here = entry.origin.is_some() && !entry.comes_from(branch) && !self.fades(entry.origin);
        if before.is_empty() && !encodings.is_empty() && is_here {
            let word = entry.here(track);
            self.tell(branch, word);
        }
        // Who takes it up begins at a keyframe, as any line does.
        for encoding in encodings.without(before).iter() {
            self.want_keyframe(now, track, encoding);
        }
    }

    /// The neighbour wants this of the track from now on; gives what it was before.
    fn set_demand(&mut self, now: Instant, branch: BranchId, track: TrackId, encodings: Encodings) -> Encodings {
        let entry = match encodings.is_empty() {
            false => self.tracks.entry(track).or_default(),
            true => match self.tracks.get_mut(&track) {
                Some(entry) => entry,
                None => return Encodings::NONE,
            },
        };
        let before = entry.demand_of(branch);
        if before != encodings {
            entry.demands.retain(|&(other, _)| other != branch);
            if !encodings.is_empty() {
                entry.demands.push((branch, encodings));
            } else if entry.is_idle() {
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
            let encodings = self.wanted(now, entry, Some(branch));
            let Some(entry) = self.tracks.get_mut(&track) else {
                return;
            };
            if entry.asked_of(branch) == encodings {
                continue;
            }
            entry.asked.retain(|&(other, _)| other != branch);
            if !encodings.is_empty() {
                entry.asked.push((branch, encodings));
            }
            if encodings.is_empty() {
                ended.push(branch);
            }
            self.tell(branch, Word::Want { track, encodings });
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
        for &(branch, _) in &entry.demands {
            if !entry.comes_from(branch) {
                let word = word(entry);
                self.outputs.push_back(Output::Tell { branch, word });
            }
        }
    }

    pub(super) fn tell(&mut self, branch: BranchId, word: Word) {
        self.outputs.push_back(Output::Tell { branch, word });
    }

    /// The encodings of a track that anybody wants but this neighbour; all, as long as nobody can choose.
    pub(super) fn wanted(&self, now: Instant, entry: &Track, except: Option<BranchId>) -> Encodings {
        let demands = entry.demands.iter().filter(|(branch, _)| Some(*branch) != except);
        let demanded = demands.fold(Encodings::NONE, |all, &(_, encodings)| all.and(encodings));
        if entry.lines.is_empty() || demanded == Encodings::ALL {
            return demanded;
        }
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
