use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use rustc_hash::FxHashMap;

/// The number of slots of a level, and how many bits of a time say which.
const SLOTS: usize = 64;
const BITS: usize = 6;
/// With so many levels every time has its slot: the last one turns once in two thousand years.
const LEVELS: usize = 6;
const TICK: Duration = Duration::from_millis(1);

/// Wakes many things, each at its own time, to the millisecond: a hierarchical timing wheel (Varghese and Lauck, 1987). To note a time
/// and to find those whose time has come takes as long for ten thousand as for ten.
///
/// The slots of the first level have a tick each, those of the next 64, and so on; when the time of such a slot comes, what
/// is in it moves to the levels below. A wake-up may come sooner than it was asked for last, and up to a millisecond late.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    start: Instant,
    /// All before this tick, and at it, are ready.
    now: u64,
    levels: [Level; LEVELS],
    /// What is in the slots, each with the next one of its slot, and those that are free. Their number is that of the keys, as no slot
    /// keeps room of its own.
    nodes: Vec<Node<K>>,
    free: Option<u32>,
    ready: Vec<Entry<K>>,
    /// Which entry of a key counts: there may be outdated ones.
    due: FxHashMap<K, u64>,
}

#[derive(Debug)]
struct Level {
    /// A bit for each slot that is not empty.
    occupied: u64,
    /// Where the first node of each is.
    slots: [Option<u32>; SLOTS],
}

#[derive(Debug)]
struct Node<K> {
    entry: Entry<K>,
    next: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry<K> {
    key: K,
    /// In ticks since the start.
    at: u64,
}

impl<K: Copy + Eq + Hash> Timers<K> {
    pub(crate) fn new(now: Instant) -> Self {
        let level = |_| Level {
            occupied: 0,
            slots: [None; SLOTS],
        };
        Self {
            start: now,
            now: 0,
            levels: std::array::from_fn(level),
            nodes: Vec::new(),
            free: None,
            ready: Vec::new(),
            due: FxHashMap::default(),
        }
    }

    /// Wakes the key at this time, or less than a tick later; says when. Times before the start count as that.
    ///
    /// A later time than before is not noted: the key wakes too soon, looks and asks again. So a timer that is moved
    /// on with every packet costs one entry, not one for each packet.
    pub(crate) fn schedule(&mut self, key: K, at: Instant) -> Instant {
        let at = self.tick_after(at);
        let due = match self.due.get(&key) {
            Some(&due) if due <= at => due,
            _ => {
                self.due.insert(key, at);
                self.insert(Entry { key, at });
                at
            }
        };
        self.instant(due)
    }

    pub(crate) fn cancel(&mut self, key: K) {
        self.due.remove(&key);
    }

    /// The next key whose time has come; it must be scheduled again to wake again.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        let present = now.saturating_duration_since(self.start).as_millis() as u64;
        loop {
            while let Some(Entry { key, at }) = self.ready.pop() {
                if self.due.get(&key) == Some(&at) {
                    self.due.remove(&key);
                    return Some(key);
                }
            }
            match self.next_slot() {
                Some((level, slot, at)) if at <= present => {
                    self.now = at;
                    self.empty(level, slot);
                }
                _ => {
                    self.now = self.now.max(present);
                    return None;
                }
            }
        }
    }

    /// When to look for keys whose time has come, at the latest.
    pub(crate) fn next(&self) -> Option<Instant> {
        let at = match self.ready.is_empty() {
            true => self.next_slot().map(|(.., at)| at),
            false => Some(self.now),
        };
        at.map(|at| self.instant(at))
    }

    fn insert(&mut self, entry: Entry<K>) {
        // The highest bits in which it differs from the present say which level shows the difference.
        let Some(bit) = (entry.at ^ self.now).checked_ilog2().filter(|_| entry.at > self.now) else {
            return self.ready.push(entry);
        };
        let level = (bit as usize / BITS).min(LEVELS - 1);
        let slot = (entry.at >> (level * BITS)) as usize % SLOTS;
        let Level { occupied, slots } = &mut self.levels[level];
        *occupied |= 1 << slot;
        let node = Node {
            entry,
            next: slots[slot],
        };
        let at = match self.free {
            Some(at) => {
                self.free = std::mem::replace(&mut self.nodes[at as usize], node).next;
                at
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        slots[slot] = Some(at);
    }

    /// The first slot that is not empty: its level, which one, and when its time comes.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        // Whatever is on a level comes before everything on those above.
        let level = self.levels.iter().position(|level| level.occupied != 0)?;
        let slot = self.levels[level].occupied.trailing_zeros() as usize;
        let shift = level * BITS;
        let turn = self.now >> (shift + BITS) << (shift + BITS);
        Some((level, slot, turn | (slot as u64) << shift))
    }

    /// The time of a slot has come: what is in it is ready, or moves to the levels below.
    fn empty(&mut self, level: usize, slot: usize) {
        let Level { occupied, slots } = &mut self.levels[level];
        *occupied &= !(1 << slot);
        let mut next = slots[slot].take();
        while let Some(at) = next {
            let node = &mut self.nodes[at as usize];
            let entry = node.entry;
            next = std::mem::replace(&mut node.next, self.free.replace(at));
            // What was cancelled, or is to wake sooner, has no further way to go.
            if self.due.get(&entry.key) == Some(&entry.at) {
                self.insert(entry);
            }
        }
    }

    /// The first tick that is not before this time.
    fn tick_after(&self, at: Instant) -> u64 {
        let ticks = at
            .saturating_duration_since(self.start)
            .as_nanos()
            .div_ceil(TICK.as_nanos());
        // Who is asked for a time far out of reach is asked again before.
        ticks.min((1 << (LEVELS * BITS)) - 1) as u64
    }

    fn instant(&self, at: u64) -> Instant {
        self.start + Duration::from_millis(at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_key_wakes_once_at_its_earliest_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::new(start);
        timers.schedule('a', at(5));
        timers.schedule('b', at(2));
        assert_eq!(timers.schedule('a', at(3)), at(3));
        assert_eq!(timers.schedule('a', at(9)), at(3));
        timers.schedule('c', at(1));
        timers.cancel('c');
        assert!(timers.next().is_some_and(|next| next <= at(2)));
        assert_eq!(timers.pop(at(1)), None);
        assert_eq!(
            [2, 2, 3, 3].map(|now| timers.pop(at(now))),
            [Some('b'), None, Some('a'), None]
        );
        assert_eq!(timers.pop(at(9)), None);
        timers.schedule('a', at(9));
        assert_eq!(timers.pop(at(9)), Some('a'));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn who_is_late_already_wakes_at_once() {
        let start = Instant::now();
        let now = start + Duration::from_secs(10);
        let mut timers = Timers::new(start);
        assert_eq!(timers.pop(now), None);
        timers.schedule('a', start + Duration::from_secs(1));
        timers.schedule('b', now);
        assert!(timers.next().is_some_and(|next| next <= now));
        let mut woken = [timers.pop(now), timers.pop(now)];
        woken.sort();
        assert_eq!(woken, [Some('a'), Some('b')]);
        assert_eq!(timers.pop(now), None);
    }

    #[test]
    fn a_time_out_of_reach_is_kept() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let far = start + Duration::from_secs(1 << 40);
        let told = timers.schedule('a', far);
        assert!(
            told <= far && told > start + Duration::from_secs(1 << 20),
            "it will be asked again"
        );
        assert_eq!(timers.pop(start + Duration::from_secs(1 << 20)), None);
        assert_eq!(timers.pop(far), Some('a'));
    }

    proptest! {
        /// By an account that is kept beside it: whoever looks whenever [`Timers::next`] says wakes each key at its time, and no more
        /// than a tick later.
        #[test]
        fn nobody_wakes_early_late_or_twice(
            moves in prop::collection::vec((0..20_u8, 0..5_u8, 0..3_000_000_u64), 1..200),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut timers = Timers::new(start);
            let mut account: HashMap<u8, Instant> = HashMap::new();
            for (key, kind, micros) in moves {
                // Some are near, some far.
                let after = Duration::from_micros(micros >> (5 * kind));
                match kind {
                    4 if micros % 3 == 0 => {
                        timers.cancel(key);
                        account.remove(&key);
                    }
                    0 => {
                        let until = now + after;
                        while let Some(next) = timers.next().filter(|next| *next <= until) {
                            now = now.max(next);
                            while let Some(key) = timers.pop(now) {
                                let due = account.remove(&key).expect("it was asked for");
                                prop_assert!(due <= now && now - due < TICK, "{due:?} {now:?}");
                            }
                        }
                        now = until;
                        prop_assert!(account.values().all(|due| now < *due + TICK));
                    }
                    _ => {
                        timers.schedule(key, now + after);
                        let due = account.entry(key).or_insert(now + after);
                        *due = (*due).min(now + after);
                    }
                }
            }
        }
    }
}
