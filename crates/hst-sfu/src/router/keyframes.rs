//! Which encodings want a keyframe, and who is asked for it.

use std::time::Instant;

use super::{Router, line_at};
use crate::{Encodings, Output, TrackId, Word, layer::Layer};

impl Router {
    /// Asks for what the line needs to start, or to go over to another encoding.
    pub(super) fn want_start(&mut self, now: Instant, place: usize) {
        let line = line_at(&mut self.lines, place);
        let (Some(track), Some(Layer { encoding, .. })) = (line.track, line.target) else {
            return;
        };
        if line.encoding() == Some(encoding) {
            return;
        }
        let has_nothing = line.encoding().is_none();
        self.want_keyframe(now, track, encoding);
        // Its publisher may have paused it: who sees nothing yet begins with a smaller one that comes.
        let smaller = self
            .tracks
            .get(&track)
            .and_then(|entry| entry.going_on_up_to(now, encoding));
        if let Some(smaller) = smaller.filter(|&smaller| has_nothing && smaller != encoding) {
            self.want_keyframe(now, track, smaller);
        }
    }

    /// Encodings have fallen silent while smaller ones go on: asks for what those who have them, or wait for them, can go over to.
    pub(super) fn want_smaller(&mut self, now: Instant, track: TrackId, fallen: Encodings) {
        let Some(entry) = self.tracks.get(&track) else { return };
        let smaller = entry.lines.iter().filter_map(|&place| {
            let line = self.lines[place].as_ref()?;
            let target = line.target?.encoding;
            let is_silent = fallen.contains(line.encoding().unwrap_or(target));
            is_silent.then(|| entry.going_on_up_to(now, target))?
        });
        for encoding in smaller.collect::<Encodings>().iter() {
            self.want_keyframe(now, track, encoding);
        }
    }

    pub(super) fn want_keyframe(&mut self, now: Instant, track: TrackId, encoding: u8) {
        let Some(entry) = self.tracks.get_mut(&track).filter(|entry| !entry.is_muted) else {
            return;
        };
        let Some(entry) = entry.encoding(encoding) else { return };
        // Nothing can be asked of a publisher who has not sent yet; his first packet will wake the wish.
        if !entry.source.as_ref().is_some_and(|source| source.codec.is_video()) {
            return;
        }
        if !std::mem::replace(&mut entry.wants_keyframe, true) {
            self.wanting.push((track, encoding));
        }
        self.ask(now, track, encoding);
    }

    /// A packet of this encoding will never come. No picture after it can be shown before the next keyframe, which is asked for if
    /// none has begun since and the encoding goes to anybody.
    pub fn handle_loss(&mut self, now: Instant, track: TrackId, encoding: u8, seq: u16) {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        let carries = |&place: &usize| line_at(&mut self.lines, place).encoding() == Some(encoding);
        let is_carried =
            entry.lines.iter().any(carries) || entry.demands.iter().any(|it| it.crosses().encodings.contains(encoding));
        let began = entry.encoding(encoding).and_then(|entry| entry.keyframe);
        let has_begun_since = began.is_some_and(|began| began.wrapping_sub(seq) as i16 > 0);
        if is_carried && !has_begun_since {
            self.want_keyframe(now, track, encoding);
        }
    }

    pub(super) fn ask(&mut self, now: Instant, track: TrackId, encoding: u8) {
        let entry = self.tracks.get_mut(&track).and_then(|entry| entry.encoding(encoding));
        let Some(entry) = entry else { return };
        if entry.may_ask_at().is_none_or(|at| at <= now) {
            entry.asked = Some(now);
            self.outputs.push_back(match self.branch_of(track) {
                None => Output::RequestKeyframe { track, encoding },
                Some(branch) => Output::Tell {
                    branch,
                    word: Word::Keyframe { track, encoding },
                },
            });
        }
    }

    /// The encoding wants no keyframe any more, or none of the track's does.
    pub(super) fn calm(&mut self, track: TrackId, encoding: Option<u8>) {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return;
        };
        let is_meant = |number: u8| encoding.is_none_or(|encoding| encoding == number);
        let mut has_changed = false;
        for (number, it) in entry.encodings.iter_mut().enumerate() {
            if is_meant(number as u8) {
                has_changed |= std::mem::take(&mut it.wants_keyframe);
            }
        }
        if has_changed {
            self.wanting
                .retain(|&(other, number)| other != track || !is_meant(number));
        }
    }
}
