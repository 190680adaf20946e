use std::{collections::BTreeMap, time::Duration};

use hst_id::UserId;
use tokio::time::Instant;

use crate::levels::AudioLevel;

/// A volume below this is no voice, but the noise of a room.
const AUDIBLE: u8 = 10;
/// Who was heard for so long speaks: a cough is shorter.
const SPEAKS: Duration = Duration::from_millis(500);
/// No voice is credited with more than this.
const MAX_TALK: Duration = Duration::from_secs(1);
/// How much slower than it grew silence eats up what a voice is credited with, since words have gaps.
const DECAY: u32 = 2;
/// The time over which loudness is averaged.
const AVERAGED: Duration = Duration::from_secs(1);
/// A speaker who is silent for so long gives way to whoever speaks.
const PAUSE: Duration = Duration::from_millis(800);
/// Who speaks at the same time takes over when he is so much louder, for so long.
const LOUDER: f64 = 1.25;
const LEAD: Duration = Duration::from_secs(1);
/// A speaker whom nobody follows stays for so long.
const REMEMBERED: Duration = Duration::from_secs(3);
/// A sample says nothing about a longer time than this: a machine that sleeps measures rarely.
const MAX_STEP: Duration = Duration::from_millis(400);

/// Who speaks in a group: levels go in, the speaker comes out. It decides as the engine for browsers does, so that all members
/// of a group see the same one.
#[derive(Debug, Default)]
pub(crate) struct Speaker {
    voices: BTreeMap<UserId, Voice>,
    /// Who speaks at present.
    user: Option<UserId>,
    /// Who is louder than he is, and since when.
    rival: Option<(UserId, Instant)>,
    last: Option<Instant>,
}

#[derive(Debug, Default)]
struct Voice {
    /// For how long it has been heard: rises while it is, falls more slowly while it is not.
    talk: Duration,
    /// Its volume of late.
    loudness: f64,
    heard_at: Option<Instant>,
}

impl Speaker {
    /// Who speaks, by all the levels that there are now; `None` when nobody has for some time.
    pub(crate) fn handle(&mut self, now: Instant, levels: &[AudioLevel]) -> Option<&UserId> {
        let step = self.last.map_or(MAX_STEP, |last| MAX_STEP.min(now - last));
        self.last = Some(now);
        self.hear(now, step, levels);
        let others = self
            .voices
            .iter()
            .filter(|(user, voice)| Some(*user) != self.user.as_ref() && voice.talk >= SPEAKS);
        let loudest = others
            .max_by(|(_, a), (_, b)| a.loudness.total_cmp(&b.loudness))
            .map(|(user, voice)| (user.clone(), voice.loudness));
        if self.yields_to(loudest.as_ref(), now) {
            self.user = loudest.map(|(user, _)| user);
            self.rival = None;
        }
        self.user.as_ref()
    }

    fn hear(&mut self, now: Instant, step: Duration, levels: &[AudioLevel]) {
        let mut volumes = BTreeMap::<&UserId, u8>::new();
        for AudioLevel { key, volume } in levels {
            let loudest = volumes.entry(&key.user).or_default();
            *loudest = (*loudest).max(*volume);
        }
        self.voices.retain(|user, _| volumes.contains_key(user));
        let share = step.div_duration_f64(AVERAGED).min(1.0);
        for (user, volume) in volumes {
            let voice = self.voices.entry(user.clone()).or_default();
            voice.loudness += (f64::from(volume) - voice.loudness) * share;
            if volume >= AUDIBLE {
                voice.talk = MAX_TALK.min(voice.talk + step);
                voice.heard_at = Some(now);
            } else {
                voice.talk = voice.talk.saturating_sub(step / DECAY);
            }
        }
    }

    /// Whether the speaker's time is over, beside the loudest of those who speak too.
    fn yields_to(&mut self, other: Option<&(UserId, f64)>, now: Instant) -> bool {
        let Some(voice) = self.user.as_ref().and_then(|user| self.voices.get(user)) else {
            return true;
        };
        let louder = other.filter(|(_, loudness)| *loudness >= voice.loudness * LOUDER);
        self.rival = louder.map(|(user, _)| {
            let since = self.rival.take().filter(|(rival, _)| rival == user);
            since.unwrap_or_else(|| (user.clone(), now))
        });
        let silence = voice.heard_at.map_or(Duration::MAX, |at| now - at);
        match other {
            None => silence >= REMEMBERED,
            Some(_) => silence >= PAUSE || self.rival.as_ref().is_some_and(|(_, since)| now - *since >= LEAD),
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_id::{MediaId, MediaRef, MediaType};

    use super::*;

    const STEP: Duration = Duration::from_millis(200);
    const VOICE: u8 = 35;

    /// A group whose time is the test's.
    struct Group {
        speaker: Speaker,
        now: Instant,
    }

    impl Group {
        fn new() -> Self {
            Self {
                speaker: Speaker::default(),
                now: Instant::now(),
            }
        }

        /// Lets some time pass with these volumes, and gives who spoke then, one after the other; "" is nobody.
        fn hear(&mut self, millis: u64, volumes: &[(&str, u8)]) -> Vec<String> {
            let levels: Vec<_> = volumes.iter().map(|(user, volume)| level(user, *volume)).collect();
            let mut spoke = Vec::new();
            let end = self.now + Duration::from_millis(millis);
            while self.now < end {
                self.now += STEP;
                let user = self.speaker.handle(self.now, &levels);
                spoke.push(user.map(ToString::to_string).unwrap_or_default());
            }
            spoke.dedup();
            spoke
        }
    }

    fn level(user: &str, volume: u8) -> AudioLevel {
        let key = MediaRef {
            user: UserId::parse(user).unwrap(),
            media_type: MediaType::Audio,
            media: MediaId::microphone(),
        };
        AudioLevel { key, volume }
    }

    #[test]
    fn nobody_speaks_in_a_silent_room_and_whoever_begins_is_the_speaker_within_a_second() {
        let mut group = Group::new();
        assert_eq!(group.hear(5_000, &[("ann", 0), ("ben", 7)]), [""]);
        assert_eq!(group.hear(1_000, &[("ann", VOICE), ("ben", 7)]), ["", "ann"]);
    }

    #[test]
    fn a_cough_makes_nobody_the_speaker_neither_in_silence_nor_over_somebody_else() {
        let mut group = Group::new();
        assert_eq!(group.hear(2_000, &[("ann", 0), ("ben", 0)]), [""]);
        assert_eq!(group.hear(400, &[("ann", 0), ("ben", 100)]), [""]);
        assert_eq!(group.hear(2_000, &[("ann", 0), ("ben", 0)]), [""]);
        group.hear(3_000, &[("ann", VOICE), ("ben", 0)]);
        assert_eq!(group.hear(400, &[("ann", VOICE), ("ben", 100)]), ["ann"]);
        assert_eq!(group.hear(3_000, &[("ann", VOICE), ("ben", 0)]), ["ann"]);
    }

    #[test]
    fn the_speaker_stays_over_a_pause_and_is_forgotten_after_some_seconds_of_silence() {
        let mut group = Group::new();
        group.hear(3_000, &[("ann", VOICE), ("ben", 0)]);
        assert_eq!(group.hear(2_000, &[("ann", 0), ("ben", 0)]), ["ann"]);
        assert_eq!(group.hear(200, &[("ann", VOICE), ("ben", 0)]), ["ann"]);
        assert_eq!(group.hear(2_600, &[("ann", 0), ("ben", 0)]), ["ann"]);
        assert_eq!(group.hear(1_000, &[("ann", 0), ("ben", 0)]), ["ann", ""]);
    }

    #[test]
    fn an_answer_takes_over_within_a_second_and_a_half() {
        let mut group = Group::new();
        group.hear(3_000, &[("ann", VOICE), ("ben", 0)]);
        assert_eq!(group.hear(1_400, &[("ann", 0), ("ben", VOICE)]), ["ann", "ben"]);
    }

    #[test]
    fn who_speaks_at_the_same_time_takes_over_only_when_he_is_clearly_louder_for_some_time() {
        let mut group = Group::new();
        group.hear(3_000, &[("ann", 40), ("ben", 0)]);
        assert_eq!(group.hear(10_000, &[("ann", 40), ("ben", 44)]), ["ann"]);
        assert_eq!(group.hear(1_000, &[("ann", 40), ("ben", 60)]), ["ann"]);
        assert_eq!(group.hear(5_000, &[("ann", 40), ("ben", 60)]), ["ann", "ben"]);
    }

    #[test]
    fn a_speaker_who_has_gone_speaks_no_more() {
        let mut group = Group::new();
        group.hear(3_000, &[("ann", VOICE), ("ben", 30)]);
        assert_eq!(group.hear(200, &[("ben", VOICE)]), ["ben"]);
        assert_eq!(group.hear(200, &[]), [""]);
    }
}
