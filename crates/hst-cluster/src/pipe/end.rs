use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::frame::{MAX_MISSING, What};

/// Messages that were pushed and have not come out of the other end yet. When there are so many, [none can be
/// pushed](super::Pipe::has_room) until some have.
pub const WINDOW: usize = 256;
/// When nothing is heard for so long, at first and at last, the last message is sent again: the answer says what is missing.
const ASK_FIRST: Duration = Duration::from_millis(50);
const ASK_LAST: Duration = Duration::from_secs(1);
/// What is missing is sent again when it was sent so long ago; until then it may be on its way.
const REPEAT: Duration = Duration::from_millis(20);
/// An end of which nothing is heard for so long although it was asked is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// An end that has heard nothing for so long says that it is there: should the other be gone, and its farewell lost, the answer
/// says so. If it hears nothing then either, it asks: a process that is no more answers nobody. Otherwise who has nothing to say
/// would wait for it for ever.
const QUIET: Duration = Duration::from_secs(5);

/// One end of a pipe, without I/O.
#[derive(Debug)]
pub(super) struct End {
    /// The other end's number, once it is known.
    peer: Option<u64>,
    /// What is said until then.
    greeting: Bytes,
    /// Behind the last message that has come out of the other end; the first of `unacked`.
    acked: u64,
    unacked: VecDeque<Unacked>,
    /// The messages that are to be sent, or sent again.
    to_send: VecDeque<u64>,
    /// Of the next message that is to come out here.
    next: u64,
    /// Messages that wait to be taken, and those behind a gap.
    arrived: BTreeMap<u64, Bytes>,
    /// The last message that is known to have been sent.
    last_seen: u64,
    owes_ack: bool,
    /// Whether the other end is to be asked, and when, if anything is unanswered.
    asks: bool,
    ask_at: Option<Instant>,
    pause: Duration,
    /// Since when nothing was heard although something is unanswered, or a sign was given.
    silent_since: Option<Instant>,
    /// When the other end is to hear that this one is there; `None` before anything was heard of it.
    sign_at: Option<Instant>,
    is_over: bool,
}

#[derive(Debug)]
struct Unacked {
    message: Bytes,
    sent_at: Option<Instant>,
}

impl End {
    /// The end that begins the pipe.
    pub(super) fn open(now: Instant, greeting: Bytes) -> Self {
        let mut end = Self::new(None, greeting);
        end.asks = true;
        end.await_answer(now);
        end
    }

    /// The end at the other side, when it is certain that there is somebody.
    pub(super) fn accept(peer: u64) -> Self {
        Self::new(Some(peer), Bytes::new())
    }

    fn new(peer: Option<u64>, greeting: Bytes) -> Self {
        Self {
            peer,
            greeting,
            acked: 1,
            unacked: VecDeque::new(),
            to_send: VecDeque::new(),
            next: 1,
            arrived: BTreeMap::new(),
            last_seen: 0,
            owes_ack: false,
            asks: false,
            ask_at: None,
            pause: ASK_FIRST,
            silent_since: None,
            sign_at: None,
            is_over: false,
        }
    }

    pub(super) fn peer(&self) -> Option<u64> {
        self.peer
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn has_room(&self) -> bool {
        self.unacked.len() < WINDOW
    }

    /// How many of the messages that were pushed have come out of the other end.
    pub(super) fn delivered(&self) -> u64 {
        self.acked - 1
    }

    /// Takes a message, and gives its number, counted from 1. Only while it [has room](Self::has_room).
    pub(super) fn push(&mut self, now: Instant, message: Bytes) -> u64 {
        let seq = self.acked + self.unacked.len() as u64;
        self.unacked.push_back(Unacked { message, sent_at: None });
        self.to_send.push_back(seq);
        self.await_answer(now);
        seq
    }

    /// The next message of the other end. It counts as delivered when it is taken.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let message = self.arrived.remove(&self.next)?;
        self.next += 1;
        self.owes_ack = true;
        Some(message)
    }

    /// The other end has said something, under this number for the pipe.
    pub(super) fn handle(&mut self, now: Instant, from: u64, what: What) {
        match self.peer {
            None if matches!(what, What::Ack { .. } | What::End) => {
                self.peer = Some(from);
                // It begins there when its number is named.
                self.owes_ack = true;
                self.answered(now);
            }
            // Of another pipe that had the same beginning.
            peer if peer != Some(from) => return,
            _ => {}
        }
        self.silent_since = self.ask_at.map(|_| now);
        self.sign_at = Some(now + QUIET);
        match what {
            // It has not heard the answer.
            What::Open { .. } => self.owes_ack = true,
            What::Data { seq, next, message } => {
                self.owes_ack = true;
                self.handle_ack(now, next);
                if self.expects(seq) {
                    self.last_seen = self.last_seen.max(seq);
                    self.arrived.insert(seq, message);
                }
            }
            What::Ack { next, missing } => {
                self.handle_ack(now, next);
                for seq in missing {
                    self.repeat(now, seq);
                }
            }
            What::End => self.is_over = true,
        }
    }

    /// What was polled last could not be sent. Nothing can be heard either, so silence says nothing.
    pub(super) fn handle_unsent(&mut self, now: Instant) {
        self.silent_since = self.silent_since.map(|_| now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let due = self.ask_at.into_iter().chain(self.sign_at).min();
        due.filter(|_| !self.is_over)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.is_over |= self.silent_since.is_some_and(|since| now >= since + SILENCE);
        if self.sign_at.is_some_and(|at| at <= now) {
            match self.silent_since {
                Some(_) => self.asks = true,
                None => {
                    self.owes_ack = true;
                    self.silent_since = Some(now);
                }
            }
            self.sign_at = Some(now + QUIET);
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            self.asks = true;
            self.pause = ASK_LAST.min(self.pause * 2);
            self.ask_at = Some(now + self.pause);
        }
    }

    /// What is to be sent next.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<What> {
        if self.peer.is_none() {
            let greeting = self.greeting.clone();
            return std::mem::take(&mut self.asks).then_some(What::Open { greeting });
        }
        let last = self.acked + self.unacked.len() as u64 - 1;
        if std::mem::take(&mut self.asks) {
            if self.unacked.is_empty() {
                // It has come there, and nobody keeps what it said: it is passed over, and answered.
                let (next, message) = (self.next, Bytes::new());
                return Some(What::Data {
                    seq: last,
                    next,
                    message,
                });
            }
            if !self.to_send.contains(&last) {
                self.to_send.push_back(last);
            }
        }
        while let Some(seq) = self.to_send.pop_front() {
            // One that is not there any more was acknowledged meanwhile.
            if let Some(unacked) = self.find(seq) {
                unacked.sent_at = Some(now);
                let message = unacked.message.clone();
                // Where something is missing, an acknowledgement of its own says so.
                self.owes_ack &= self.has_gap();
                let next = self.next;
                return Some(What::Data { seq, next, message });
            }
        }
        let owes_ack = std::mem::take(&mut self.owes_ack);
        owes_ack.then(|| What::Ack {
            next: self.next,
            missing: self.missing(),
        })
    }

    fn handle_ack(&mut self, now: Instant, next: u64) {
        let acked = next.saturating_sub(self.acked).min(self.unacked.len() as u64);
        if acked > 0 {
            self.unacked
                .drain(..usize::try_from(acked).expect("no more than the window"));
            self.acked += acked;
            self.answered(now);
        }
    }

    fn repeat(&mut self, now: Instant, seq: u64) {
        let is_old = |unacked: &mut Unacked| unacked.sent_at.is_some_and(|at| now >= at + REPEAT);
        if self.find(seq).is_some_and(is_old) && !self.to_send.contains(&seq) {
            self.to_send.push_back(seq);
            // The other end answers: should this be lost too, it is soon asked again.
            self.pause = ASK_FIRST;
            self.ask_at = Some(now + self.pause);
        }
    }

    fn find(&mut self, seq: u64) -> Option<&mut Unacked> {
        let at = seq.checked_sub(self.acked)?;
        self.unacked.get_mut(usize::try_from(at).ok()?)
    }

    fn expects(&self, seq: u64) -> bool {
        (self.next..self.next + WINDOW as u64).contains(&seq)
    }

    fn has_gap(&self) -> bool {
        self.arrived.len() as u64 != (self.last_seen + 1).saturating_sub(self.next)
    }

    fn missing(&self) -> Vec<u64> {
        let known = self.next..=self.last_seen;
        let missing = known.filter(|seq| !self.arrived.contains_key(seq));
        missing.take(MAX_MISSING).collect()
    }

    /// Something is on its way to the other end from here on.
    fn await_answer(&mut self, now: Instant) {
        if self.ask_at.is_none() {
            self.pause = ASK_FIRST;
            self.ask_at = Some(now + self.pause);
            self.silent_since = Some(now);
        }
    }

    /// Something has come there.
    fn answered(&mut self, now: Instant) {
        self.asks = false;
        self.ask_at = None;
        self.silent_since = None;
        if !self.unacked.is_empty() {
            self.await_answer(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pair(now: Instant) -> (End, End) {
        let mut one = End::open(now, "hello".into());
        let greeting = "hello".into();
        assert_eq!(one.poll_transmit(now), Some(What::Open { greeting }));
        let mut other = End::accept(1);
        other.owes_ack = true;
        let answer = other.poll_transmit(now).unwrap();
        one.handle(now, 2, answer);
        (one, other)
    }

    fn sent(end: &mut End, now: Instant) -> Vec<What> {
        std::iter::from_fn(|| end.poll_transmit(now)).collect()
    }

    fn pushed(end: &mut End, now: Instant, count: usize) -> Vec<What> {
        for _ in 0..count {
            end.push(now, "x".into());
        }
        sent(end, now)
    }

    #[test]
    fn a_lost_tail_is_asked_about_and_only_what_is_missing_is_sent_again() {
        let start = Instant::now();
        let (mut one, mut other) = pair(start);
        let mut frames = pushed(&mut one, start, 3);
        other.handle(start, 1, frames.remove(0));
        other.pop().unwrap();
        for answer in sent(&mut other, start) {
            one.handle(start, 2, answer);
        }
        assert_eq!((one.delivered(), one.poll_timeout()), (1, Some(start + ASK_FIRST)));
        let later = start + ASK_FIRST;
        one.handle_timeout(later);
        let last = sent(&mut one, later);
        assert!(matches!(last[..], [What::Data { seq: 3, .. }]), "{last:?}");
        for frame in last {
            other.handle(later, 1, frame);
        }
        let missing = vec![2];
        assert_eq!(
            sent(&mut other, later),
            [What::Ack {
                next: 2,
                missing: missing.clone()
            }]
        );
        one.handle(
            later,
            2,
            What::Ack {
                next: 2,
                missing: missing.clone(),
            },
        );
        let again = sent(&mut one, later);
        assert_eq!(again.len(), 1);
        // Asked again at once, they are still on their way.
        one.handle(later + MS, 2, What::Ack { next: 2, missing });
        assert_eq!(sent(&mut one, later + MS), []);
        for frame in again {
            other.handle(later, 1, frame);
        }
        assert!(other.pop().is_some() && other.pop().is_some() && other.pop().is_none());
    }

    #[test]
    fn what_is_lost_again_and_again_is_asked_about_as_soon_as_at_first() {
        let start = Instant::now();
        let (mut one, mut other) = pair(start);
        let mut frames = pushed(&mut one, start, 2);
        other.handle(start, 1, frames.remove(1));
        for round in 1..8 {
            let now = start + ASK_FIRST * round;
            assert_eq!(one.poll_timeout(), Some(now));
            one.handle_timeout(now);
            for frame in sent(&mut one, now) {
                other.handle(now, 1, frame);
            }
            for answer in sent(&mut other, now) {
                one.handle(now, 2, answer);
            }
            // On its way, and lost.
            let again = sent(&mut one, now);
            assert!(matches!(again[..], [What::Data { seq: 1, .. }]), "{again:?}");
        }
    }

    #[test]
    fn who_does_not_take_holds_the_other_up_and_does_not_end_it() {
        let start = Instant::now();
        let (mut one, mut other) = pair(start);
        for frame in pushed(&mut one, start, WINDOW) {
            other.handle(start, 1, frame);
        }
        assert!(!one.has_room());
        let mut now = start;
        while now < start + SILENCE * 3 {
            now = one.poll_timeout().unwrap();
            one.handle_timeout(now);
            for frame in sent(&mut one, now) {
                other.handle(now, 1, frame);
            }
            for answer in sent(&mut other, now) {
                one.handle(now, 2, answer);
            }
        }
        assert!(!one.is_over() && !one.has_room());
        other.pop().unwrap();
        for answer in sent(&mut other, now) {
            one.handle(now, 2, answer);
        }
        assert!(one.has_room());
    }

    #[test]
    fn silence_ends_it_unless_nothing_can_be_sent() {
        let start = Instant::now();
        for is_cut in [false, true] {
            let (mut one, _other) = pair(start);
            let mut now = start;
            pushed(&mut one, now, 1);
            while now < start + SILENCE * 2 {
                let Some(due) = one.poll_timeout() else { break };
                now = due;
                one.handle_timeout(now);
                if is_cut && !sent(&mut one, now).is_empty() {
                    one.handle_unsent(now);
                }
            }
            assert_eq!(one.is_over(), !is_cut);
        }
    }

    #[test]
    fn who_has_nothing_to_say_asks_whether_the_other_is_there_and_ends_when_nobody_answers() {
        let start = Instant::now();
        for (lives, is_cut) in [(true, false), (false, false), (false, true)] {
            let (mut one, mut other) = pair(start);
            let (mut now, mut asked) = (start, 0);
            while now < start + SILENCE * 3 && !one.is_over() {
                now = one.poll_timeout().unwrap();
                one.handle_timeout(now);
                for frame in sent(&mut one, now) {
                    asked += usize::from(matches!(frame, What::Data { .. }));
                    if is_cut {
                        one.handle_unsent(now);
                    }
                    if lives {
                        other.handle(now, 1, frame);
                    }
                }
                // An end that is alone waits for nothing, and says something only when it is asked.
                for answer in sent(&mut other, now) {
                    one.handle(now, 2, answer);
                }
            }
            assert_eq!(one.is_over(), !lives && !is_cut);
            assert!(asked > 0);
            assert!(other.pop().is_none(), "a question is no message");
        }
    }

    #[test]
    fn an_end_of_another_pipe_changes_nothing() {
        let start = Instant::now();
        let (mut one, _other) = pair(start);
        pushed(&mut one, start, 1);
        let missing = Vec::new();
        one.handle(start, 3, What::Ack { next: 2, missing });
        one.handle(start, 3, What::End);
        assert!(!one.is_over() && one.delivered() == 0);
    }

    #[test]
    fn numbers_of_ill_will_are_survived() {
        let start = Instant::now();
        let (mut one, _other) = pair(start);
        pushed(&mut one, start, 2);
        for number in [0, 1, 3, WINDOW as u64 + 1, u64::MAX - 1, u64::MAX] {
            let missing = vec![number; 3];
            one.handle(start, 2, What::Ack { next: number, missing });
            let message = Bytes::new();
            one.handle(
                start,
                2,
                What::Data {
                    seq: number,
                    next: number,
                    message,
                },
            );
            sent(&mut one, start);
        }
        assert!(one.arrived.len() <= WINDOW && one.delivered() <= 2);
    }
}
