use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use hst_media::Frame;

/// The time of one step of what is invented: 20 ms.
pub(crate) const STEP: Duration = Duration::from_millis(20);
/// Packets that wait; when there is one more, the oldest is left out.
const MAX_WAITING: usize = 64;
/// Of how many packets the lateness is looked at: some seconds, so that a bad moment is soon forgotten.
const WINDOW: usize = 128;
/// The least and the most that the sound is held back.
const MIN_DELAY: Duration = Duration::from_millis(40);
const MAX_DELAY: Duration = Duration::from_millis(240);
/// How long sound is invented while nothing comes; then the sender counts as silent.
const PATIENCE: Duration = Duration::from_millis(200);
/// A hole longer than this is jumped over.
const MAX_HOLE: Duration = Duration::from_millis(200);
/// A hole shorter than this is a matter of rounding.
const ROUNDING: Duration = Duration::from_millis(3);
/// How long more has to wait than is needed before something is cut out.
const EXCESS: Duration = Duration::from_millis(500);
/// A packet that is off by more than this begins a time of its own.
const NEW_TIME: Duration = Duration::from_secs(1);

/// Holds one sender's packets back as long as the network's unevenness demands, and not longer.
///
/// What comes late makes the delay grow, by invented sound. What waits too long makes it shrink, by two packets that are
/// played in the time of one. The clock is the caller's: any that goes on as sound is played.
#[derive(Debug, Default)]
pub(crate) struct Jitter {
    /// By their times.
    waiting: BTreeMap<Duration, Frame>,
    /// The time of what is played next, once it plays.
    next: Option<Duration>,
    /// How much sound was invented since the last packet that was played.
    invented: Duration,
    /// For how long too much has been waiting.
    excess: Duration,
    /// How late the latest packets came, in microseconds from an arbitrary zero.
    lateness: VecDeque<i64>,
}

/// What is to be played next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This packet.
    Packet(Bytes),
    /// These two, in the time of one.
    Both(Bytes, Bytes),
    /// Something in the place of a lost packet; the one behind it, where it is there.
    Lost(Option<Bytes>),
    /// Nothing, for a [`STEP`]: the sender says nothing.
    Silence,
}

impl Jitter {
    /// A packet has come, in whatever order.
    pub(crate) fn push(&mut self, frame: Frame, now: Duration) {
        let lateness = now.as_micros() as i64 - frame.time.as_micros() as i64;
        let is_new_time = |before: &i64| lateness.abs_diff(*before) > NEW_TIME.as_micros() as u64;
        if self.lateness.back().is_some_and(is_new_time) {
            *self = Self::default();
        }
        if self.lateness.len() == WINDOW {
            self.lateness.pop_front();
        }
        self.lateness.push_back(lateness);
        if self.next.is_some_and(|next| frame.time + ROUNDING < next) {
            return; // Its time has passed.
        }
        self.waiting.insert(frame.time, frame);
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_first();
        }
    }

    /// What to play next.
    pub(crate) fn pull(&mut self) -> Next {
        let Some((&time, _)) = self.waiting.first_key_value() else {
            return self.invent();
        };
        let Some(next) = self.next else {
            if self.span(time) < self.delay() {
                return Next::Silence;
            }
            self.next = Some(time);
            return self.take();
        };
        // What was invented meanwhile has filled the hole already; unless too little is waiting, and the delay has to grow.
        let filled = if self.span(next) < self.delay() {
            Duration::ZERO
        } else {
            self.invented
        };
        let hole = time.saturating_sub(next).saturating_sub(filled);
        if (ROUNDING..MAX_HOLE).contains(&hole) {
            self.next = Some(time - hole + hole.min(STEP));
            self.invented = Duration::ZERO;
            let copy = self.waiting.first_key_value().filter(|_| hole <= STEP);
            return Next::Lost(copy.map(|(_, frame)| frame.data.clone()));
        }
        self.take()
    }

    /// How long the sound has to wait so that what is as late as the latest ones comes in time.
    fn delay(&self) -> Duration {
        let earliest = self.lateness.iter().min().copied().unwrap_or_default();
        let latest = self.lateness.iter().max().copied().unwrap_or_default();
        let spread = Duration::from_micros(latest.abs_diff(earliest));
        // A packet, and the one behind it with its copy.
        (spread + 2 * STEP).clamp(MIN_DELAY, MAX_DELAY)
    }

    /// How much sound is waiting behind `from`.
    fn span(&self, from: Duration) -> Duration {
        let last = self.waiting.last_key_value();
        last.map_or(Duration::ZERO, |(_, frame)| {
            (frame.time + frame.duration).saturating_sub(from)
        })
    }

    /// Plays the first packet, and the second with it where too much has been waiting for long.
    fn take(&mut self) -> Next {
        let Some((time, frame)) = self.waiting.pop_first() else {
            return self.invent();
        };
        let end = time + frame.duration;
        self.next = Some(end);
        self.invented = Duration::ZERO;
        self.excess = match self.span(end) > self.delay() + STEP {
            true => self.excess + frame.duration,
            false => Duration::ZERO,
        };
        if self.excess >= EXCESS
            && let Some(second) = self.waiting.first_entry()
            && second.key().abs_diff(end) < ROUNDING
        {
            self.excess = Duration::ZERO;
            let second = second.remove();
            self.next = Some(end + second.duration);
            return Next::Both(frame.data, second.data);
        }
        Next::Packet(frame.data)
    }

    fn invent(&mut self) -> Next {
        if self.next.is_none() || self.invented >= PATIENCE {
            self.next = None;
            self.invented = Duration::ZERO;
            return Next::Silence;
        }
        self.invented += STEP;
        Next::Lost(None)
    }
}

#[cfg(test)]
mod tests;
