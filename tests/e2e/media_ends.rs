//! How a received media ends.

use hst_rtc::{Event, GroupEvent, MediaRef, MediaType, RemoteMedia, media::open_source};
use hst_tests::house::{Door, House, Member, live, media_file, user, within};

/// A publisher and somebody who sees him.
struct Film {
    house: House,
    ann: Member,
    bob: Member,
    key: MediaRef,
    remote: RemoteMedia,
}

async fn film() -> Film {
    let house = House::open(Door::Preset).await;
    let ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let publish = ann.engine.publish(MediaType::Video, "film", live("film.ivf").await);
    within("publishing", publish).await.unwrap();
    let key = bob.published().await;
    let mut remote = within("receiving", bob.engine.receive(key.clone())).await.unwrap();
    assert!(within("a picture", remote.read()).await.is_some());
    Film {
        house,
        ann,
        bob,
        key,
        remote,
    }
}

/// Reads what was still under way, up to the end.
async fn end(mut remote: RemoteMedia) {
    within("the end", async { while remote.read().await.is_some() {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_publisher_stops_it_and_may_begin_again() {
    let mut film = film().await;
    film.ann.engine.stop_publish(MediaType::Video, "film").await.unwrap();
    let GroupEvent::Unpublished(ended) = film.bob.event().await else {
        panic!("nothing has ended")
    };
    assert_eq!(ended.key, film.key);
    end(film.remote).await;

    let publish = film
        .ann
        .engine
        .publish(MediaType::Video, "film", live("rings.ivf").await);
    within("publishing", publish).await.unwrap();
    assert_eq!(film.bob.published().await, film.key);
    let mut again = within("receiving", film.bob.engine.receive(film.key)).await.unwrap();
    let (_, first) = within("a picture", again.read()).await.unwrap();
    assert!(first.keyframe);
    drop(film.house);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_publisher_leaves() {
    let mut film = film().await;
    film.ann.engine.leave_group().await.unwrap();
    assert!(matches!(film.bob.event().await, GroupEvent::Unpublished(_)));
    assert_eq!(film.bob.event().await, GroupEvent::MemberLeft(user("ann")));
    end(film.remote).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_publisher_is_gone_without_a_word() {
    let mut film = film().await;
    film.ann.engine.destroy();
    assert!(matches!(film.bob.event().await, GroupEvent::Unpublished(_)));
    end(film.remote).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_receiver_stops_or_leaves_and_the_others_see_on() {
    let film = film().await;
    let mut cat = film.house.member("cat", "g").await;
    let key = cat.published().await;
    let mut seen = within("receiving", cat.engine.receive(key)).await.unwrap();
    assert!(within("a picture", seen.read()).await.is_some());

    film.bob.engine.stop_receive(film.key.clone()).await.unwrap();
    end(film.remote).await;
    let again = within("receiving", film.bob.engine.receive(film.key)).await.unwrap();
    film.bob.engine.leave_group().await.unwrap();
    end(again).await;
    for _ in 0..30 {
        assert!(within("a picture", seen.read()).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_source() {
    let mut film = film().await;
    // As fast as it can be sent, and only once.
    let source = Box::new(open_source(media_file("film.ogg")).await.unwrap());
    within("publishing", film.ann.engine.publish(MediaType::Audio, "once", source))
        .await
        .unwrap();
    let key = film.bob.published().await;
    assert_eq!(key.media.as_str(), "once");
    assert!(matches!(film.bob.event().await, GroupEvent::Unpublished(ended) if ended.key == key));
    let told = within("the end", async {
        loop {
            if let Some(Event::SourceEnded { media, fault, .. }) = film.ann.events.recv().await {
                return (media, fault);
            }
        }
    });
    assert_eq!(told.await, (key.media, None));
    drop(film.house);
}
