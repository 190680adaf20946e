//! Messages to a group.

use hst_rtc::{GroupEvent, GroupMessage, Payload};
use hst_tests::house::{House, user};

through_every_door! {
    messages_reach_all_others_once_and_in_order_and_never_their_sender
    no_event_of_a_group_comes_after_leaving_it
    a_message_has_eight_kibibytes_at_most
}

fn message(from: &str, seq: u64, text: &str) -> GroupEvent {
    GroupEvent::Message(GroupMessage {
        from: user(from),
        seq,
        body: Payload::text(text),
    })
}

async fn messages_reach_all_others_once_and_in_order_and_never_their_sender(house: House) {
    let mut ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    let mut cat = house.member("cat", "g").await;
    for member in [&mut ann, &mut bob, &mut cat] {
        // Until the last one has come.
        loop {
            match member.event().await {
                GroupEvent::MemberJoined(who) if who == user("cat") => break,
                GroupEvent::Members(all) if all.len() == 2 => break,
                _ => {}
            }
        }
    }
    let count = 50;
    for seq in 1..=count {
        assert_eq!(ann.say(&format!("{seq}")).await, seq);
    }
    // Of everything that came before this message, nothing can come after it.
    assert_eq!(bob.say("over").await, count + 1);
    for member in [&mut bob, &mut cat] {
        for seq in 1..=count {
            assert_eq!(member.event().await, message("ann", seq, &format!("{seq}")));
        }
    }
    assert_eq!(cat.event().await, message("bob", count + 1, "over"));
    assert_eq!(ann.event().await, message("bob", count + 1, "over"), "none of her own");
    ann.say("last").await;
    assert_eq!(bob.event().await, message("ann", count + 2, "last"), "none of his own");
}

async fn no_event_of_a_group_comes_after_leaving_it(house: House) {
    let mut ann = house.member("ann", "g").await;
    assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
    let bob = house.member("bob", "g").await;
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));
    // Under way while she leaves.
    let (_, left) = tokio::join!(bob.say("stay!"), ann.engine.leave_group());
    left.unwrap();
    bob.say("are you there?").await;
    bob.engine.leave_group().await.unwrap();

    ann.engine.join_group("h").await.unwrap();
    let next = loop {
        match ann.event().await {
            // It may have come before she called.
            GroupEvent::Message(message) if message.body.as_text().as_deref() == Some("stay!") => {}
            event => break event,
        }
    };
    assert_eq!(next, GroupEvent::Members(vec![]));
}

async fn a_message_has_eight_kibibytes_at_most(house: House) {
    let ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    assert_eq!(bob.event().await, GroupEvent::Members(vec![user("ann")]));
    // The quotes count.
    let largest = "x".repeat(8 * 1024 - 2);
    let refused = ann
        .engine
        .send_group_message(Payload::text(&format!("{largest}x")))
        .await;
    assert_eq!(refused.unwrap_err().code(), 1);
    ann.say(&largest).await;
    assert_eq!(bob.event().await, message("ann", 1, &largest));
}
