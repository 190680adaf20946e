use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The last packets of one published stream, shared by all who receive it: what any of them asks for again is found here.
///
/// `P` is the payload, cheap to clone where it is counted, and `T` is whatever else is needed to send it again. Once it has been
/// full, it allocates nothing.
#[derive(Debug)]
pub struct History<P, T> {
    limits: Limits,
    /// One for each number from `first` on, also for those that have not come. The last one has.
    packets: VecDeque<Option<Kept<P, T>>>,
    first: u64,
    /// From then on the times of the packets count.
    begin: Option<Instant>,
    /// How many bytes of payload are kept.
    bytes: usize,
}

/// How much is kept; what is beyond any of them is dropped, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The newest of so many numbers.
    pub packets: usize,
    /// So many bytes of payload; of a packet that is larger nothing is kept.
    pub bytes: usize,
    /// What has come within this time.
    pub age: Duration,
}

#[derive(Debug)]
struct Kept<P, T> {
    /// In milliseconds: small, as there is one for each packet and each who receives it.
    came: u32,
    payload: P,
    about: T,
}

impl Default for Limits {
    /// A second of 4 Mbit/s.
    fn default() -> Self {
        Self {
            packets: 512,
            bytes: 512 * 1024,
            age: Duration::from_secs(1),
        }
    }
}

impl<P: AsRef<[u8]>, T> History<P, T> {
    /// Nothing is kept.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            packets: VecDeque::new(),
            first: 0,
            begin: None,
            bytes: 0,
        }
    }

    /// Keeps a packet that has just come, in whatever order, under its number that never wraps; where there is one of that
    /// number, it keeps that.
    pub fn push(&mut self, now: Instant, number: u64, payload: P, about: T) {
        self.begin.get_or_insert(now);
        let now = self.time(now);
        let end = self.first + self.packets.len() as u64;
        if self.packets.is_empty() || number >= end + self.limits.packets as u64 {
            self.packets.clear();
            self.bytes = 0;
            self.first = number;
        }
        // Older than all that is kept.
        let Some(at) = number.checked_sub(self.first) else {
            return;
        };
        let at = at as usize;
        while self.packets.len() <= at {
            self.packets.push_back(None);
        }
        if self.packets[at].is_none() {
            self.bytes += payload.as_ref().len();
            self.packets[at] = Some(Kept {
                came: now,
                payload,
                about,
            });
        }
        self.trim(now);
    }

    /// A moment as packets have it: it wraps in 49 days, which is long enough for whatever is kept for a while.
    fn time(&self, now: Instant) -> u32 {
        let begin = self.begin.unwrap_or(now);
        now.saturating_duration_since(begin).as_millis() as u32
    }

    fn is_over(&self, now: u32, came: u32) -> bool {
        // Packets come in order of time, unless a clock is read twice.
        let age = now.wrapping_sub(came) as i32;
        age >= 0 && Duration::from_millis(age as u64) >= self.limits.age
    }

    fn trim(&mut self, now: u32) {
        while self.is_beyond(now) {
            let dropped = self.packets.pop_front().flatten();
            self.bytes -= dropped.map_or(0, |kept| kept.payload.as_ref().len());
            self.first += 1;
        }
    }

    /// Whether the first has to go.
    fn is_beyond(&self, now: u32) -> bool {
        let is_over = |kept: &Kept<P, T>| self.is_over(now, kept.came);
        let Some(first) = self.packets.front() else {
            return false;
        };
        self.packets.len() > self.limits.packets || self.bytes > self.limits.bytes || first.as_ref().is_none_or(is_over)
    }

    /// A packet that is asked for again, if it is kept.
    pub fn get(&self, now: Instant, number: u64) -> Option<(&P, &T)> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let kept = self.packets.get(at)?.as_ref()?;
        let is_young = !self.is_over(self.time(now), kept.came);
        is_young.then_some((&kept.payload, &kept.about))
    }

    /// How many bytes of payload are kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Stream {
        history: History<Arc<[u8]>, u32>,
        begin: Instant,
    }

    impl Stream {
        fn new(limits: Limits) -> Self {
            Self {
                history: History::new(limits),
                begin: Instant::now(),
            }
        }

        fn push(&mut self, ms: u64, number: u64, len: usize) {
            let now = self.begin + Duration::from_millis(ms);
            self.history
                .push(now, number, vec![number as u8; len].into(), number as u32);
        }

        fn kept(&self, ms: u64, numbers: std::ops::Range<u64>) -> Vec<u64> {
            let now = self.begin + Duration::from_millis(ms);
            numbers
                .filter(|number| match self.history.get(now, *number) {
                    Some((payload, about)) => {
                        assert_eq!((payload[0], *about), (*number as u8, *number as u32));
                        true
                    }
                    None => false,
                })
                .collect()
        }
    }

    const LIMITS: Limits = Limits {
        packets: 4,
        bytes: 1_000,
        age: Duration::from_millis(100),
    };

    #[test]
    fn packets_are_found_in_whatever_order_they_came() {
        let mut stream = Stream::new(LIMITS);
        for number in [10, 13, 11, 11, 9] {
            stream.push(0, number, 10);
        }
        assert_eq!(stream.kept(0, 0..20), [10, 11, 13]);
        assert_eq!(stream.history.bytes(), 30);
    }

    #[test]
    fn the_oldest_go_where_there_are_too_many() {
        let mut stream = Stream::new(LIMITS);
        (0..10).for_each(|number| stream.push(0, number, 10));
        assert_eq!(stream.kept(0, 0..20), [6, 7, 8, 9]);
        stream.push(0, 12, 10);
        assert_eq!(stream.kept(0, 0..20), [9, 12]);
        assert_eq!(stream.history.bytes(), 20);
    }

    #[test]
    fn the_oldest_go_where_they_are_too_large() {
        let mut stream = Stream::new(LIMITS);
        for (number, len) in [(0, 400), (1, 400), (2, 400)] {
            stream.push(0, number, len);
        }
        assert_eq!((stream.kept(0, 0..20), stream.history.bytes()), (vec![1, 2], 800));
        stream.push(0, 3, 1_001);
        assert_eq!((stream.kept(0, 0..20), stream.history.bytes()), (vec![], 0));
        stream.push(0, 4, 1_000);
        assert_eq!(stream.kept(0, 0..20), [4]);
    }

    #[test]
    fn nothing_is_found_that_is_too_old() {
        let mut stream = Stream::new(LIMITS);
        stream.push(0, 0, 10);
        stream.push(50, 1, 10);
        assert_eq!(stream.kept(99, 0..20), [0, 1]);
        assert_eq!(stream.kept(100, 0..20), [1]);
        // Behind a gap, too.
        stream.push(120, 3, 10);
        stream.push(220, 4, 10);
        assert_eq!((stream.kept(220, 0..20), stream.history.bytes()), (vec![4], 10));
    }

    #[test]
    fn a_jump_drops_everything() {
        let mut stream = Stream::new(LIMITS);
        stream.push(0, 0, 10);
        stream.push(0, u64::from(u32::MAX), 10);
        assert_eq!(stream.kept(0, 0..20), []);
        assert_eq!((stream.history.packets.len(), stream.history.bytes()), (1, 10));
    }

    #[test]
    fn once_full_it_takes_no_more_room() {
        let mut stream = Stream::new(LIMITS);
        (0..10).for_each(|number| stream.push(0, number, 10));
        let room = stream.history.packets.capacity();
        (10..10_000).for_each(|number| stream.push(number, number, 10));
        (20_000..30_000)
            .step_by(3)
            .for_each(|number| stream.push(number, number, 10));
        assert_eq!(stream.history.packets.capacity(), room);
    }
}
