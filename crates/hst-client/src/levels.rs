use std::collections::BTreeMap;

use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_media::{Level, LineStats};
use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, interval};

use crate::{Event, speaker::Speaker, stats::Bounds};

/// How often the sounds are measured.
const INTERVAL: Duration = Duration::from_millis(200);

/// How loud a sound is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioLevel {
    /// Whose and which.
    pub key: MediaRef,
    /// From 0 to 100, on the scale of the engine for browsers: speech is at 20 to 50.
    pub volume: u8,
}

/// How loud everybody is who is heard here, this user included, and who of them speaks.
#[derive(Debug)]
pub(crate) struct Levels {
    tick: Interval,
    speaker: Speaker,
    /// What each line had carried when it was measured last: who sends nothing says nothing.
    packets: BTreeMap<MediaRef, u64>,
    /// Whether the last list had anybody in it.
    has_told: bool,
    /// Who was last told to speak.
    user: Option<UserId>,
}

impl Levels {
    pub(crate) fn new() -> Self {
        let mut tick = interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            tick,
            speaker: Speaker::default(),
            packets: BTreeMap::new(),
            has_told: false,
            user: None,
        }
    }

    /// The next moment to measure. Cancel-safe.
    pub(crate) async fn due(&mut self) -> Instant {
        self.tick.tick().await
    }

    /// What these lines have to tell.
    pub(crate) fn measure(&mut self, now: Instant, lines: &[(MediaRef, LineStats)], bounds: &Bounds) -> Vec<Event> {
        let mut volumes = BTreeMap::new();
        let mut packets = BTreeMap::new();
        for (key, line) in lines {
            packets.insert(key.clone(), line.packets);
            // What a screen plays is nobody's voice.
            if key.media_type != MediaType::Audio || key.media == MediaId::screen_sound() {
                continue;
            }
            let flows = self.packets.get(key).is_none_or(|before| *before != line.packets);
            let level = line.level.filter(|_| flows && !bounds.is_muted(key));
            // A voice that is altered, and the silence that may be sent in the place of the original, are one voice.
            let loudest: &mut u8 = volumes.entry(voice(key)).or_default();
            *loudest = (*loudest).max(level.map_or(0, volume));
        }
        self.packets = packets;
        let mut levels: Vec<_> = volumes
            .into_iter()
            .map(|(key, volume)| AudioLevel { key, volume })
            .collect();
        levels.sort_by_key(|level| std::cmp::Reverse(level.volume));

        let user = self.speaker.handle(now, &levels).cloned();
        let mut events = Vec::new();
        // One empty list says that no sound is left.
        if std::mem::replace(&mut self.has_told, !levels.is_empty()) || self.has_told {
            events.push(Event::AudioLevels(levels));
        }
        if self.user != user {
            self.user.clone_from(&user);
            events.push(Event::ActiveSpeaker(user));
        }
        events
    }

    /// What was heard of a group is over with it.
    pub(crate) fn forget(&mut self) {
        self.speaker = Speaker::default();
        self.packets.clear();
        (self.has_told, self.user) = (false, None);
    }
}

fn voice(key: &MediaRef) -> MediaRef {
    let mut voice = key.clone();
    if voice.media == MediaId::altered_voice() {
        voice.media = MediaId::microphone();
    }
    voice
}

/// Speech is about a tenth of the largest amplitude: the root spreads it over the scale.
fn volume(level: Level) -> u8 {
    let amplitude = 10_f64.powf(-f64::from(level.below_loudest) / 20.0);
    (amplitude.sqrt() * 100.0).round() as u8
}

#[cfg(test)]
mod tests {
    use hst_group::client::GroupEvent;
    use hst_media::{Direction, Kind, LineId};
    use hst_proto::Media;

    use super::*;

    fn key(user: &str, media: MediaId) -> MediaRef {
        MediaRef {
            user: UserId::parse(user).unwrap(),
            media_type: MediaType::Audio,
            media,
        }
    }

    fn line(packets: u64, below_loudest: Option<u8>) -> LineStats {
        let mut line = LineStats::new(LineId(1), Direction::Receive, Kind::Audio);
        line.packets = packets;
        line.level = below_loudest.map(|below_loudest| Level {
            below_loudest,
            is_voice: true,
        });
        line
    }

    /// The list that comes next, if one comes.
    fn told(levels: &mut Levels, lines: &[(MediaRef, LineStats)], bounds: &Bounds) -> Option<Vec<(String, u8)>> {
        let events = levels.measure(Instant::now(), lines, bounds);
        let list = events.into_iter().find_map(|event| match event {
            Event::AudioLevels(list) => Some(list),
            _ => None,
        })?;
        Some(list.iter().map(|it| (it.key.to_string(), it.volume)).collect())
    }

    #[tokio::test]
    async fn the_loudest_comes_first_and_who_sends_nothing_or_is_muted_is_silent() {
        let (mut levels, mut bounds) = (Levels::new(), Bounds::default());
        let [ann, ben] = ["ann", "ben"].map(|user| key(user, MediaId::microphone()));
        let named = |loudest: (&MediaRef, u8), other: (&MediaRef, u8)| {
            Some([loudest, other].map(|(key, volume)| (key.to_string(), volume)).to_vec())
        };
        assert_eq!(told(&mut levels, &[], &bounds), None, "nothing to be told");
        let mut at = |packets: [u64; 2], bounds: &Bounds| {
            let lines = [
                (ann.clone(), line(packets[0], Some(40))),
                (ben.clone(), line(packets[1], Some(20))),
            ];
            told(&mut levels, &lines, bounds)
        };
        assert_eq!(at([1, 1], &bounds), named((&ben, 32), (&ann, 10)));
        assert_eq!(at([2, 1], &bounds), named((&ann, 10), (&ben, 0)));
        let muted = GroupEvent::Muted(Media {
            key: ann.clone(),
            name: String::new(),
            muted: true,
        });
        bounds.handle(&muted);
        assert_eq!(at([3, 2], &bounds), named((&ben, 32), (&ann, 0)));
        assert_eq!(told(&mut levels, &[], &bounds), Some(Vec::new()));
        assert_eq!(told(&mut levels, &[], &bounds), None, "it was told");
    }

    #[tokio::test]
    async fn an_altered_voice_is_its_user_s_microphone_and_what_a_screen_plays_is_nobody_s() {
        let (mut levels, bounds) = (Levels::new(), Bounds::default());
        let lines = [
            (key("ann", MediaId::microphone()), line(1, Some(127))),
            (key("ann", MediaId::altered_voice()), line(1, Some(0))),
            (key("ben", MediaId::screen_sound()), line(1, Some(0))),
            (key("eve", MediaId::microphone()), line(1, None)),
        ];
        let expected = [("ann/audio/appdef_mic", 100), ("eve/audio/appdef_mic", 0)];
        let told = told(&mut levels, &lines, &bounds).unwrap();
        let told: Vec<_> = told.iter().map(|(key, volume)| (key.as_str(), *volume)).collect();
        assert_eq!(told, expected);
    }
}
