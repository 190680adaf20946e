use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::Packet;
use crate::Kind;

/// How many packets may wait behind a gap; when there are more, the gap is given up at once.
const MAX_WAITING: usize = 1024;
/// A jump by more than this is no loss but a new beginning. When so many are missing or waiting in all, the first gap is
/// given up at once: nobody is asked for more.
const MAX_GAP: u64 = 4096;
/// How often a missing packet of video is asked for, how soon after it is missed, and how long between. In that time a
/// media server must be able to get it from the sender, too.
const MAX_REQUESTS: u32 = 6;
const REQUEST_DELAY: Duration = Duration::from_millis(10);
const REQUEST_INTERVAL: Duration = Duration::from_millis(50);
/// How many that came out as a repeat are remembered.
const MAX_REPEATED: usize = 32;
/// How long missing sound, which is never sent again, is waited for.
const LATE_SOUND: Duration = Duration::from_millis(60);

/// Puts the packets of one stream in order, waits a little for those that are missing, and says which to ask for.
///
/// A gap is given up after so many requests, not at a moment: if this program was stopped for a while, the packet may
/// be there already and only not have been read yet.
#[derive(Debug)]
pub(super) struct Reorder {
    kind: Kind,
    waiting: BTreeMap<u64, Waiting>,
    /// Those that came out as a repeat last, and may still come themselves.
    repeated: VecDeque<u64>,
    /// The extended sequence number that is to come out next.
    next: Option<u64>,
    highest: u64,
    /// How often the gap before the waiting packets has been looked at, and when to do so again.
    looks: u32,
    look_at: Option<Instant>,
}

/// What becomes of a packet that has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It will come out.
    New,
    /// What was in it has come out before, as a repeat: it was late, and not lost.
    Repeated,
    /// It was there already, or is too late.
    Useless,
}

#[derive(Debug)]
enum Waiting {
    /// It has come.
    Packet(Packet),
    /// It has not, but what was in it has come again.
    Repeat(Packet),
}

/// What comes out.
#[derive(Debug, PartialEq)]
pub(super) enum Ordered {
    /// The next packet.
    Packet(Packet),
    /// The next packet, which is lost: what was in it was found in a later one.
    Repeat(Packet),
    /// That many packets are lost for good here.
    Gap(u64),
}

impl Reorder {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            waiting: BTreeMap::new(),
            repeated: VecDeque::new(),
            next: None,
            highest: 0,
            looks: 0,
            look_at: None,
        }
    }

    /// Takes a packet in; one that is a duplicate or too late is dropped.
    pub(super) fn push(&mut self, packet: Packet) -> Arrival {
        let sequence = packet.sequence as u16;
        let Some(next) = self.next else {
            // Far from zero, so that a first packet that comes late is not below zero.
            let first = u64::from(sequence) + (1 << 16);
            self.next = Some(first);
            self.highest = first;
            self.waiting.insert(first, Waiting::Packet(packet));
            return Arrival::New;
        };
        let number = extend(sequence, self.highest);
        if number.abs_diff(self.highest) > MAX_GAP {
            self.waiting.clear();
            self.next = Some(number);
            self.highest = number;
        } else if number < next {
            let place = self.repeated.iter().position(|&repeated| repeated == number);
            return match place.and_then(|place| self.repeated.remove(place)) {
                Some(_) => Arrival::Repeated,
                None => Arrival::Useless,
            };
        }
        self.highest = self.highest.max(number);
        if let Some(Waiting::Packet(_)) = self.waiting.get(&number) {
            return Arrival::Useless;
        }
        self.waiting.insert(number, Waiting::Packet(packet));
        Arrival::New
    }

    /// Takes what a later packet has repeated, if it is still missing.
    pub(super) fn fill(&mut self, packet: Packet) {
        let number = extend(packet.sequence as u16, self.highest);
        if self.next.is_some_and(|next| (next..self.highest).contains(&number)) {
            self.waiting.entry(number).or_insert(Waiting::Repeat(packet));
        }
    }

    /// The next packet or gap; `None` if it must still be waited for.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Ordered> {
        let next = self.next?;
        let (&first, _) = self.waiting.first_key_value()?;
        let patience = if self.kind == Kind::Video { MAX_REQUESTS } else { 0 };
        let out = if first == next {
            self.next = Some(next + 1);
            self.waiting.remove(&first).map(|it| match it {
                Waiting::Packet(packet) => Ordered::Packet(packet),
                Waiting::Repeat(packet) => {
                    self.repeated.truncate(MAX_REPEATED - 1);
                    self.repeated.push_front(first);
                    Ordered::Repeat(packet)
                }
            })
        } else if self.looks > patience || self.waiting.len() > MAX_WAITING || self.is_too_wide() {
            self.next = Some(first);
            Some(Ordered::Gap(first - next))
        } else {
            let delay = if self.kind == Kind::Video {
                REQUEST_DELAY
            } else {
                LATE_SOUND
            };
            self.look_at.get_or_insert(now + delay);
            return None;
        };
        // The next gap is looked at afresh.
        self.looks = 0;
        self.look_at = None;
        out
    }

    /// When to call [`look`](Self::look), and [`pop`](Self::pop) after it, even if nothing arrives.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.look_at
    }

    /// Looks at the gap if it is time to: the packets to ask the other side for again.
    pub(super) fn look(&mut self, now: Instant) -> Vec<u16> {
        if self.look_at.is_none_or(|at| now < at) {
            return vec![];
        }
        self.looks += 1;
        self.look_at = Some(now + REQUEST_INTERVAL);
        if self.kind == Kind::Audio || self.looks > MAX_REQUESTS || self.is_too_wide() {
            return vec![];
        }
        let missing = self.next.unwrap_or(self.highest)..self.highest;
        missing
            .filter(|number| !self.waiting.contains_key(number))
            .map(|number| number as u16)
            .collect()
    }

    fn is_too_wide(&self) -> bool {
        self.next
            .is_some_and(|next| self.highest.saturating_sub(next) > MAX_GAP)
    }
}

/// The number that ends in these 16 bits and is nearest to another one.
fn extend(sequence: u16, near: u64) -> u64 {
    let distance = i64::from(sequence.wrapping_sub(near as u16) as i16);
    near.saturating_add_signed(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16) -> Packet {
        Packet {
            sequence: sequence.into(),
            ..Packet::default()
        }
    }

    fn push(reorder: &mut Reorder, sequences: &[u16]) {
        for &sequence in sequences {
            reorder.push(packet(sequence));
        }
    }

    fn drain(reorder: &mut Reorder, now: Instant) -> Vec<Result<u16, u64>> {
        std::iter::from_fn(|| reorder.pop(now))
            .map(|out| match out {
                Ordered::Packet(packet) | Ordered::Repeat(packet) => Ok(packet.sequence as u16),
                Ordered::Gap(lost) => Err(lost),
            })
            .collect()
    }

    /// Looks whenever it is time to, until something comes out; returns what was asked for, what came out and when.
    fn wait(reorder: &mut Reorder) -> (Vec<Vec<u16>>, Vec<Result<u16, u64>>, Instant) {
        let mut asked = Vec::new();
        loop {
            let now = reorder.deadline().unwrap();
            asked.extend(Some(reorder.look(now)).filter(|missing| !missing.is_empty()));
            let out = drain(reorder, now);
            if !out.is_empty() {
                return (asked, out, now);
            }
        }
    }

    #[test]
    fn packets_come_out_in_order_across_the_wrap() {
        let (mut reorder, now) = (Reorder::new(Kind::Video), Instant::now());
        push(&mut reorder, &[65534, 0, 65535, 2, 1, 1, 65534]);
        assert_eq!(drain(&mut reorder, now), [Ok(65534), Ok(65535), Ok(0), Ok(1), Ok(2)]);
        assert_eq!(reorder.push(packet(1)), Arrival::Useless, "a late one is refused");
    }

    #[test]
    fn a_gap_in_video_is_asked_for_and_then_given_up() {
        let (mut reorder, start) = (Reorder::new(Kind::Video), Instant::now());
        push(&mut reorder, &[10, 12, 14]);
        assert_eq!(drain(&mut reorder, start), [Ok(10)]);
        assert!(reorder.look(start).is_empty(), "what is only late is not asked for");
        let (asked, out, at) = wait(&mut reorder);
        assert_eq!(asked, vec![vec![11, 13]; 6]);
        assert_eq!((out, at), (vec![Err(1), Ok(12)], start + Duration::from_millis(310)));
        let (asked, out, _) = wait(&mut reorder);
        assert_eq!((asked, out), (vec![vec![13]; 6], vec![Err(1), Ok(14)]));
        assert_eq!(reorder.deadline(), None);
    }

    #[test]
    fn a_gap_in_sound_is_only_waited_for() {
        let (mut reorder, start) = (Reorder::new(Kind::Audio), Instant::now());
        push(&mut reorder, &[10, 12]);
        assert_eq!(drain(&mut reorder, start), [Ok(10)]);
        assert_eq!(wait(&mut reorder), (vec![], vec![Err(1), Ok(12)], start + LATE_SOUND));
    }

    #[test]
    fn a_stop_of_the_program_alone_gives_nothing_up() {
        let (mut reorder, start) = (Reorder::new(Kind::Video), Instant::now());
        push(&mut reorder, &[1, 3]);
        assert_eq!(drain(&mut reorder, start), [Ok(1)]);
        let later = start + Duration::from_secs(9);
        assert_eq!(reorder.look(later), [2]);
        assert_eq!(drain(&mut reorder, later), []);
        push(&mut reorder, &[2]);
        assert_eq!(drain(&mut reorder, later), [Ok(2), Ok(3)]);
        assert_eq!(reorder.deadline(), None);
    }

    #[test]
    fn a_flood_behind_a_gap_is_bounded() {
        let (mut reorder, now) = (Reorder::new(Kind::Video), Instant::now());
        push(&mut reorder, &[0]);
        drain(&mut reorder, now);
        for sequence in 2..(MAX_WAITING as u16 + 10) {
            push(&mut reorder, &[sequence]);
            drain(&mut reorder, now);
            assert!(reorder.waiting.len() <= MAX_WAITING);
        }
    }

    #[test]
    fn r15_whoever_jumps_ahead_again_and_again_is_not_asked_for_all_that_is_missing() {
        let (mut reorder, mut now) = (Reorder::new(Kind::Video), Instant::now());
        for jump in 0..MAX_WAITING as u16 {
            push(&mut reorder, &[jump.wrapping_mul(MAX_GAP as u16)]);
            now += REQUEST_INTERVAL;
            let asked = reorder.look(now).len();
            assert!(asked as u64 <= MAX_GAP, "{asked} after {jump} jumps");
            drain(&mut reorder, now);
            assert!(reorder.waiting.len() < 10, "{jump}");
        }
    }

    #[test]
    fn a_far_jump_is_a_new_beginning() {
        let (mut reorder, now) = (Reorder::new(Kind::Audio), Instant::now());
        push(&mut reorder, &[5]);
        drain(&mut reorder, now);
        push(&mut reorder, &[30_000]);
        assert_eq!(drain(&mut reorder, now), [Ok(30_000)]);
    }
}
