//! What native engines, and the server between them, tell of the media that flow.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hst_rtc::{Limit, MediaRef, MediaStats, MediaType, media::Direction};
use hst_server::DEV_APP_ID;
use hst_tests::{
    backend::Backend,
    house::{Door, House, Member, live, within},
};
use tokio::time::Instant;

/// Three seconds of the film.
const FRAMES: u32 = 90;

async fn of(member: &Member, key: &MediaRef) -> MediaStats {
    let stats = within("figures", member.engine.stats()).await.unwrap();
    stats.into_iter().find(|it| it.key == *key).unwrap()
}

fn is_about(found: f64, expected: f64) -> bool {
    (found - expected).abs() < expected * 0.3
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_and_the_server_tell_the_same_of_what_flows_and_give_it_a_score() {
    let house = House::open(Door::Preset).await;
    let ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let mut flowing = Vec::new();
    for (media_type, file) in [(MediaType::Audio, "tone.ogg"), (MediaType::Video, "film.ivf")] {
        let publish = ann.engine.publish(media_type, file, live(file).await);
        within("publishing", publish).await.unwrap();
        let key = bob.published().await;
        let mut remote = within("receiving", bob.engine.receive(key.clone())).await.unwrap();
        within("a frame", remote.read()).await.unwrap();
        flowing.push((key, remote));
    }
    let [(voice, _), (film, pictures)] = &mut flowing[..] else {
        unreachable!("two were published")
    };
    for member in [&ann, &bob] {
        let first = of(member, film).await;
        assert_eq!(
            (first.bitrate, first.quality),
            (0, None),
            "the first question begins the measuring"
        );
        of(member, voice).await;
    }

    let (begin, mut bytes) = (Instant::now(), 0);
    for _ in 0..FRAMES {
        bytes += within("a picture", pictures.read()).await.unwrap().1.data.len();
    }
    let seconds = begin.elapsed().as_secs_f64();
    for (member, direction) in [(&ann, Direction::Send), (&bob, Direction::Receive)] {
        let stats = of(member, film).await;
        assert_eq!((stats.line.direction, stats.line.size), (direction, Some((640, 360))));
        assert!(
            is_about(stats.frame_rate, f64::from(FRAMES) / seconds),
            "{stats:?} in {seconds} s"
        );
        assert!(
            is_about(stats.bitrate as f64, bytes as f64 * 8.0 / seconds),
            "{stats:?}, {bytes} bytes in {seconds} s"
        );
        assert_eq!((stats.loss_rate, stats.limited_by), (0.0, Limit::None));
        let stats = of(member, voice).await;
        let quality = stats.quality.unwrap();
        assert!(quality.score > 3.0, "{stats:?}");
        assert!(
            stats.line.round_trip.is_some_and(|time| time < Duration::from_secs(1)),
            "{stats:?}"
        );
    }
    let path = format!("/v1/apps/{DEV_APP_ID}/groups/g/stats");
    let server = Backend::of(&house.server).await.get(&path).await;
    let streams = server["streams"].as_array().unwrap();
    let ways: Vec<_> = streams
        .iter()
        .map(|it| (it["media"].as_str(), it["receiver"].as_str()))
        .collect();
    assert_eq!(
        ways,
        [
            (Some("tone.ogg"), None),
            (Some("tone.ogg"), Some("bob")),
            (Some("film.ivf"), None),
            (Some("film.ivf"), Some("bob")),
        ]
    );
    assert!(
        streams[..2].iter().all(|voice| voice["freeze_count"].is_null()),
        "{streams:?}"
    );
    for film in &streams[2..] {
        let frame_rate = film["frame_rate"].as_f64().unwrap();
        assert!(
            is_about(frame_rate, f64::from(FRAMES) / seconds),
            "{film} in {seconds} s"
        );
        let bitrate = film["bitrate"].as_f64().unwrap();
        assert!(
            (0.3..3.0).contains(&(bitrate * seconds / bytes as f64 / 8.0)),
            "{film}: a second of it is no average"
        );
        assert_eq!(
            (&film["loss_rate"], &film["limited_by"]),
            (&0.0.into(), &"none".into()),
            "{film}"
        );
        // What is not counted is not said to be nothing.
        let is_inward = film["receiver"].is_null();
        assert_eq!(film["nacks"].is_null(), is_inward, "{film}");
        assert!(film["packets_lost"].is_null() || !is_inward, "{film}");
        // On a busy machine it may have stood still.
        let (count, time) = (&film["freeze_count"], &film["freeze_ms"]);
        assert_eq!((count.is_u64(), time.is_f64()), (!is_inward, !is_inward), "{film}");
        assert!(count.as_u64() > Some(0) || time.as_f64() <= Some(0.0), "{film}");
        // On a busy machine even a way of no length is uneven.
        assert!(film["quality"]["score"].as_f64().unwrap() >= 1.0, "{film}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_measured_all_the_time_goes_on_as_before() {
    let house = House::open(Door::Preset).await;
    let ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let publish = ann.engine.publish(MediaType::Video, "film.ivf", live("film.ivf").await);
    within("publishing", publish).await.unwrap();
    let key = bob.published().await;
    let mut pictures = within("receiving", bob.engine.receive(key.clone())).await.unwrap();
    let backend = Backend::of(&house.server).await;
    let path = format!("/v1/apps/{DEV_APP_ID}/groups/g/stats");
    let answers = Arc::new(AtomicU64::new(0));
    let counted = answers.clone();
    let asking = tokio::spawn(async move {
        loop {
            backend.get(&path).await;
            counted.fetch_add(1, Relaxed);
        }
    });
    for _ in 0..FRAMES {
        within("a picture", pictures.read()).await.unwrap();
    }
    asking.abort();
    let answers = answers.load(Relaxed);
    println!("{answers} answers beside {FRAMES} pictures");
    assert!(answers > u64::from(FRAMES));
    assert_eq!(of(&bob, &key).await.line.lost, 0);
}
