//! The platform's own journey: init, login, join, leave, exit, destroy, and init again.

use hst_proto::Command;
use hst_rtc::{GroupEvent, MediaId, MediaRef, MediaType};
use hst_tests::{
    hand::Hand,
    house::{House, login, user, within},
};

through_every_door! {
    from_init_to_destroy_and_init_again
    members_see_each_other_come_publish_stop_and_go
    a_call_out_of_place_is_refused_by_its_number
    whoever_destroys_his_engine_has_left_and_logged_out
}

async fn from_init_to_destroy_and_init_again(house: House) {
    let mut ann = house.visitor().await;
    for round in ["one", "two"] {
        ann.engine.login(login("ann")).await.unwrap();
        ann.engine.join_group("g").await.unwrap();
        assert_eq!(ann.event().await, GroupEvent::Members(vec![]), "round {round}");

        let bob = house.member("bob", "g").await;
        assert_eq!(
            ann.event().await,
            GroupEvent::MemberJoined(user("bob")),
            "round {round}"
        );
        bob.engine.leave_group().await.unwrap();
        assert_eq!(ann.event().await, GroupEvent::MemberLeft(user("bob")), "round {round}");
        bob.engine.exit().await.unwrap();

        ann.engine.leave_group().await.unwrap();
        ann.engine.exit().await.unwrap();
        ann.engine.destroy();
        assert_eq!(ann.engine.login(login("ann")).await.unwrap_err().code(), 2);
        house.init(&ann.engine).await.unwrap();
    }
}

async fn members_see_each_other_come_publish_stop_and_go(house: House) {
    let mut ann = house.member("ann", "g").await;
    assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
    // By hand, because an announcement needs no media to be seen.
    let mut bob = Hand::member(&house, "bob", "g").await;
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));

    let cam = MediaRef {
        user: user("bob"),
        media_type: MediaType::Video,
        media: MediaId::parse("cam").unwrap(),
    };
    let publish = Command::Publish {
        media_type: cam.media_type,
        media: cam.media.clone(),
        name: "the hall".to_owned(),
    };
    bob.ask(publish).await.unwrap();
    let GroupEvent::Published(seen) = ann.event().await else {
        panic!("nothing was published")
    };
    assert_eq!((&seen.key, seen.name.as_str()), (&cam, "the hall"));

    let mut late = house.member("late", "g").await;
    let GroupEvent::Members(mut members) = late.event().await else {
        panic!("nobody is there")
    };
    members.sort();
    assert_eq!(members, [user("ann"), user("bob")]);
    assert_eq!(late.event().await, GroupEvent::Published(seen.clone()));
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("late")));

    let unpublish = Command::Unpublish {
        media_type: cam.media_type,
        media: cam.media.clone(),
    };
    bob.ask(unpublish).await.unwrap();
    for member in [&mut ann, &mut late] {
        assert_eq!(member.event().await, GroupEvent::Unpublished(seen.clone()));
    }
    bob.ask(Command::Leave {}).await.unwrap();
    for member in [&mut ann, &mut late] {
        assert_eq!(member.event().await, GroupEvent::MemberLeft(user("bob")));
    }
}

async fn a_call_out_of_place_is_refused_by_its_number(house: House) {
    let engine = house.engine();
    assert_eq!(engine.login(login("ann")).await.unwrap_err().code(), 2);
    house.init(&engine).await.unwrap();
    assert_eq!(house.init(&engine).await.unwrap_err().code(), 2);
    assert_eq!(engine.join_group("g").await.unwrap_err().code(), 35);
    assert_eq!(engine.exit().await.unwrap_err().code(), 35);
    engine.login(login("ann")).await.unwrap();
    assert_eq!(engine.login(login("ann")).await.unwrap_err().code(), 2);
    assert_eq!(engine.leave_group().await.unwrap_err().code(), 31);
    engine.join_group("g").await.unwrap();
    assert_eq!(engine.join_group("g").await.unwrap_err().code(), 2);
}

async fn whoever_destroys_his_engine_has_left_and_logged_out(house: House) {
    let mut ann = house.member("ann", "g").await;
    ann.event().await;
    let bob = house.member("bob", "g").await;
    assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));
    bob.engine.destroy();
    assert_eq!(ann.event().await, GroupEvent::MemberLeft(user("bob")));

    // The group was told before the session was over, so the name may need a moment more.
    let again = house.visitor().await;
    within("a login", async {
        while let Err(refused) = again.engine.login(login("bob")).await {
            assert_eq!(refused.code(), 34);
        }
    })
    .await;
}
