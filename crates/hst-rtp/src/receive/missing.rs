use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{Budget, Patience};

mod overtaken;

use overtaken::Overtaken;

/// A gap of more is no loss that could be mended: it begins anew behind it.
const MAX_GAP: u64 = 1000;
/// Of so many of the newest numbers it is known which have come. What is older is forgotten.
const WINDOW: u64 = 2048;
/// No more are missing at a time: where the newest are so many, those before them are given up.
const MOST: usize = 256;

/// Which packets of a source are missing, and when to ask for them (NACK).
#[derive(Debug)]
pub struct Missing {
    patience: Patience,
    highest: Option<u64>,
    /// What is below is forgotten.
    lowest: u64,
    /// In the order of their numbers; at most [`MOST`].
    lost: VecDeque<Lost>,
    /// Of those that were missing and came by themselves.
    overtaken: Overtaken,
    due: Option<Instant>,
    tally: Tally,
    /// The highest that was given up and not told yet.
    given_up: Option<u64>,
}

/// A packet that has not come.
#[derive(Debug)]
struct Lost {
    number: u64,
    since: Instant,
    asked: u8,
    /// When to ask for it; `None` when it is given up.
    due: Option<Instant>,
}

/// What a packet is to those that came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It is newer than all of them.
    New,
    /// So much newer that nothing of before counts any more.
    Jump,
    /// It was missing.
    Late,
    /// It has come before.
    Duplicate,
    /// It is so old that nobody knows.
    Forgotten,
}

/// How it went so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many packets were asked for, each as often as it was.
    pub asked: u64,
    /// How many came that had been asked for.
    pub recovered: u64,
    /// How many were given up.
    pub given_up: u64,
}

impl Missing {
    /// Nothing has come, and nothing is missing.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            highest: None,
            lowest: 0,
            lost: VecDeque::new(),
            overtaken: Overtaken::new(patience.reorder_at_most),
            due: None,
            tally: Tally::default(),
            given_up: None,
        }
    }

    /// Takes the number of a packet that has just come as it was sent first, or of which that is not known.
    pub fn handle_packet(&mut self, now: Instant, number: u64) -> Arrival {
        self.handle(now, number, true)
    }

    /// Takes the number of one that was sent again, or computed: so it was lost, and not overtaken.
    pub fn handle_again(&mut self, now: Instant, number: u64) -> Arrival {
        self.handle(now, number, false)
    }

    fn handle(&mut self, now: Instant, number: u64, is_first: bool) -> Arrival {
        let Some(highest) = self.highest.filter(|highest| number <= highest + MAX_GAP + 1) else {
            return self.begin(number);
        };
        if number > highest {
            self.advance(now, highest, number);
            return Arrival::New;
        }
        match self.lost.binary_search_by_key(&number, |lost| lost.number) {
            Ok(at) => {
                if let Some(lost) = self.lost.remove(at) {
                    self.tally.recovered += u64::from(lost.asked > 0);
                    let late = now.saturating_duration_since(lost.since);
                    self.overtaken.learn(if is_first { late } else { Duration::ZERO });
                }
                Arrival::Late
            }
            Err(_) if number < self.lowest => Arrival::Forgotten,
            Err(_) => Arrival::Duplicate,
        }
    }

    fn begin(&mut self, number: u64) -> Arrival {
        self.forget_below(number);
        match self.highest.replace(number) {
            None => Arrival::New,
            Some(_) => Arrival::Jump,
        }
    }

    fn advance(&mut self, now: Instant, highest: u64, number: u64) {
        self.highest = Some(number);
        self.forget_below(number.saturating_sub(WINDOW));
        let due = now + self.patience.reorder_time.max(self.overtaken.wait());
        let late = |number| Lost {
            number,
            since: now,
            asked: 0,
            due: Some(due),
        };
        let (next, first) = (highest + 1, number.saturating_sub(MOST as u64));
        if first > next {
            self.forget_below(first);
            self.tally.given_up += first - next;
            self.given_up = self.given_up.max(Some(first - 1));
        }
        self.lost.extend((first.max(next)..number).map(late));
        let excess = self.lost.len().saturating_sub(MOST);
        if excess > 0 {
            self.forget_below(self.lost[excess].number);
        }
        if number > highest + 1 {
            self.wake_at(due);
        }
        // Those that have just become too many behind.
        let behind = |of: u64| of.saturating_sub(self.patience.reorder_packets);
        let (from, to) = (behind(highest), behind(number));
        let begin = self.lost.partition_point(|lost| lost.number <= from);
        let (wait, mut earliest) = (self.overtaken.wait(), None);
        for lost in self.lost.range_mut(begin..).take_while(|lost| lost.number <= to) {
            if lost.asked == 0
                && let Some(due) = &mut lost.due
            {
                *due = (lost.since + wait).max(now).min(*due);
                earliest = earlier(earliest, Some(*due));
            }
        }
        if let Some(due) = earliest {
            self.wake_at(due);
        }
    }

    fn forget_below(&mut self, number: u64) {
        self.lowest = self.lowest.max(number);
        let count = self.lost.partition_point(|lost| lost.number < number);
        for lost in self.lost.drain(..count).filter(|lost| lost.due.is_some()) {
            self.tally.given_up += 1;
            self.given_up = self.given_up.max(Some(lost.number));
        }
    }

    fn wake_at(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When to call [`ask`](Self::ask).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Appends the sequence numbers that are to be asked for now, in their order, as they go into a
    /// [`Nack`](crate::rtcp::Nack). What the budget does not allow waits for [`at_least`](Patience::at_least).
    pub fn ask(&mut self, now: Instant, round_trip: Duration, budget: &mut Budget, seqs: &mut Vec<u16>) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let Patience {
            at_least,
            attempts,
            age,
            ..
        } = self.patience;
        let again = now + (round_trip + round_trip / 10).max(at_least);
        let mut next = None;
        for lost in &mut self.lost {
            let Some(due) = lost.due else { continue };
            if due <= now {
                let is_over = lost.asked >= attempts || now.saturating_duration_since(lost.since) >= age;
                if is_over {
                    lost.due = None;
                    self.tally.given_up += 1;
                    self.given_up = self.given_up.max(Some(lost.number));
                } else if budget.spend() {
                    lost.due = Some(again);
                    lost.asked += 1;
                    self.tally.asked += 1;
                    seqs.push(lost.number as u16);
                } else {
                    lost.due = Some(now + at_least);
                }
            }
            next = earlier(next, lost.due);
        }
        self.due = next;
    }

    /// The highest number that was given up since it was asked the last time.
    pub fn take_given_up(&mut self) -> Option<u64> {
        self.given_up.take()
    }

    /// How it went so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
