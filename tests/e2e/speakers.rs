//! Native engines tell how loud everybody is, and who speaks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use hst_rtc::{
    AudioLevel, Event, MediaType, UserId,
    media::{Frame, Level, MediaSource, SourceError, TrackInfo},
};
use hst_server::DEV_APP_ID;
use hst_tests::{
    backend::Backend,
    house::{Door, House, Member, within},
};
use serde_json::json;

use crate::loudest::hum;

const SPEECH: u8 = 20;
const MURMUR: u8 = 30;
const SILENCE: u8 = 127;
/// In which several lists would come, if any came.
const UNTOLD: Duration = Duration::from_secs(1);

/// A sound for ever, of which a test says how loud it is: so many decibels below the loudest that can be.
#[derive(Debug)]
struct Voice {
    sound: Box<dyn MediaSource>,
    below_loudest: Arc<AtomicU8>,
}

#[async_trait]
impl MediaSource for Voice {
    fn info(&self) -> TrackInfo {
        self.sound.info()
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        let level = Some(Level {
            below_loudest: self.below_loudest.load(Relaxed),
            is_voice: true,
        });
        Ok(self.sound.next().await?.map(|frame| Frame { level, ..frame }))
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        Err(SourceError::Live)
    }
}

/// Somebody comes in and makes a sound, at this level below the loudest.
async fn speaking(house: &House, user: &str, below_loudest: u8) -> (Member, Arc<AtomicU8>) {
    let member = house.member(user, "g").await;
    let level = Arc::new(AtomicU8::new(below_loudest));
    let voice = Voice {
        sound: hum(None),
        below_loudest: level.clone(),
    };
    let publish = member.engine.publish(MediaType::Audio, "appdef_mic", Box::new(voice));
    within("publishing", publish).await.unwrap();
    (member, level)
}

/// Who speaks next, and how loud everybody was until then, by name: one list after the other.
async fn turn(listener: &mut Member) -> (Option<String>, Vec<Vec<(String, u8)>>) {
    let mut lists = Vec::new();
    let turn = async {
        loop {
            match listener.events.recv().await.expect("an engine") {
                Event::AudioLevels(levels) => {
                    let of = |AudioLevel { key, volume, .. }: AudioLevel| (key.user.to_string(), volume);
                    lists.push(levels.into_iter().map(of).collect());
                }
                Event::ActiveSpeaker(user) => return user.as_ref().map(UserId::to_string),
                _ => {}
            }
        }
    };
    (within("another speaker", turn).await, lists)
}

/// It was somebody's turn after everybody had been so loud.
#[track_caller]
fn assert_turn<const N: usize>(
    (speaker, lists): (Option<String>, Vec<Vec<(String, u8)>>),
    user: Option<&str>,
    of: [(&str, u8); N],
) {
    assert_eq!(speaker.as_deref(), user, "{lists:?}");
    let levels = of.map(|(user, volume)| (user.to_owned(), volume)).to_vec();
    // On a busy machine nothing may come for a moment, and somebody is silent in one list.
    assert!(lists.contains(&levels), "{levels:?} in {lists:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_is_told_how_loud_others_are_and_who_of_them_speaks() {
    let house = House::open(Door::Preset).await;
    let mut carl = house.member("carl", "g").await;
    let (_ben, bens) = speaking(&house, "ben", MURMUR).await;
    let (_ann, anns) = speaking(&house, "ann", SPEECH).await;
    // Neither is read: to be told who speaks nobody has to play anything.
    for _ in 0..2 {
        let key = carl.published().await;
        within("receiving", carl.engine.receive(key)).await.unwrap();
    }
    carl.engine.measure_audio_levels(true).await.unwrap();
    let mut first = turn(&mut carl).await;
    if first.0.as_deref() == Some("ben") {
        // He was heard a moment earlier, and who is louder takes his turn.
        first = turn(&mut carl).await;
    }
    assert_turn(first, Some("ann"), [("ann", 32), ("ben", 18)]);
    anns.store(SILENCE, Relaxed);
    assert_turn(turn(&mut carl).await, Some("ben"), [("ben", 18), ("ann", 0)]);
    bens.store(SILENCE, Relaxed);
    assert_eq!(turn(&mut carl).await.0, None);

    carl.engine.measure_audio_levels(false).await.unwrap();
    // Whatever comes from here on was told after it.
    let mut after = carl.engine.events();
    bens.store(SPEECH, Relaxed);
    tokio::time::timeout(UNTOLD, after.recv())
        .await
        .expect_err("it was ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_voice_counts_and_is_silent_while_it_is_muted() {
    let house = House::open(Door::Preset).await;
    let (mut ann, _) = speaking(&house, "ann", SPEECH).await;
    ann.engine.measure_audio_levels(true).await.unwrap();
    assert_turn(turn(&mut ann).await, Some("ann"), [("ann", 32)]);
    let path = format!("/v1/apps/{DEV_APP_ID}/groups/g/media/mute");
    let mute = json!({"user": "ann", "type": 1, "media": "appdef_mic", "muted": true}).to_string();
    let answer = Backend::of(&house.server).await.send("POST", &path, &mute).await;
    assert_eq!(answer["code"], 0, "{answer}");
    assert_turn(turn(&mut ann).await, None, [("ann", 0)]);
}
