//! What a native engine is told of how its pictures are seen, and says of those that it receives.

use std::time::Duration;

use hst_rtc::{GroupEvent, MediaRef, MediaType, Priority};
use hst_tests::house::{Door, House, Member, live, user, within};
use tokio::time::timeout;

/// Longer than any picture is under way, and than two of the film are apart.
const QUIET: Duration = Duration::from_secs(1);

async fn wanted(member: &mut Member) -> Option<u32> {
    loop {
        if let GroupEvent::Wanted { height, .. } = member.event().await {
            return height;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_away_gets_no_picture_and_whoever_publishes_it_is_told() {
    let house = House::open(Door::Preset).await;
    let mut ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let publish = ann.engine.publish(MediaType::Video, "film", live("film.ivf").await);
    within("publishing", publish).await.unwrap();
    let key = bob.published().await;
    let mut remote = within("receiving", bob.engine.receive(key.clone())).await.unwrap();
    assert!(within("a picture", remote.read()).await.is_some());

    bob.engine.view(key.clone(), Some(180)).await.unwrap();
    assert_eq!(wanted(&mut ann).await, Some(180));
    bob.engine.view(key.clone(), Some(0)).await.unwrap();
    assert_eq!(wanted(&mut ann).await, Some(0));
    // What was on its way has come; then it is quiet.
    while timeout(QUIET, remote.read()).await.is_ok() {}
    bob.engine.view(key.clone(), None).await.unwrap();
    let (_, first) = within("a picture", remote.read()).await.unwrap();
    assert!(first.keyframe);
    assert_eq!(wanted(&mut ann).await, None);

    let nothing = MediaRef {
        user: user("nobody"),
        ..key.clone()
    };
    assert_eq!(bob.engine.view(nothing, Some(0)).await.unwrap_err().code(), 302);
    assert_eq!(bob.engine.view(key, Some(u32::MAX)).await.unwrap_err().code(), 1);
    drop(house);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_received_may_matter_more_or_less_than_others_and_goes_on() {
    let house = House::open(Door::Preset).await;
    let ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let publish = ann.engine.publish(MediaType::Video, "film", live("film.ivf").await);
    within("publishing", publish).await.unwrap();
    let key = bob.published().await;
    let refused = bob.engine.prioritize(key.clone(), Priority::High).await.unwrap_err();
    assert_eq!(refused.code(), 302, "it is not received");

    let mut remote = within("receiving", bob.engine.receive(key.clone())).await.unwrap();
    for priority in [Priority::High, Priority::Low, Priority::Normal] {
        bob.engine.prioritize(key.clone(), priority).await.unwrap();
        assert!(within("a picture", remote.read()).await.is_some());
    }
    let sound = MediaRef {
        media_type: MediaType::Audio,
        ..key
    };
    let refused = bob.engine.prioritize(sound, Priority::Low).await.unwrap_err();
    assert_eq!(refused.code(), 1, "sound comes first");
    drop(house);
}
