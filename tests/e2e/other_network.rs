//! A client whose host comes into another network.

use hst_rtc::{Event, MediaStats, MediaType, media::PeerState};
use hst_tests::house::{House, Member, live, within};
use tokio::time::Instant;

/// How many frames the one media of a member has carried.
async fn frames(member: &Member) -> u64 {
    let stats: Vec<MediaStats> = member.engine.stats().await.unwrap();
    stats.iter().map(|it| it.line.frames).sum()
}

/// Waits until media flow again, and says what happened to the transport until then.
async fn reconnected(member: &mut Member) -> Vec<PeerState> {
    let mut states = Vec::new();
    while states.last() != Some(&PeerState::Connected) {
        if let Event::Transport(state) = within("a state", member.events.recv()).await.unwrap() {
            states.push(state);
        }
    }
    states
}

/// It takes ten seconds: five until the interruption is noticed, and five in which it could end by itself.
#[tokio::test(flavor = "multi_thread")]
async fn media_go_on_from_another_address_without_being_made_again() {
    let (house, path) = House::at_the_end_of_a_path().await;
    let mut ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let publish = ann.engine.publish(MediaType::Video, "film", live("film.ivf").await);
    within("publishing", publish).await.unwrap();
    let key = bob.published().await;
    let mut film = within("receiving", bob.engine.receive(key)).await.unwrap();
    for member in [&mut ann, &mut bob] {
        reconnected(member).await;
    }
    for _ in 0..60 {
        within("a picture", film.read()).await.unwrap();
    }
    let (sent, received) = (frames(&ann).await, frames(&bob).await);

    path.cut();
    let cut = Instant::now();
    for member in [&mut ann, &mut bob] {
        let states = reconnected(member).await;
        assert_eq!(states.first(), Some(&PeerState::Disconnected), "{states:?}");
        assert!(!states.contains(&PeerState::Closed), "{states:?}");
    }
    println!("media were interrupted for {:?}", cut.elapsed());
    for _ in 0..30 {
        within("a picture", film.read()).await.unwrap();
    }
    // The figures of a line begin anew when its transport is replaced, and could not be there again yet.
    assert!(frames(&ann).await > sent);
    assert!(frames(&bob).await > received);
}
