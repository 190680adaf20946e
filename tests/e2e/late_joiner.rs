//! Media from one member to others, over real UDP.

use std::time::Duration;

use hst_rtc::{
    GroupEvent, MediaRef, MediaType,
    media::{Codec, Frame},
};
use hst_tests::house::{Door, House, Member, live, within};
use tokio::time::Instant;

/// What a late joiner may wait for his first picture at most: the film has a keyframe every half second, and the
/// server asks for one.
const FIRST_PICTURE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn vp8_and_opus_reach_who_was_there_and_who_comes_late() {
    film_reaches_everybody("film.ivf", Codec::Vp8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_and_opus_reach_who_was_there_and_who_comes_late() {
    film_reaches_everybody("film.h264", Codec::H264).await;
}

async fn film_reaches_everybody(film: &str, codec: Codec) {
    let house = House::open(Door::Preset).await;
    let mut early = house.member("early", "g").await;
    let ann = house.member("ann", "g").await;
    let publish = async {
        ann.engine.publish(MediaType::Video, "film", live(film).await).await?;
        ann.engine
            .publish(MediaType::Audio, "voice", live("film.ogg").await)
            .await
    };
    within("publishing", publish).await.unwrap();
    receive_both(&mut early, codec).await;

    let mut late = house.member("late", "g").await;
    let waited = receive_both(&mut late, codec).await;
    println!("{codec}: the late joiner's first picture came after {waited:?}");
    assert!(waited < FIRST_PICTURE, "{waited:?}");
}

/// Receives both media of the group for a while, and says how long the first picture took to come.
async fn receive_both(member: &mut Member, codec: Codec) -> Duration {
    let (one, other) = (member.published().await, member.published().await);
    let (video, audio) = if one.media_type == MediaType::Video {
        (one, other)
    } else {
        (other, one)
    };
    let (pictures, sound) = tokio::join!(frames(member, video, 60), frames(member, audio, 100));
    let (waited, pictures) = pictures;
    assert!(pictures[0].1.keyframe, "a decoder can start at the first picture");
    assert!(pictures.iter().all(|(of, _)| *of == codec));
    assert!(sound.1.iter().all(|(of, _)| *of == Codec::Opus));
    in_time_order(&pictures);
    in_time_order(&sound.1);
    waited
}

/// The first frames of a media, and how long the first took to come.
async fn frames(member: &Member, key: MediaRef, count: usize) -> (Duration, Vec<(Codec, Frame)>) {
    let start = Instant::now();
    let mut remote = within("receiving", member.engine.receive(key)).await.unwrap();
    let mut frames = vec![within("the first frame", remote.read()).await.unwrap()];
    let waited = start.elapsed();
    while frames.len() < count {
        frames.push(within("a frame", remote.read()).await.unwrap());
    }
    (waited, frames)
}

fn in_time_order(frames: &[(Codec, Frame)]) {
    assert!(frames.windows(2).all(|pair| pair[0].1.time < pair[1].1.time));
    // At the speed of life: of the pauses between frames, none is a hole.
    let gap = |pair: &[(Codec, Frame)]| pair[1].1.time.abs_diff(pair[0].1.time);
    let longest = frames.windows(2).map(gap).max().unwrap();
    assert!(longest < Duration::from_millis(500), "{longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_before_he_came_is_not_shown_to_a_late_joiner() {
    let house = House::open(Door::Preset).await;
    let ann = house.member("ann", "g").await;
    within("publishing", async {
        ann.engine
            .publish(MediaType::Video, "film", live("film.ivf").await)
            .await?;
        ann.engine
            .publish(MediaType::Audio, "voice", live("film.ogg").await)
            .await?;
        ann.engine.stop_publish(MediaType::Video, "film").await
    })
    .await
    .unwrap();
    let mut late = house.member("late", "g").await;
    assert!(matches!(late.event().await, GroupEvent::Members(_)));
    assert_eq!(late.published().await.media_type, MediaType::Audio);
    ann.say("that was all").await;
    assert!(matches!(late.event().await, GroupEvent::Message { .. }));
}
