//! Who is in a room with whom.

use hst_rtc::{GroupEvent, Payload};
use hst_tests::house::{House, Member, login, other_login, user, within};

through_every_door! {
    one_is_in_one_group_at_a_time
    nobody_hears_what_goes_on_in_another_group_or_app
}

async fn one_is_in_one_group_at_a_time(house: House) {
    let mut ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));
    assert_eq!(bob.event().await, GroupEvent::Members(vec![user("ann")]));

    assert_eq!(ann.engine.join_group("h").await.unwrap_err().code(), 2);
    ann.say("still here").await;
    assert!(matches!(bob.event().await, GroupEvent::Message(message) if message.seq == 1));

    ann.engine.leave_group().await.unwrap();
    assert_eq!(bob.event().await, GroupEvent::MemberLeft(user("ann")));
    ann.engine.join_group("h").await.unwrap();
    assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
    let refused = ann.engine.send_group_message(Payload::text("alone")).await;
    assert_eq!(refused.unwrap(), 1, "another group counts its own messages");
}

async fn nobody_hears_what_goes_on_in_another_group_or_app(house: House) {
    let mut ann = house.member("ann", "g").await;
    let mut elsewhere = house.member("bob", "h").await;
    let mut stranger = in_other_app(&house, "cat", "g").await;
    for member in [&mut ann, &mut elsewhere, &mut stranger] {
        assert_eq!(member.event().await, GroupEvent::Members(vec![]));
    }
    let guest = house.member("dan", "g").await;
    guest.say("hello").await;
    guest.engine.exit().await.unwrap();
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("dan")));
    assert!(matches!(ann.event().await, GroupEvent::Message { .. }));
    assert_eq!(ann.event().await, GroupEvent::MemberLeft(user("dan")));

    // The first thing that the others hear is somebody of their own.
    let _eve = house.member("eve", "h").await;
    let _fay = in_other_app(&house, "fay", "g").await;
    assert_eq!(elsewhere.event().await, GroupEvent::MemberJoined(user("eve")));
    assert_eq!(stranger.event().await, GroupEvent::MemberJoined(user("fay")));
    // And one may be in the same group of both Apps under the same name.
    let mut twin = in_other_app(&house, "ann", "g").await;
    assert!(matches!(twin.event().await, GroupEvent::Members(all) if all.len() == 2));
    assert_eq!(ann.engine.login(login("ann")).await.unwrap_err().code(), 2);
}

async fn in_other_app(house: &House, name: &str, group: &str) -> Member {
    let member = house.visitor().await;
    within("login", member.engine.login(other_login(name))).await.unwrap();
    within("join", member.engine.join_group(group)).await.unwrap();
    member
}
