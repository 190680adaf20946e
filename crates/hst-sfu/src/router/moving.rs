//! Tracks that come by another branch than before: because their publishers move, or because the neighbour by whom they came
//! goes. The packets of both are there for a while.

use std::time::Instant;

use super::Router;
use crate::{
    BranchId, Output, Packet, TrackId, Word,
    origin::{Next, Origin},
    reading::Reading,
    track::KEYFRAME_INTERVAL,
};

impl Router {
    /// Whether a packet of the track that has come from there, `None` being a publisher here, is one of those to be
    /// [handled](Self::handle_packet). Where its publisher is on his way to another branch, the first packet from there that
    /// receivers can begin with has those from before end: to them the track goes on.
    pub fn takes(&mut self, now: Instant, track: TrackId, from: Option<BranchId>, packet: &Packet<'_>) -> bool {
        let from = from.map_or(Origin::Here, Origin::Branch);
        if self.origin(track) == Some(from) {
            if !self.fading.is_empty() {
                self.compare(track, packet);
            }
            return true;
        }
        if !self.fading.is_empty()
            && let Some(is_taken) = self.goes_on(track, from, packet)
        {
            return is_taken;
        }
        let Some(entry) = self.tracks.get_mut(&track) else {
            return false;
        };
        let Some(next) = entry.next.as_mut().filter(|next| next.origin == from) else {
            return false;
        };
        if !packet.codec.is_video() || Reading::of(packet, &mut None).starts_keyframe {
            self.go_over(now, track);
            return true;
        }
        if next.asked.is_none_or(|at| at + KEYFRAME_INTERVAL <= now) {
            next.asked = Some(now);
            let encoding = packet.encoding;
            self.outputs.push_back(match from {
                Origin::Here => Output::RequestKeyframe { track, encoding },
                Origin::Branch(branch) => Output::Tell {
                    branch,
                    word: Word::Keyframe { track, encoding },
                },
            });
        }
        false
    }

    /// Those who publish here are going elsewhere: where a neighbour has a track of theirs, too, it will go on from there. Without
    /// this, whoever publishes here has come from there.
    pub fn leave(&mut self) {
        self.is_leaving = true;
    }

    /// This neighbour is going to [part](Self::part), and others take over what comes by him: the room has another middle. What is
    /// the same stream by another neighbour is taken from there without a keyframe, and of what is still on its way by this one
    /// nothing is lost. What comes by others already does not go back to him.
    pub fn fade(&mut self, branch: BranchId) {
        if self.branches.contains(&branch) && !self.fading.contains(&branch) {
            self.fading.push(branch);
        }
    }

    /// A neighbour has the track, too: its publisher is on his way there. Whoever is behind the one who had it before has to
    /// know.
    pub(super) fn expect_from(&mut self, track: TrackId, branch: BranchId) {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        let present = entry.origin;
        entry.next = Some(Next::new(Origin::Branch(branch)));
        if let Some(Origin::Branch(present)) = present.filter(|_| !self.fades(present)) {
            self.tell_next(track, present);
        }
    }

    /// Tells the neighbour behind whom the track is published that it will be elsewhere, if he wants it.
    pub(super) fn tell_next(&mut self, track: TrackId, branch: BranchId) {
        let Some(entry) = self.tracks.get(&track) else { return };
        if !entry.demand_of(branch).is_nothing() {
            let word = entry.here(track);
            self.tell(branch, word);
        }
    }

    /// Nothing comes from there any more. If the publisher is on his way elsewhere, the track goes on from there.
    pub(super) fn lose_origin(&mut self, track: TrackId, origin: Origin) {
        self.pass_all();
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        entry.next.take_if(|next| next.origin == origin);
        entry.former.take_if(|former| former.origin == origin);
        if entry.origin != Some(origin) {
            return;
        }
        // Whence it came before, it may still come: then he has not gone, or has come back.
        let Some(next) = entry.take_other_origin() else {
            return self.end(track);
        };
        self.silence(track);
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.origin = Some(next);
            entry.restart();
        }
        self.tell_here(track);
    }

    /// The track flows from where its publisher has gone.
    fn go_over(&mut self, now: Instant, track: TrackId) {
        self.pass_all();
        self.calm(track, None);
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        let Some(next) = entry.next.take() else { return };
        entry.go_over(next.origin, false);
        entry.restart();
        self.restart(track);
        self.want_encodings(now, track);
        // What they cost there shows soon.
        self.share_at = Some(now);
    }

    /// A packet has come by a neighbour who may be going, while another way may be there.
    fn compare(&mut self, track: TrackId, packet: &Packet<'_>) {
        if self.fades(self.origin(track))
            && let Some(entry) = self.tracks.get_mut(&track)
            && let Some(next) = &mut entry.next
        {
            next.ways.note(false, packet);
        }
    }

    /// Whether the packet counts that has come in place of one by a neighbour who is going, or by him in place of one by another:
    /// as soon as the packets of both ways are known to bear the same numbers, each counts from wherever it is there first.
    /// `None`: it is another stream, or numbered otherwise.
    fn goes_on(&mut self, track: TrackId, from: Origin, packet: &Packet<'_>) -> Option<bool> {
        let is_going = self.fades(self.origin(track));
        let entry = self.tracks.get_mut(&track).filter(|entry| entry.is_stream(packet))?;
        if entry
            .former
            .is_some_and(|former| former.origin == from && former.is_alike)
        {
            return Some(true);
        }
        let next = entry.next.as_mut().filter(|next| is_going && next.origin == from)?;
        let are_alike = next.ways.note(true, packet);
        if are_alike == Some(true) {
            entry.next = None;
            entry.go_over(from, true);
            self.tell_here(track);
        }
        match are_alike {
            Some(false) => None,
            // The one that is going still brings it.
            are_alike => Some(are_alike.is_some()),
        }
    }

    /// Whether it is one of the neighbours that are going.
    pub(super) fn fades(&self, origin: Option<Origin>) -> bool {
        matches!(origin, Some(Origin::Branch(branch)) if self.fading.contains(&branch))
    }
}
