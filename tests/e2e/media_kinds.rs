//! Several media of several members at once.

use std::collections::BTreeMap;

use hst_rtc::{
    GroupEvent, MediaType,
    media::{Codec, Direction},
};
use hst_tests::house::{Door, House, live, user, within};

#[tokio::test(flavor = "multi_thread")]
async fn camera_screen_and_microphone_of_one_user_are_media_of_their_own() {
    let house = House::open(Door::Preset).await;
    let mut bob = house.member("bob", "g").await;
    let ann = house.member("ann", "g").await;
    let media = [
        (MediaType::Video, "0", "film.ivf", Codec::Vp8),
        (MediaType::Video, "1", "rings.ivf", Codec::Vp8),
        (MediaType::ScreenShare, "0", "film.h264", Codec::H264),
        (MediaType::Audio, "0", "tone.ogg", Codec::Opus),
    ];
    for (media_type, id, file, _) in media {
        within("publishing", ann.engine.publish(media_type, id, live(file).await))
            .await
            .unwrap();
    }
    let again = ann.engine.publish(MediaType::Video, "0", live("film.ivf").await).await;
    assert_eq!(again.unwrap_err().code(), 302, "it is published already");

    let mut remotes = BTreeMap::new();
    for (media_type, id, _, codec) in media {
        let key = bob.published().await;
        assert_eq!(
            (key.user.as_str(), key.media_type, key.media.as_str()),
            ("ann", media_type, id)
        );
        let remote = within("receiving", bob.engine.receive(key.clone())).await.unwrap();
        remotes.insert(key, (remote, codec));
    }
    for (remote, expected) in remotes.values_mut() {
        for _ in 0..20 {
            let (codec, _) = within("a frame", remote.read()).await.unwrap();
            assert_eq!(codec, *expected, "{}", remote.key());
        }
    }
    let figures = bob.engine.stats().await.unwrap();
    assert_eq!(figures.len(), media.len());
    for figure in &figures {
        assert!(remotes.contains_key(&figure.key));
        assert_eq!(figure.line.direction, Direction::Receive);
        assert!(figure.line.frames > 0 && figure.line.lost == 0, "{figure:?}");
    }

    // One of them ends, and the others go on.
    ann.engine.stop_publish(MediaType::ScreenShare, "0").await.unwrap();
    let ended = loop {
        if let GroupEvent::Unpublished(media) = bob.event().await {
            break media.key;
        }
    };
    assert_eq!(ended.media_type, MediaType::ScreenShare);
    for (key, (remote, _)) in &mut remotes {
        if *key == ended {
            within("the end", async { while remote.read().await.is_some() {} }).await;
        } else {
            for _ in 0..20 {
                assert!(within("a frame", remote.read()).await.is_some(), "{key}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_see_and_hear_each_other_lose_nothing() {
    let house = House::open(Door::Preset).await;
    let mut members = [house.member("ann", "g").await, house.member("bob", "g").await];
    for (member, film, sound) in [
        (&members[0], "film.ivf", "film.ogg"),
        (&members[1], "rings.ivf", "tone.ogg"),
    ] {
        within("publishing", async {
            member.engine.publish(MediaType::Video, "cam", live(film).await).await?;
            member.engine.publish(MediaType::Audio, "mic", live(sound).await).await
        })
        .await
        .unwrap();
    }
    for (member, other) in members.iter_mut().zip(["bob", "ann"]) {
        let mut remotes = Vec::new();
        for _ in 0..2 {
            let key = member.published().await;
            assert_eq!(key.user, user(other));
            remotes.push(within("receiving", member.engine.receive(key)).await.unwrap());
        }
        for remote in &mut remotes {
            for _ in 0..60 {
                within("a frame", remote.read()).await.unwrap();
            }
        }
        for figure in member.engine.stats().await.unwrap() {
            assert!(figure.line.packets >= 60, "{figure:?}");
            assert_eq!(figure.line.lost, 0, "{figure:?}");
        }
    }
}
