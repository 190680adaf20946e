//! Somebody who never reads what he is told.

use std::time::Duration;

use hst_proto::Command;
use hst_rtc::{GroupEvent, GroupMessage, Payload};
use hst_signal::{CloseCode, RecvEnd};
use hst_tests::{
    hand::{Hand, join, other_hand_login},
    house::{House, other_login, user, within},
};

through_every_door! {
    s9_who_never_reads_is_cut_and_the_others_lose_nothing
}

async fn s9_who_never_reads_is_cut_and_the_others_lose_nothing(house: House) {
    let [mut ann, mut bob] = [house.visitor().await, house.visitor().await];
    for (member, name) in [(&ann, "ann"), (&bob, "bob")] {
        within("login", member.engine.login(other_login(name))).await.unwrap();
        within("join", member.engine.join_group("g")).await.unwrap();
    }
    assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));
    assert_eq!(bob.event().await, GroupEvent::Members(vec![user("ann")]));
    let mut mallory = Hand::connect(&house).await;
    mallory.say(Command::Login(other_hand_login("mallory"))).await;
    mallory.say(join("g")).await;
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("mallory")));
    assert_eq!(bob.event().await, GroupEvent::MemberJoined(user("mallory")));

    // More than the buffers on the way hold: the largest is that of a TCP socket, 4 MiB. Behind what lies in that the reason can
    // only be read by who begins to read within seconds.
    let text = "x".repeat(64 * 1024 - 2);
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    for seq in 1..=120 {
        // No faster than is allowed.
        pace.tick().await;
        assert_eq!(ann.say(&text).await, seq);
        let expected = GroupEvent::Message(GroupMessage {
            from: user("ann"),
            seq,
            body: Payload::text(&text),
        });
        // Nobody is told that he is away: he may come back.
        assert!(bob.event().await == expected, "message {seq} is the next");
    }
    let RecvEnd::Closed(reason) = mallory.end().await else {
        panic!("closed without a reason")
    };
    assert_eq!(reason.code, CloseCode::SlowReader);
}
