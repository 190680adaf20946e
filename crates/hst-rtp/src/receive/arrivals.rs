use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{
    nearest,
    rtcp::{FeedbackHeader, TransportFeedback},
};

/// The longest feedback, so that it fits a datagram with whatever else is told.
pub const MAX_FEEDBACK: usize = 1100;

/// So often it is told, where little comes,
const SELDOM: Duration = Duration::from_millis(100);
/// and so often, where some wait to be told.
const OFTEN: Duration = Duration::from_millis(50);
const SOME: usize = 20;
/// What so many packets wait for is told at once.
const MANY: usize = 100;
/// A packet that is so many away from the last one begins a new stream.
const MAX_GAP: u64 = 4096;
/// Of so many numbers it is known when they came; where more wait to be told, the oldest are not.
const MAX_WINDOW: usize = 8192;
/// Of so many that have been told it is still known, for when one between them comes late.
const KEPT: u64 = 512;
/// What comes before the first packet has a number, too.
const FIRST_CYCLE: u64 = 1 << 16;

/// When the packets of a transport arrived, as its sender wants to be told (transport-wide feedback,
/// draft-holmer-rmcat-transport-wide-cc-extensions-01).
#[derive(Debug)]
pub struct Arrivals {
    /// Arrivals are told from here.
    epoch: Instant,
    /// The last of them has come.
    window: VecDeque<Option<Duration>>,
    /// The number of the first in the window.
    first: u64,
    /// The number of the first that has not been told.
    next: u64,
    /// How many have come that have not been told, and when the first of them did.
    waiting: usize,
    since: Option<Instant>,
    /// Of the next feedback.
    number: u8,
}

impl Arrivals {
    /// Nothing has come.
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            window: VecDeque::new(),
            first: 0,
            next: 0,
            waiting: 0,
            since: None,
            number: 0,
        }
    }

    /// Takes the transport-wide sequence number of a packet that has just come.
    pub fn handle_packet(&mut self, now: Instant, seq: u16) {
        let end = self.end();
        let mut number = nearest(end, seq);
        if self.window.is_empty() || number.abs_diff(end) > MAX_GAP {
            number = FIRST_CYCLE + u64::from(seq);
            self.begin(number);
        }
        let Some(at) = number.checked_sub(self.first) else {
            // Nobody knows any more what came around it.
            return;
        };
        let at = at as usize;
        if at >= self.window.len() {
            self.window.resize(at + 1, None);
        }
        if self.window[at].is_some() {
            return;
        }
        self.window[at] = Some(now.saturating_duration_since(self.epoch));
        self.next = self.next.min(number);
        self.waiting += 1;
        self.since.get_or_insert(now);
        self.forget(self.window.len().saturating_sub(MAX_WINDOW));
    }

    fn begin(&mut self, number: u64) {
        self.window.clear();
        (self.first, self.next) = (number, number);
        (self.waiting, self.since) = (0, None);
    }

    fn forget(&mut self, count: usize) {
        self.window.drain(..count);
        self.first += count as u64;
        self.next = self.next.max(self.first);
    }

    fn end(&self) -> u64 {
        self.first + self.window.len() as u64
    }

    /// When to call [`poll_feedback`](Self::poll_feedback).
    pub fn poll_timeout(&self) -> Option<Instant> {
        let interval = match self.waiting {
            MANY.. => Duration::ZERO,
            SOME.. => OFTEN,
            _ => SELDOM,
        };
        Some(self.since? + interval)
    }

    /// Appends a feedback of at most [`MAX_FEEDBACK`] bytes to an RTCP datagram, if it is time for one; says whether it did. As
    /// long as it does, there may be more to tell.
    ///
    /// It speaks as `sender`, of the transport of which `media` is any source.
    pub fn poll_feedback(&mut self, now: Instant, sender: u32, media: u32, out: &mut Vec<u8>) -> bool {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return false;
        }
        let header = FeedbackHeader {
            sender,
            media,
            base_seq: self.next as u16,
            number: self.number,
        };
        let untold = (self.next - self.first) as usize..;
        let arrivals = self.window.range(untold).copied();
        let count = TransportFeedback::write(out, header, MAX_FEEDBACK, arrivals);
        self.number = self.number.wrapping_add(1);
        self.next += u64::from(count);
        if self.next == self.end() {
            (self.waiting, self.since) = (0, None);
            self.forget((self.next - self.first).saturating_sub(KEPT) as usize);
        }
        count != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, Message, ReferenceClock};

    struct Receiver {
        arrivals: Arrivals,
        begin: Instant,
        clock: ReferenceClock,
        numbers: Vec<u8>,
    }

    impl Receiver {
        fn new() -> Self {
            let begin = Instant::now();
            Self {
                arrivals: Arrivals::new(begin),
                begin,
                clock: ReferenceClock::default(),
                numbers: Vec::new(),
            }
        }

        fn at(&self, ms: u64) -> Instant {
            self.begin + Duration::from_millis(ms)
        }

        fn take(&mut self, ms: u64, seqs: impl IntoIterator<Item = u16>) {
            let now = self.at(ms);
            seqs.into_iter().for_each(|seq| self.arrivals.handle_packet(now, seq));
        }

        /// What is told, with times in ms.
        fn told(&mut self, ms: u64) -> Vec<(u16, Option<u64>)> {
            let now = self.at(ms);
            let mut told = Vec::new();
            let mut datagram = Vec::new();
            while self.arrivals.poll_feedback(now, 1, 2, &mut datagram) {
                assert!(datagram.len() <= MAX_FEEDBACK);
                for message in Compound::new(&datagram) {
                    let Message::TransportFeedback(feedback) = message else {
                        panic!("{message:?}")
                    };
                    self.numbers.push(feedback.header.number);
                    // The clock begins one cycle up.
                    let begin = Duration::from_millis(64 << 24);
                    let ms = |time: Duration| (time - begin).as_millis() as u64;
                    told.extend(
                        feedback
                            .arrivals(&mut self.clock)
                            .map(|(seq, time)| (seq, time.map(ms))),
                    );
                }
                datagram.clear();
            }
            told
        }
    }

    #[test]
    fn arrivals_are_told_at_intervals_and_at_once_where_there_are_many() {
        let mut receiver = Receiver::new();
        assert_eq!(receiver.arrivals.poll_timeout(), None);
        receiver.take(0, 0..19);
        assert_eq!(receiver.arrivals.poll_timeout(), Some(receiver.at(100)));
        assert_eq!(receiver.told(99), []);
        receiver.take(10, [19]);
        assert_eq!(receiver.arrivals.poll_timeout(), Some(receiver.at(50)));
        assert_eq!(receiver.told(50).len(), 20);
        assert_eq!(receiver.arrivals.poll_timeout(), None);
        receiver.take(60, 20..120);
        assert_eq!(receiver.told(60).len(), 100);
        assert_eq!(receiver.numbers, [0, 1]);
    }

    #[test]
    fn losses_are_told_across_feedbacks_and_wraps() {
        let mut receiver = Receiver::new();
        receiver.take(1, [65_533, 65_535]);
        assert_eq!(
            receiver.told(101),
            [(65_533, Some(1)), (65_534, None), (65_535, Some(1))]
        );
        receiver.take(150, [1]);
        assert_eq!(receiver.told(250), [(0, None), (1, Some(150))]);
    }

    #[test]
    fn what_comes_late_is_told_with_what_is_known_of_those_behind_it() {
        let mut receiver = Receiver::new();
        receiver.take(1, [10, 12]);
        receiver.told(101);
        receiver.take(110, [11, 13, 13, 10]);
        assert_eq!(receiver.told(210), [(11, Some(110)), (12, Some(1)), (13, Some(110))]);
        receiver.take(220, (14..1_000).filter(|seq| *seq != 20));
        receiver.told(220);
        receiver.take(230, [20, 9]);
        assert_eq!(receiver.told(1_000), [], "nobody remembers");
    }

    #[test]
    fn what_does_not_fit_one_datagram_goes_into_more() {
        let mut receiver = Receiver::new();
        for seq in 0..3_000 {
            receiver.take(u64::from(seq) * 70, [seq]);
        }
        let told = receiver.told(210_000);
        assert!(
            told.iter()
                .enumerate()
                .all(|(at, told)| *told == (at as u16, Some(at as u64 * 70)))
        );
        assert_eq!(told.len(), 3_000);
        assert!(receiver.numbers.len() > 4);
    }

    #[test]
    fn gaps_are_told_up_to_those_that_are_a_new_stream() {
        let mut receiver = Receiver::new();
        receiver.take(0, [0, 4_000]);
        assert_eq!(receiver.told(100).len(), 4_001);
        receiver.take(200, [20_000, 10_000, 10_001]);
        assert_eq!(receiver.told(300), [(10_000, Some(200)), (10_001, Some(200))]);
    }

    #[test]
    fn nothing_grows_for_ever() {
        let mut receiver = Receiver::new();
        for at in 0..1_000_u64 {
            receiver.take(at, [(at * 4_000) as u16]);
            assert!(receiver.arrivals.window.len() <= MAX_WINDOW);
        }
        assert_eq!(receiver.told(2_000).len(), MAX_WINDOW);
        assert!(receiver.arrivals.window.len() <= KEPT as usize);
    }

    #[test]
    fn times_go_on_where_what_they_are_told_from_begins_anew() {
        let mut receiver = Receiver::new();
        let cycle = 64 << 24;
        receiver.take(cycle - 10, [1]);
        receiver.take(cycle + 10, [2]);
        let told = receiver.told(cycle + 200);
        assert_eq!(told[1].1.unwrap() - told[0].1.unwrap(), 20);
        receiver.take(cycle + 300, [3]);
        let later = receiver.told(cycle + 400);
        assert_eq!(later[0].1.unwrap() - told[1].1.unwrap(), 290);
    }
}
