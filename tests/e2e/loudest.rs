//! In a room with many sounds of native engines the loudest are heard.

use std::{collections::BTreeSet, time::Duration};

use hst_rtc::{
    MediaType,
    media::{Codec, Frame, FrameList, Level, Looped, MediaSource, Paced, TrackInfo},
};
use hst_tests::house::{Door, House, within};
use tokio::{sync::mpsc, task::JoinSet};

/// More than the room lets through, and how many those are.
const SOUNDS: usize = 12;
const LOUDEST: usize = 5;
/// Sounds of one who is heard, until the room has settled, and for how long it is looked at then.
const SETTLED: usize = 150;
const WATCHED: usize = 100;

/// A sound for ever of which somebody has measured how loud it is, or nobody.
pub(crate) fn hum(below_loudest: Option<u8>) -> Box<dyn MediaSource> {
    let duration = Duration::from_millis(20);
    let frame = |number: u8| Frame {
        data: [&[0xfc, number][..], &[7; 60]].concat().into(),
        time: duration * u32::from(number),
        duration,
        keyframe: true,
        level: below_loudest.map(|below_loudest| Level {
            below_loudest,
            is_voice: true,
        }),
    };
    let frames = FrameList::new(TrackInfo::new(Codec::Opus), (0..50).map(frame).collect());
    Box::new(Paced::new(Looped::new(frames)))
}

/// Who is heard of those who make these sounds, once it is clear; the one with this number is.
async fn heard(levels: [Option<u8>; SOUNDS], loud: usize) -> BTreeSet<usize> {
    let house = House::open(Door::Preset).await;
    let (ann, mut bob) = (house.member("ann", "g").await, house.member("bob", "g").await);
    let (came, mut coming) = mpsc::channel(1024);
    let mut ears = JoinSet::new();
    for (number, level) in levels.into_iter().enumerate() {
        let id = number.to_string();
        let publish = ann.engine.publish(MediaType::Audio, &id, hum(level));
        within("publishing", publish).await.unwrap();
        let key = bob.published().await;
        let mut remote = within("receiving", bob.engine.receive(key)).await.unwrap();
        let came = came.clone();
        ears.spawn(async move {
            while let Some((_, frame)) = remote.read().await {
                // As its publisher told it, or with a guess in its place.
                let told = frame.level.map(|level| level.below_loudest);
                assert!(told.is_some() && (level.is_none() || told == level), "{told:?}");
                let _ = came.send(number).await;
            }
        });
    }
    let watching = async {
        let (mut ticks, mut heard) = (0, BTreeSet::new());
        while ticks < SETTLED + WATCHED {
            let number = coming.recv().await.expect("ears that listen");
            ticks += usize::from(number == loud);
            if ticks > SETTLED {
                heard.insert(number);
            }
        }
        heard
    };
    let heard = within("sounds", watching).await;
    assert!(ears.try_join_next().is_none(), "an ear has failed");
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_native_sounds_the_loudest_come_through_and_no_others() {
    let loud = [1, 4, 5, 8, 11];
    let levels = std::array::from_fn(|number| Some(if loud.contains(&number) { 25 } else { 60 }));
    assert_eq!(heard(levels, 4).await, BTreeSet::from(loud));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_native_sounds_that_nobody_measured_no_more_come_through_and_who_speaks_is_among_them() {
    let mut levels = [None; SOUNDS];
    levels[SOUNDS - 1] = Some(30);
    let heard = heard(levels, SOUNDS - 1).await;
    assert!(heard.contains(&(SOUNDS - 1)) && heard.len() == LOUDEST, "{heard:?}");
}
