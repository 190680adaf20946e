//! How what a receiver's network carries is shared out among the pictures that he wants.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{Router, SHARE_INTERVAL, line_at};
use crate::{
    Output, PeerId, Rates, TrackId,
    allocate::{Wish, allocate},
    ladder::{self, Rung},
    layer::Layer,
    line::Line,
    receiver::Receiver,
};

/// A picture that a receiver has is paused only when it has not fitted for so long: estimates of what a network carries
/// waver.
const STARVED: Duration = Duration::from_secs(2);

/// What can be had of each track; looked up once for all receivers.
type Ladders = HashMap<TrackId, Vec<Rung>>;

impl Router {
    /// Shares out anew for everybody, and finds out which encodings are of use; again and again as long as anybody has
    /// to do with less than everything, or could.
    pub(super) fn share_all(&mut self, now: Instant) {
        if self.receivers.values().any(Receiver::is_bound)
            || self.tracks.values().any(|track| track.encodings.len() > 1)
            || !self.bounds.is_empty()
        {
            self.share_at = Some(now + SHARE_INTERVAL);
        }
        let mut ladders = Ladders::new();
        let peers: Vec<_> = self.receivers.keys().copied().collect();
        for peer in peers {
            self.share_by(now, peer, &mut ladders);
        }
        self.share_ways(now);
        let tracks: Vec<_> = self.tracks.keys().copied().collect();
        tracks.into_iter().for_each(|track| self.want_encodings(now, track));
    }

    /// Shares out anew for one receiver.
    pub(super) fn share(&mut self, now: Instant, peer: PeerId) {
        let has_changed = self.share_by(now, peer, &mut Ladders::new());
        let Some(receiver) = self.receivers.get(&peer) else {
            return;
        };
        if receiver.is_bound() {
            self.share_at.get_or_insert(now + SHARE_INTERVAL);
        }
        // It looks at all receivers of these tracks.
        if !has_changed {
            return;
        }
        let tracks = receiver
            .lines
            .iter()
            .filter_map(|&place| self.lines[place].as_ref()?.track);
        for track in tracks.collect::<Vec<_>>() {
            self.want_encodings(now, track);
        }
    }

    /// Says whether he is to get another encoding or size of anything than before.
    fn share_by(&mut self, now: Instant, peer: PeerId, ladders: &mut Ladders) -> bool {
        let Some(receiver) = self.receivers.get(&peer) else {
            return false;
        };
        let mut sound = 0;
        let mut places = Vec::new();
        let mut wishes = Vec::new();
        for &place in &receiver.lines {
            let line = line_at(&mut self.lines, place);
            let Some(track) = line.track else { continue };
            let Some(entry) = self.tracks.get(&track).filter(|entry| !entry.is_muted) else {
                continue;
            };
            if !entry.is_video() {
                if self.speakers.forwards(track) {
                    sound += entry.rate();
                }
                continue;
            }
            let mut ladder = ladders.entry(track).or_insert_with(|| entry.ladder(now)).clone();
            let view = receiver.views.get(&track).copied();
            ladder::cut(&mut ladder, view);
            let before = line
                .target
                .and_then(|target| ladder.iter().rposition(|rung| rung.layer <= target));
            places.push((view.unwrap_or(u32::MAX), place));
            wishes.push(Wish {
                priority: receiver.priorities.get(&track).copied().unwrap_or_default(),
                ladder,
                may_stutter: true,
                before,
                chosen: None,
            });
        }
        let (places, mut wishes) = in_order(places, wishes);
        let budget = receiver.budget.map(|budget| budget.saturating_sub(sound));
        allocate(budget, &mut wishes);
        let rates = rates(sound, &wishes);
        let mut has_changed = false;
        for (place, wish) in places.into_iter().zip(wishes) {
            if let Some(smallest) = wish.ladder.first() {
                let target = wish.chosen.map(|chosen| wish.ladder[chosen].layer);
                has_changed |= self.aim(now, place, smallest.layer, target);
            }
        }
        self.tell_rates(peer, rates);
        has_changed
    }

    /// The line should carry this from now on: at least the smallest, unless nothing has fitted for some time. Says
    /// whether it is another encoding or size than before.
    fn aim(&mut self, now: Instant, place: usize, smallest: Layer, target: Option<Layer>) -> bool {
        let line = line_at(&mut self.lines, place);
        let short_since = match target {
            Some(_) => None,
            None => Some(line.short_since.unwrap_or(now)),
        };
        line.short_since = short_since;
        let is_short = |since: Instant| now.saturating_duration_since(since) < STARVED;
        let target = match short_since.filter(|&since| is_short(since) && line.target.is_some()) {
            Some(_) => Some(smallest),
            None => target,
        };
        let Line {
            id, track: Some(track), ..
        } = *line
        else {
            return false;
        };
        let encoding = |target: Option<Layer>| target.map(|target| target.encoding);
        let comes = |number: u8| {
            let encodings = self.tracks.get(&track).map(|entry| &entry.encodings);
            encodings
                .and_then(|it| it.get(usize::from(number)))
                .is_some_and(|it| it.comes(now) && it.is_there(now))
        };
        // What has dried up is not held on to: any keyframe will do, also of a smaller one while the next is being woken.
        if line
            .encoding()
            .is_some_and(|number| encoding(target) != Some(number) && !comes(number))
        {
            line.stop();
        }
        let before = std::mem::replace(&mut line.target, target);
        if before.is_none() != target.is_none() {
            line.freezes.rest();
            self.outputs.push_back(Output::Starved {
                line: id,
                track,
                is_starved: target.is_none(),
            });
        }
        if encoding(before) != encoding(target) {
            self.want_start(now, place);
        }
        let size = |target: Option<Layer>| target.map(|target| (target.encoding, target.spatial));
        size(before) != size(target)
    }

    /// Tells the publisher, or the neighbours, which encodings are of use to anybody.
    pub(super) fn want_encodings(&mut self, now: Instant, track: TrackId) {
        self.tell_wants(now, track);
        let Some(entry) = self.tracks.get(&track).filter(|entry| entry.has_choice(now)) else {
            return;
        };
        // What is wanted where it comes from does not come here.
        let source = self.branch_of(track);
        let wanted = self.wanted(now, entry, source).encodings;
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        if let Some(encodings) = entry.want(now, wanted).filter(|_| source.is_none()) {
            self.outputs.push_back(Output::Wanted { track, encodings });
        }
    }

    fn tell_rates(&mut self, peer: PeerId, rates: Rates) {
        let Some(receiver) = self.receivers.get_mut(&peer).filter(|it| it.budget.is_some()) else {
            return;
        };
        if std::mem::replace(&mut receiver.told, rates) != rates {
            self.outputs.push_back(Output::Rates { peer, rates });
        }
    }
}

/// Sorts wishes by how much they matter, and then by how large they are shown.
fn in_order(places: Vec<(u32, usize)>, wishes: Vec<Wish>) -> (Vec<usize>, Vec<Wish>) {
    let mut both: Vec<_> = places.into_iter().zip(wishes).collect();
    both.sort_by_key(|((view, _), wish)| std::cmp::Reverse((wish.priority, *view)));
    both.into_iter().map(|((_, place), wish)| (place, wish)).unzip()
}

fn rates(sound: u64, wishes: &[Wish]) -> Rates {
    let present = sound + wishes.iter().map(Wish::rate).sum::<u64>();
    let steps = wishes.iter().map(|wish| wish.next_rate().saturating_sub(wish.rate()));
    Rates {
        present,
        next: present + steps.filter(|&step| step > 0).min().unwrap_or(0),
        desired: sound + wishes.iter().map(Wish::best_rate).sum::<u64>(),
    }
}
