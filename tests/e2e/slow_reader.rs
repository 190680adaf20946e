//! Somebody who never reads what he is told.

use hst_proto::Command;
use hst_rtc::{GroupEvent, Payload};
use hst_signal::{CloseCode, RecvEnd};
use hst_tests::{
    hand::{Hand, hand_login, join},
    house::{House, user},
};
use tokio::time::Instant;

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

    let start = Instant::now();
    let text = "x".repeat(8 * 1024 - 2);
    let gone = GroupEvent::MemberLeft(user("mallory"));
    let mut is_gone = false;
    // More than any buffer on the way would hold.
    for seq in 1.. {
        assert!(seq < 10_000, "he is still there");
        assert_eq!(ann.say(&text).await, seq);
        let mut event = bob.event().await;
        if event == gone {
            is_gone = true;
            event = bob.event().await;
        }
        let expected = GroupEvent::Message {
            from: user("ann"),
            seq,
            body: Payload::text(&text),
        };
        assert!(event == expected, "message {seq} is the next");
        if is_gone {
            break;
        }
    }
    assert_eq!(ann.event().await, gone);
    assert!(
        start.elapsed() < hst_proto::PEER_TIMEOUT,
        "it was not his silence: {:?}",
        start.elapsed()
    );
    let end = mallory.end().await;
    let RecvEnd::Closed(reason) = end else {
        panic!("{end:?}")
    };
    assert_eq!(reason.code, CloseCode::SlowReader);
}
