//! Media that are connected before anybody is in the group.

use std::sync::Arc;

use async_trait::async_trait;
use hst_rtc::{
    Event, GroupEvent, MediaRef, MediaType, RtcEngine,
    media::{Kind, MediaEngine, MediaError, MediaPeer, PeerConfig, PeerEvents, PeerState},
    presets,
};
use hst_tests::house::{Door, House, Member, live, login, within};

/// Somebody who publishes his voice.
async fn speaker(house: &House, user: &str, group: &str) -> (Member, MediaRef) {
    let member = house.member(user, group).await;
    let sound = live("film.ogg").await;
    let published = member.engine.publish(MediaType::Audio, "voice", sound);
    within("publishing", published).await.unwrap();
    let key = MediaRef {
        user: user.parse().unwrap(),
        media_type: MediaType::Audio,
        media: "voice".parse().unwrap(),
    };
    (member, key)
}

/// Somebody who has logged in, and whose media are connected for this group.
async fn prepared(house: &House, user: &str, group: &str) -> Member {
    let mut member = house.visitor().await;
    within("login", member.engine.login(login(user))).await.unwrap();
    member.engine.prepare_group(group).await.unwrap();
    connected(&mut member).await;
    member
}

async fn connected(member: &mut Member) {
    while within("an event", member.events.recv()).await != Some(Event::Transport(PeerState::Connected)) {}
}

async fn hears(member: &Member, group: &str, key: MediaRef) {
    let joined = member.engine.join_receiving(group, vec![key]);
    let mut media = within("joining", joined).await.unwrap();
    let (codec, _) = within("a sound", media[0].read()).await.unwrap();
    assert_eq!(codec.kind(), Kind::Audio);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_prepared_hears_over_the_same_transport_and_nobody_saw_him_before() {
    let house = House::open(Door::Preset).await;
    let (mut bob, voice) = speaker(&house, "bob", "g").await;
    assert_eq!(bob.event().await, GroupEvent::Members(Vec::new()));
    let mut ann = prepared(&house, "ann", "g").await;
    let _cid = house.member("cid", "g").await;
    let cid = GroupEvent::MemberJoined("cid".parse().unwrap());
    assert_eq!(bob.event().await, cid, "whoever prepares is not there");

    hears(&ann, "g", voice).await;
    assert_eq!(bob.event().await, GroupEvent::MemberJoined("ann".parse().unwrap()));
    while let Ok(Some(event)) = tokio::time::timeout(std::time::Duration::ZERO, ann.events.recv()).await {
        let reconnected = matches!(event, Event::Transport(PeerState::Connecting | PeerState::Connected));
        assert!(!reconnected, "the transport is the one that was prepared");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_prepared_for_another_group_hears_all_the_same() {
    let house = House::open(Door::Preset).await;
    let (_bob, voice) = speaker(&house, "bob", "g").await;
    let ann = prepared(&house, "ann", "elsewhere").await;
    hears(&ann, "g", voice).await;
    within("leaving", ann.engine.leave_group()).await.unwrap();
}

/// An engine that is told something else than what will be answered.
#[derive(Debug)]
struct Misled(Arc<dyn MediaEngine>);

#[async_trait]
impl MediaEngine for Misled {
    async fn open(&self, mut config: PeerConfig) -> Result<(Box<dyn MediaPeer>, PeerEvents), MediaError> {
        let foretold = config.foretold.get_or_insert_default();
        foretold.ufrag.push('0');
        foretold.password.push('0');
        foretold.addresses.insert(0, ([127, 0, 0, 1], 9).into());
        self.0.open(config).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_foretold_something_wrong_hears_all_the_same() {
    let house = House::open(Door::Preset).await;
    let (_bob, voice) = speaker(&house, "bob", "g").await;
    let engine = RtcEngine::with(presets::with_media(Arc::new(Misled(presets::str0m()))));
    let ann = Member {
        events: engine.events(),
        engine,
    };
    within("init", house.init(&ann.engine)).await.unwrap();
    within("login", ann.engine.login(login("ann"))).await.unwrap();
    hears(&ann, "g", voice).await;
}
