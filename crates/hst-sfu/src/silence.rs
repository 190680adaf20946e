use std::time::{Duration, Instant};

use crate::{Encodings, track::Track};

/// An encoding of which nothing has come while so many pictures of a smaller one have begun is silent: so many are seldom lost
/// whole.
const PICTURES: usize = 3;
/// One that came and has stopped for so long, while a smaller one goes on, is not there.
pub(crate) const STOPPED: Duration = Duration::from_millis(400);

/// When the last pictures of an encoding began, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Begun([Option<Instant>; PICTURES]);

/// Whether an encoding has fallen silent while a smaller one goes on: so it shows that its publisher has given it up, because his
/// network carries less.
///
/// It may only be late, so nobody loses it by that: who has it takes a smaller one when a keyframe of that begins before it goes on.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    is_silent: bool,
    /// It is no silence before this: for so long nothing came, and then it went on.
    patience: Duration,
}

impl Begun {
    /// A picture begins. Those that begin at once were held up together, and tell of no time that has passed.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.0[0] != Some(now) {
            self.0.rotate_right(1);
            self.0[0] = Some(now);
        }
    }

    /// With the picture that began then there are enough of them.
    fn enough_since(&self) -> Option<Instant> {
        self.0[PICTURES - 1]
    }
}

impl Silence {
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Nothing has come of it since then, while pictures of a smaller encoding have begun; says whether it falls silent by that. While
    /// a keyframe of it is awaited it comes late, for what is missing is waited for.
    fn fall(&mut self, now: Instant, last_at: Instant, is_awaited: bool, smaller: &Begun) -> bool {
        let are_few = smaller.enough_since().is_none_or(|since| since <= last_at);
        let patience = if is_awaited { STOPPED } else { self.patience };
        if self.is_silent || are_few || now.saturating_duration_since(last_at) <= patience {
            return false;
        }
        self.is_silent = true;
        true
    }

    /// Something has come of it, so long after what came before, and goes on from that or not: then it had not stopped.
    pub(crate) fn end(&mut self, after: Duration, goes_on: bool) {
        if std::mem::take(&mut self.is_silent) && goes_on && after < STOPPED {
            self.patience = self.patience.max(after);
        }
    }
}

impl Track {
    /// Something of an encoding has come: the larger ones that have fallen silent by that.
    pub(crate) fn fall_silent(&mut self, now: Instant, number: u8) -> Encodings {
        let (smaller, larger) = self.encodings.split_at_mut(usize::from(number) + 1);
        let begun = smaller.last().map(|it| &it.begun);
        let mut fallen = Encodings::NONE;
        for (number, it) in (number + 1..).zip(larger) {
            if let (Some(source), Some(begun)) = (&it.source, begun)
                && it.silence.fall(now, source.last_at, it.wants_keyframe, begun)
            {
                fallen.insert(number);
            }
        }
        fallen
    }

    /// The encodings that have fallen silent while a smaller one goes on.
    pub(crate) fn silent(&self) -> Encodings {
        let silent = (0..).zip(&self.encodings).filter(|(_, it)| it.silence.is_silent());
        silent.map(|(number, _)| number).collect()
    }
}
