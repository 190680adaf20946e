use std::{cmp::Reverse, collections::BinaryHeap, hash::Hash, time::Instant};

use rustc_hash::FxHashMap;

/// Wakes many things, each at its own time. A wake-up may come too soon, never too late.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    /// May hold outdated entries; the map knows which one counts.
    heap: BinaryHeap<(Reverse<Instant>, K)>,
    due: FxHashMap<K, Instant>,
}

impl<K: Copy + Eq + Hash + Ord> Timers<K> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            due: FxHashMap::default(),
        }
    }

    /// Wakes the key at this time at the latest; says when.
    ///
    /// A later time than before is not noted: the key wakes too soon, looks and asks again. So a timer that is moved
    /// on with every packet costs one entry, not one for each packet.
    pub(crate) fn schedule(&mut self, key: K, at: Instant) -> Instant {
        match self.due.get(&key) {
            Some(&due) if due <= at => due,
            _ => {
                self.due.insert(key, at);
                self.heap.push((Reverse(at), key));
                at
            }
        }
    }

    pub(crate) fn cancel(&mut self, key: K) {
        self.due.remove(&key);
    }

    /// The next key whose time has come; it must be scheduled again to wake again.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        while let Some(&(Reverse(at), key)) = self.heap.peek() {
            let counts = self.due.get(&key) == Some(&at);
            if counts && at > now {
                return None;
            }
            self.heap.pop();
            if counts {
                self.due.remove(&key);
                return Some(key);
            }
        }
        None
    }

    pub(crate) fn next(&mut self) -> Option<Instant> {
        while let Some(&(Reverse(at), key)) = self.heap.peek() {
            if self.due.get(&key) == Some(&at) {
                return Some(at);
            }
            self.heap.pop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_key_wakes_once_at_its_earliest_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::new();
        timers.schedule('a', at(5));
        timers.schedule('b', at(2));
        timers.schedule('a', at(3));
        timers.schedule('a', at(9));
        timers.schedule('c', at(1));
        timers.cancel('c');
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.pop(at(1)), None);
        assert_eq!(
            (timers.pop(at(4)), timers.pop(at(4)), timers.pop(at(9))),
            (Some('b'), Some('a'), None)
        );
        assert_eq!(timers.next(), None);
        timers.schedule('a', at(9));
        assert_eq!(timers.pop(at(9)), Some('a'));
    }
}
