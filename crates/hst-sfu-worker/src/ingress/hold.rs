use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::media::Media;

/// For so long after a keyframe was asked for, packets go on in order.
const AWAITED: Duration = Duration::from_secs(1);
/// So long the packets behind a missing one wait for it: as long as it takes to ask for it some times.
const PATIENCE: Duration = Duration::from_millis(300);
/// No more packets wait: some pictures of a large size.
const MOST: usize = 256;

/// Packets of a source of which a keyframe is awaited: they go on in order, until one begins.
///
/// Who waits for a keyframe can start with its first packet alone. If that one is lost and comes later than the others, he has none
/// of them, and the keyframe is lost for him. Who does not wait loses nothing: without the missing packet he can show nothing that
/// is behind it either.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) ssrc: u32,
    until: Instant,
    /// The number that comes next; `None` before the first packet.
    next: Option<u16>,
    /// What is behind it, in order, and since when that or something behind that waits: of the first one the longest.
    waiting: VecDeque<(Instant, Arc<Media>)>,
}

impl Hold {
    /// A keyframe of this source was asked for.
    pub(super) fn new(now: Instant, ssrc: u32) -> Self {
        Self {
            ssrc,
            until: now + AWAITED,
            next: None,
            waiting: VecDeque::new(),
        }
    }

    /// It was asked for again.
    pub(super) fn prolong(&mut self, now: Instant) {
        self.until = now + AWAITED;
    }

    /// When to call [`release`](Self::release).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|(since, _)| *since + PATIENCE)
    }

    /// Whether it is of no use any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.waiting.is_empty() && self.until <= now
    }

    /// Takes a packet and appends what goes on now. Says whether a keyframe has begun: then nothing waits any more.
    pub(super) fn take(&mut self, now: Instant, media: Arc<Media>, released: &mut Vec<Arc<Media>>) -> bool {
        let next = *self.next.get_or_insert(media.seq);
        let ahead = |media: &Media| media.seq.wrapping_sub(next) as i16;
        // What comes late belongs to what has gone on.
        if ahead(&media) < 0 {
            released.push(media);
            return false;
        }
        let at = self.waiting.partition_point(|(_, other)| ahead(other) < ahead(&media));
        // What is behind it has waited already.
        let since = self.waiting.get(at).map_or(now, |(since, _)| *since);
        self.waiting.insert(at, (since, media));
        let is_over = self.until <= now || self.waiting.len() > MOST;
        self.go_on(is_over, released)
    }

    /// Gives up what is missing for too long, and appends what is behind it. Says whether a keyframe has begun.
    pub(super) fn release(&mut self, now: Instant, released: &mut Vec<Arc<Media>>) -> bool {
        let mut has_begun = false;
        while !has_begun && self.poll_timeout().is_some_and(|at| at <= now) {
            self.next = self.waiting.front().map(|(_, media)| media.seq);
            has_begun = self.go_on(false, released);
        }
        has_begun
    }

    /// Appends what follows without a gap, or all of it.
    fn go_on(&mut self, is_over: bool, released: &mut Vec<Arc<Media>>) -> bool {
        let mut has_begun = false;
        while let Some((_, media)) = self.waiting.front()
            && (is_over || has_begun || self.next == Some(media.seq))
        {
            self.next = Some(media.seq.wrapping_add(1));
            has_begun |= media.codec.starts_keyframe(&media.payload);
            released.extend(self.waiting.pop_front().map(|(_, media)| media));
        }
        has_begun
    }
}

/// The sources of which a keyframe is awaited.
#[derive(Debug, Default)]
pub(crate) struct Holds(Vec<Hold>);

impl Holds {
    /// A keyframe of this source was asked for.
    pub(crate) fn begin(&mut self, now: Instant, ssrc: u32) {
        match self.0.iter_mut().find(|hold| hold.ssrc == ssrc) {
            Some(hold) => hold.prolong(now),
            None => self.0.push(Hold::new(now, ssrc)),
        }
    }

    /// Takes a packet and gives what goes on now.
    pub(crate) fn take(&mut self, now: Instant, media: Arc<Media>, released: &mut Vec<Arc<Media>>) {
        let at = self.0.iter().position(|hold| hold.ssrc == media.ssrc);
        match at {
            None => released.push(media),
            Some(at) => {
                let has_begun = self.0[at].take(now, media, released);
                if has_begun || self.0[at].is_over(now) {
                    self.0.swap_remove(at);
                }
            }
        }
    }

    /// When to call [`release`](Self::release).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.0.iter().filter_map(Hold::poll_timeout).min()
    }

    /// Gives what has waited long enough.
    pub(crate) fn release(&mut self, now: Instant, released: &mut Vec<Arc<Media>>) {
        self.0
            .retain_mut(|hold| !hold.release(now, released) && !hold.is_over(now));
    }

    /// Whether nothing is awaited.
    pub(crate) fn are_none(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 2] = [0x10, 0x00];
    const DELTA: [u8; 2] = [0x10, 0x01];

    fn media(now: Instant, ssrc: u32, seq: u16, payload: [u8; 2]) -> Arc<Media> {
        Arc::new(Media {
            ssrc,
            ..Media::picture(now, seq, 0, &payload)
        })
    }

    /// A source of which a keyframe was asked for, and a clock.
    struct Asked {
        now: Instant,
        holds: Holds,
    }

    impl Asked {
        fn new() -> Self {
            let (now, mut holds) = (Instant::now(), Holds::default());
            holds.begin(now, 7);
            Self { now, holds }
        }

        fn take(&mut self, seq: u16, payload: [u8; 2]) -> Vec<u16> {
            let mut released = Vec::new();
            self.holds
                .take(self.now, media(self.now, 7, seq, payload), &mut released);
            released.iter().map(|media| media.seq).collect()
        }

        fn wait(&mut self, ms: u64) -> Vec<u16> {
            self.now += Duration::from_millis(ms);
            let mut released = Vec::new();
            self.holds.release(self.now, &mut released);
            released.iter().map(|media| media.seq).collect()
        }
    }

    /// What goes on where nothing does.
    const NONE: [u16; 0] = [];

    #[test]
    fn a_keyframe_whose_first_packet_comes_late_goes_on_whole_and_then_nothing_waits_any_more() {
        let mut asked = Asked::new();
        assert_eq!(asked.take(65_534, DELTA), [65_534]);
        for seq in [0, 2, 1] {
            assert_eq!(asked.take(seq, DELTA), NONE, "{seq}");
        }
        assert_eq!(asked.take(65_535, KEY), [65_535, 0, 1, 2]);
        assert!(asked.holds.are_none());
        assert_eq!(asked.take(9, DELTA), [9]);
    }

    #[test]
    fn what_is_missing_for_too_long_is_given_up() {
        let mut asked = Asked::new();
        assert_eq!(asked.take(10, DELTA), [10]);
        assert_eq!(asked.take(12, DELTA), NONE);
        asked.now += Duration::from_millis(200);
        assert_eq!(asked.take(14, DELTA), NONE);
        assert_eq!(asked.wait(99), NONE);
        assert_eq!(asked.wait(1), [12]);
        assert_eq!(asked.take(11, DELTA), [11], "it comes all the same");
        assert_eq!(asked.wait(199), NONE);
        assert_eq!(asked.wait(1), [14]);
        assert!(!asked.holds.are_none(), "the keyframe has not come");
        asked.wait(500);
        assert!(asked.holds.are_none(), "nor will it");
    }

    #[test]
    fn nothing_waits_longer_because_something_before_it_comes_late() {
        let mut asked = Asked::new();
        assert_eq!(asked.take(10, DELTA), [10]);
        assert_eq!(asked.take(14, DELTA), NONE);
        for seq in [13, 12] {
            assert_eq!(asked.wait(149), NONE);
            assert_eq!(asked.take(seq, DELTA), NONE);
        }
        assert_eq!(asked.wait(2), [12, 13, 14]);
    }

    #[test]
    fn other_sources_go_on_and_there_is_an_end_to_what_waits() {
        let mut asked = Asked::new();
        assert_eq!(asked.take(1, DELTA), [1]);
        let mut released = Vec::new();
        let other = media(asked.now, 8, 50, DELTA);
        asked.holds.take(asked.now, other.clone(), &mut released);
        assert_eq!(released, [other]);
        let waiting = (3..3 + MOST as u16).all(|seq| asked.take(seq, DELTA).is_empty());
        assert!(waiting && asked.take(3 + MOST as u16, DELTA).len() == MOST + 1);
        // What was asked for long ago is no reason to wait.
        assert_eq!(asked.take(600, DELTA), NONE);
        asked.now += AWAITED;
        assert_eq!(asked.take(601, DELTA), [600, 601]);
        assert!(asked.holds.are_none());
    }
}
