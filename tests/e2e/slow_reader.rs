//! Somebody who never reads what he is told.

use hst_proto::Command;
use hst_rtc::{GroupEvent, GroupMessage, Payload};
use hst_signal::{CloseCode, RecvEnd};
use hst_tests::{
    hand::{Hand, hand_login, join},
    house::{House, user},
};

through_every_door! {
    who_never_reads_is_cut_and_the_others_lose_nothing
}

async fn who_never_reads_is_cut_and_the_others_lose_nothing(house: House) {
    let mut ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));
    assert_eq!(bob.event().await, GroupEvent::Members(vec![user("ann")]));
    let mut mallory = Hand::connect(&house).await;
    mallory.say(Command::Login(hand_login("mallory"))).await;
    mallory.say(join("g")).await;
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("mallory")));
    assert_eq!(bob.event().await, GroupEvent::MemberJoined(user("mallory")));

    // More than any buffer on the way would hold.
    let text = "x".repeat(8 * 1024 - 2);
    for seq in 1..=2_500 {
        assert_eq!(ann.say(&text).await, seq);
        let expected = GroupEvent::Message(GroupMessage {
            from: user("ann"),
            seq,
            body: Payload::text(&text),
        });
        // Nobody is told that he is away: he may come back.
        assert!(bob.event().await == expected, "message {seq} is the next");
    }
    let end = mallory.end().await;
    let RecvEnd::Closed(reason) = end else {
        panic!("{end:?}")
    };
    assert_eq!(reason.code, CloseCode::SlowReader);
}
