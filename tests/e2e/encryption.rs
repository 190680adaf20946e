//! Media that the server forwards and cannot read.

use std::time::Duration;

use hst_rtc::{Event, GroupKey, MediaRef, MediaType, RemoteMedia, RtcEngine, media::Codec};
use hst_tests::house::{Door, House, Member, live, login, user, within};

fn key(byte: u8) -> Option<(u8, GroupKey)> {
    Some((byte, GroupKey::from_bytes(&[byte; 32]).unwrap()))
}

/// A member of a group that is encrypted.
async fn member(house: &House, name: &str, key: Option<(u8, GroupKey)>) -> Member {
    let member = house.visitor().await;
    member.engine.login(login(name)).await.unwrap();
    member.engine.set_encryption_key(key).await.unwrap();
    member.engine.join_group("g").await.unwrap();
    member
}

async fn publish(engine: &RtcEngine) {
    let film = engine.publish(MediaType::Video, "film", live("film.ivf").await);
    within("publishing a picture", film).await.unwrap();
    let sound = engine.publish(MediaType::Audio, "voice", live("film.ogg").await);
    within("publishing a sound", sound).await.unwrap();
}

async fn receive(engine: &RtcEngine, media_type: MediaType, media: &str) -> RemoteMedia {
    let key = MediaRef {
        user: user("ann"),
        media_type,
        media: media.parse().unwrap(),
    };
    within("receiving", engine.receive(key)).await.unwrap()
}

/// Frames that a decoder could take.
async fn read(media: &mut RemoteMedia, count: usize) {
    for _ in 0..count {
        let (codec, frame) = within("a frame", media.read()).await.unwrap();
        match codec {
            Codec::Opus => assert!(hst_rtc::media::opus_duration(&frame.data) == Some(frame.duration)),
            _ if frame.keyframe => assert_eq!(&frame.data[3..6], [0x9d, 0x01, 0x2a], "the start code of VP8"),
            _ => {}
        }
    }
}

/// Waits until an engine is told that a media can be decrypted, or cannot.
async fn told(member: &mut Member, expected: bool) {
    let told = async {
        loop {
            match member.events.recv().await {
                Some(Event::MediaDecryption { decrypted, .. }) if decrypted == expected => return,
                Some(_) => {}
                None => panic!("the engine is gone"),
            }
        }
    };
    within("the word on decryption", told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_key_receives_and_who_has_another_one_or_has_left_gets_nothing() {
    let house = House::open(Door::Preset).await;
    let ann = member(&house, "ann", key(0)).await;
    publish(&ann.engine).await;

    let mut ben = member(&house, "ben", key(0)).await;
    let mut film = receive(&ben.engine, MediaType::Video, "film").await;
    let mut sound = receive(&ben.engine, MediaType::Audio, "voice").await;
    tokio::join!(read(&mut film, 40), read(&mut sound, 40));
    told(&mut ben, true).await;

    let wrong = GroupKey::from_bytes(&[9; 32]).unwrap();
    let mut eve = member(&house, "eve", Some((0, wrong))).await;
    let mut closed = receive(&eve.engine, MediaType::Video, "film").await;
    tokio::select! {
        frame = closed.read() => panic!("{frame:?}"),
        () = told(&mut eve, false) => {}
    }

    // One who has left is still there under another name: he sees on until the key is another one.
    let mut left = member(&house, "left", key(0)).await;
    let mut seen = receive(&left.engine, MediaType::Video, "film").await;
    read(&mut seen, 5).await;
    for engine in [&ben.engine, &ann.engine] {
        engine.set_encryption_key(key(1)).await.unwrap();
    }
    tokio::select! {
        () = async { while seen.read().await.is_some() {} } => panic!("the media has ended"),
        () = told(&mut left, false) => {}
    }
    let nothing = tokio::time::timeout(Duration::from_secs(1), seen.read()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    tokio::join!(read(&mut film, 40), read(&mut sound, 40));

    // Everybody follows who ratchets.
    assert_eq!(ann.engine.ratchet_encryption_key().await.unwrap(), 2);
    read(&mut sound, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_encrypted_is_not_published() {
    let house = House::open(Door::Preset).await;
    let ann = member(&house, "ann", key(0)).await;
    let film = live("film.h264").await;
    let refused = ann.engine.publish(MediaType::Video, "film", film).await.unwrap_err();
    assert_eq!(refused.code(), 302, "{refused}");

    let end = ann.engine.set_encryption_key(None).await.unwrap_err();
    assert_eq!(end.code(), 302, "nobody ends it behind the others' backs: {end}");
    let open = house.member("ben", "g").await;
    let late = open.engine.set_encryption_key(key(0)).await.unwrap_err();
    assert_eq!(late.code(), 302, "what was published in the open still is: {late}");
    let none = open.engine.ratchet_encryption_key().await.unwrap_err();
    assert_eq!(none.code(), 302, "{none}");
}
