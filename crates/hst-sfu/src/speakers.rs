use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::TrackId;

/// In a room with more sounds than this, only the loudest are forwarded.
pub(crate) const LARGE: usize = 8;
/// How many are forwarded then: more who talk at a time nobody understands.
pub(crate) const LOUDEST: usize = 5;
/// How fast a voice that has fallen silent loses its place to others, in decibels a second: a pause in speech costs nothing.
const RELEASE: f32 = 20.0;
/// By how much one must be louder than the quietest who is heard to take his place.
const MARGIN: f32 = 3.0;
/// Whoever does not tell how loud he is counts as so far below the loudest: he is heard where there is room, and whoever is known
/// to speak goes before. If he were always heard, a room full of such sounds would be as if there were no bound.
const UNTOLD: u8 = 50;
/// A sound without packets for so long does not count.
const GONE: Duration = Duration::from_secs(5);
/// A sound that is not heard goes to neighbouring branches once in this time, so that they know that it is there.
const SHOWN: Duration = Duration::from_secs(1);

/// Who is heard in a large room. A voice counts from its first loud packet on, so that no word loses its beginning, and fades
/// slowly, so that no sentence loses its end.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    voices: HashMap<TrackId, Voice>,
    /// Those who are heard while the room is large; at most [`LOUDEST`].
    heard: Vec<TrackId>,
}

#[derive(Debug, Clone, Copy)]
struct Voice {
    /// In decibels above silence, at that moment.
    loudness: f32,
    at: Instant,
    /// When a packet of it last went to other branches although it was not heard.
    shown: Option<Instant>,
}

impl Voice {
    fn loudness(&self, now: Instant) -> f32 {
        (self.loudness - RELEASE * now.saturating_duration_since(self.at).as_secs_f32()).max(0.0)
    }
}

impl Speakers {
    /// Whether a packet of sound goes to those who receive it. `level` is how far it is below the loudest, in decibels from
    /// 0 to 127 (RFC 6464), if its publisher tells.
    pub(crate) fn hears(&mut self, now: Instant, track: TrackId, level: Option<u8>) -> bool {
        let mut loudness = 127.0 - f32::from(level.unwrap_or(UNTOLD).min(127));
        if let Some(voice) = self.voices.get_mut(&track) {
            loudness = loudness.max(voice.loudness(now));
            (voice.loudness, voice.at) = (loudness, now);
        } else {
            let (at, shown) = (now, None);
            self.voices.insert(track, Voice { loudness, at, shown });
            self.voices
                .retain(|_, voice| now.saturating_duration_since(voice.at) < GONE);
        }
        if self.voices.len() <= LARGE || self.heard.contains(&track) {
            return true;
        }
        let loudness_of = |track: &TrackId| self.voices.get(track).map_or(0.0, |voice| voice.loudness(now));
        if self.heard.len() < LOUDEST {
            self.heard.push(track);
            return true;
        }
        let all = self.heard.iter().enumerate();
        let quietest = all.min_by(|(_, one), (_, other)| loudness_of(one).total_cmp(&loudness_of(other)));
        match quietest {
            Some((place, quietest)) if loudness > loudness_of(quietest) + MARGIN => {
                self.heard[place] = track;
                true
            }
            _ => false,
        }
    }

    /// Whether a packet that is not heard goes to other branches all the same, so that they know of the sound: how many there
    /// are decides whether a room is large, and a receiver is to see that there is somebody.
    pub(crate) fn shows(&mut self, now: Instant, track: TrackId) -> bool {
        let Some(voice) = self.voices.get_mut(&track) else {
            return true;
        };
        let is_due = |shown: Instant| now.saturating_duration_since(shown) >= SHOWN;
        let is_shown = voice.shown.is_none_or(is_due);
        if is_shown {
            voice.shown = Some(now);
        }
        is_shown
    }

    /// The next packet of the sound goes to other branches: one of them has not had any.
    pub(crate) fn show(&mut self, track: TrackId) {
        if let Some(voice) = self.voices.get_mut(&track) {
            voice.shown = None;
        }
    }

    /// Whether its packets would be forwarded now.
    pub(crate) fn forwards(&self, track: TrackId) -> bool {
        self.voices.len() <= LARGE || self.heard.contains(&track) || !self.voices.contains_key(&track)
    }

    /// The sound has ended, or is kept from everybody.
    pub(crate) fn forget(&mut self, track: TrackId) {
        self.voices.remove(&track);
        self.heard.retain(|&other| other != track);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH: u8 = 30;
    const SILENCE: u8 = 127;
    const PACKET: Duration = Duration::from_millis(20);

    /// A room in which some talk and the others are silent.
    struct Hall {
        now: Instant,
        speakers: Speakers,
        size: u64,
    }

    impl Hall {
        fn new(size: usize) -> Self {
            let mut hall = Self {
                now: Instant::now(),
                speakers: Speakers::default(),
                size: size as u64,
            };
            hall.pass(Duration::from_secs(1), &[]);
            hall
        }

        /// Each sends a packet; those who are heard.
        fn round(&mut self, talking: &[u64]) -> Vec<u64> {
            self.now += PACKET;
            let level = |track| if talking.contains(&track) { SPEECH } else { SILENCE };
            let (now, speakers) = (self.now, &mut self.speakers);
            (0..self.size)
                .filter(|&track| speakers.hears(now, TrackId(track), Some(level(track))))
                .collect()
        }

        fn pass(&mut self, time: Duration, talking: &[u64]) -> Vec<u64> {
            let rounds = time.as_millis() / PACKET.as_millis();
            (0..rounds).fold(Vec::new(), |_, _| self.round(talking))
        }
    }

    #[test]
    fn in_a_small_room_everybody_is_heard() {
        let mut hall = Hall::new(LARGE);
        assert_eq!(hall.round(&[]).len(), LARGE);
    }

    #[test]
    fn in_a_large_room_few_are_heard_and_whoever_talks_from_his_first_packet_on() {
        let mut hall = Hall::new(50);
        for talker in [7, 20, 33, 49] {
            let heard = hall.round(&[talker]);
            assert!(heard.contains(&talker), "{talker} in {heard:?}");
            // Whoever gave him his place may have been heard before him in this round.
            assert!(heard.len() <= LOUDEST + 1, "{heard:?}");
            hall.pass(Duration::from_secs(1), &[talker]);
        }
        assert_eq!(hall.round(&[49]).len(), LOUDEST);
    }

    #[test]
    fn whoever_pauses_keeps_his_place_and_who_talks_in_turn_too() {
        let mut hall = Hall::new(50);
        hall.pass(Duration::from_secs(1), &[10, 11]);
        hall.pass(Duration::from_secs(1), &[11]);
        let heard = hall.round(&[30, 31, 32]);
        for talker in [10, 11, 30, 31, 32] {
            assert!(heard.contains(&talker), "{talker} in {heard:?}");
        }
        // One more takes the place of who has been silent for longest.
        let heard = hall.pass(Duration::from_millis(100), &[11, 30, 31, 32, 40]);
        assert!(heard.contains(&40) && !heard.contains(&10), "{heard:?}");
    }

    #[test]
    fn who_leaves_gives_his_place() {
        let mut hall = Hall::new(50);
        hall.pass(Duration::from_secs(1), &[1, 2, 3, 4, 5]);
        assert!(!hall.round(&[1, 2, 3, 4, 5]).contains(&6));
        hall.speakers.forget(TrackId(1));
        hall.size = 0;
        assert!(hall.speakers.hears(hall.now, TrackId(6), Some(SILENCE)));
    }

    #[test]
    fn of_many_who_do_not_tell_how_loud_they_are_few_are_heard_and_whoever_speaks_goes_before() {
        let mut speakers = Speakers::default();
        let mut now = Instant::now();
        let mut round = |speaking: &[u64]| {
            now += PACKET;
            let level = |track| speaking.contains(&track).then_some(SPEECH);
            let heard = (0..20).filter(|&track| speakers.hears(now, TrackId(track), level(track)));
            heard.collect::<Vec<u64>>()
        };
        round(&[]);
        assert_eq!(round(&[]).len(), LOUDEST);
        let heard = round(&[18]);
        assert!(heard.contains(&18), "{heard:?}");
        let heard = round(&[18]);
        assert!(heard.contains(&18) && heard.len() == LOUDEST, "{heard:?}");
        // Silence is less than anything of which nobody knows.
        let mut hall = Hall::new(50);
        assert!(hall.speakers.hears(hall.now, TrackId(900), None));
    }
}
