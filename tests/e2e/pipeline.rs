//! Requests that do not wait for each other.

use hst_proto::{Command, Event, GroupMessage, Payload, Reply};
use hst_rtc::{MediaId, MediaType};
use hst_tests::{
    hand::{Hand, hand_login, join, message},
    house::{House, user},
};

through_every_door! {
    all_that_is_asked_in_one_flight_is_answered_in_order
    in_one_flight_a_refusal_costs_only_its_own_request
}

async fn all_that_is_asked_in_one_flight_is_answered_in_order(house: House) {
    let mut ann = Hand::member(&house, "ann", "g").await;
    let mut bob = Hand::connect(&house).await;
    let publish = Command::Publish {
        media_type: MediaType::Audio,
        media: MediaId::microphone(),
        name: String::new(),
    };
    let body = Payload::text("hello");
    let mut ids = Vec::new();
    for command in [
        Command::Login(hand_login("bob")),
        join("g"),
        publish,
        message(body.clone()),
        Command::Ping {},
    ] {
        ids.push(bob.say(command).await);
    }
    let mut replies = Vec::new();
    for id in ids {
        let (re, result) = bob.reply().await;
        assert_eq!(re, id);
        replies.push(result.unwrap());
    }
    let [
        Reply::LoggedIn(_),
        Reply::Joined(joined),
        Reply::Done {},
        Reply::Sent { seq: 1 },
        Reply::Done {},
    ] = &replies[..]
    else {
        panic!("{replies:?}")
    };
    assert_eq!(joined.members, [user("ann")]);

    assert_eq!(ann.event().await, Event::MemberJoined { user: user("bob") });
    assert!(matches!(ann.event().await, Event::Published(media) if media.key.user == user("bob")));
    let from = user("bob");
    assert_eq!(ann.event().await, Event::Message(GroupMessage { from, seq: 1, body }));
}

async fn in_one_flight_a_refusal_costs_only_its_own_request(house: House) {
    let mut ann = Hand::connect(&house).await;
    for command in [
        join("too-early"),
        Command::Login(hand_login("a b")),
        Command::Login(hand_login("ann")),
        join("a b"),
        join("g"),
        join("h"),
        Command::Ping {},
    ] {
        ann.say(command).await;
    }
    let mut outcomes = Vec::new();
    for _ in 0..7 {
        outcomes.push(ann.reply().await.1.map_or_else(|failure| failure.code, |_| 0));
    }
    assert_eq!(outcomes, [1_000_003, 1_000_006, 0, 1, 0, 1_000_010, 0]);
}
