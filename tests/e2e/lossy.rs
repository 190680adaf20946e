//! Sound of native engines over a network that loses much.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hst_media_str0m::Str0mEngine;
use hst_media_webrtc::WebRtcEngine;
use hst_rtc::{
    MediaType,
    media::{Codec, Frame, FrameList, Level, MediaEngine, Paced, TrackInfo},
};
use hst_tests::house::{House, within};

/// Of what is sent, and again of what is received.
const LOST: f64 = 0.1;
/// Six seconds.
const SOUNDS: u16 = 300;

fn sound(number: u16) -> Frame {
    let duration = Duration::from_millis(20);
    Frame {
        data: [&[0xfc][..], &number.to_be_bytes(), &[7; 60]].concat().into(),
        time: duration * u32::from(number),
        duration,
        keyframe: true,
        level: Some(Level::of_samples(&[0.1])),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_voice_hardly_a_sound_is_missing_where_a_tenth_is_lost_on_either_way() {
    hardly_a_sound_is_missing(Arc::new(Str0mEngine::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_voice_hardly_a_sound_is_missing_by_the_other_engine_either() {
    hardly_a_sound_is_missing(Arc::new(WebRtcEngine::new())).await;
}

async fn hardly_a_sound_is_missing(engine: Arc<dyn MediaEngine>) {
    let (house, _link) = House::at_the_end_of_a_cable(LOST).await;
    let ann = house.member_by(engine.clone(), "ann", "g").await;
    let mut bob = house.member_by(engine, "bob", "g").await;
    let sounds = FrameList::new(TrackInfo::new(Codec::Opus), (0..SOUNDS).map(sound).collect());
    let publish = ann
        .engine
        .publish(MediaType::Audio, "voice", Box::new(Paced::new(sounds)));
    within("publishing", publish).await.unwrap();
    let key = bob.published().await;
    let mut remote = within("receiving", bob.engine.receive(key.clone())).await.unwrap();

    let hearing = async {
        let mut heard = BTreeSet::new();
        let mut times = Vec::new();
        while let Some((_, frame)) = remote.read().await {
            let number = u16::from_be_bytes([frame.data[1], frame.data[2]]);
            assert!(heard.insert(number), "{number} comes once");
            times.push(frame.time);
            // The last ones may be lost with all that repeats them.
            if number >= SOUNDS - 10 {
                break;
            }
        }
        assert!(times.is_sorted(), "they come in order");
        heard
    };
    let heard = within("the sounds", hearing).await;
    let (first, last) = (*heard.first().unwrap(), *heard.last().unwrap());
    let sent = f64::from(last - first + 1);
    let missing = 1.0 - heard.len() as f64 / sent;
    let stats = bob.engine.stats().await.unwrap();
    let line = stats.iter().find(|stats| stats.key == key).unwrap().line;
    let lost = line.lost as f64 / sent;
    println!(
        "{sent} sounds: {:.1} % lost on the last way, {:.1} % missing",
        lost * 100.0,
        missing * 100.0
    );
    assert!(sent > 200.0 && lost > LOST / 2.0, "{line:?}");
    assert!(missing < LOST / 4.0, "{missing}");
}
