//! The engine's state machine, call by call.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::time::Duration;

use common::World;
use hst_group::client::{LoginOptions, Refusal, Session, SessionEvent, State};
use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{
    Audience, Class, Invite, InviteAnswer, InviteCancel, Offer, OnlinePage, Payload, Prepare, Priority, RequestId,
    RosterPage, ToGroup,
};

type Verb = (&'static str, fn(&mut Session) -> Result<(), Refusal>);

fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn camera() -> MediaRef {
    MediaRef {
        user: UserId::parse("bob").unwrap(),
        media_type: MediaType::Video,
        media: MediaId::parse("c").unwrap(),
    }
}

fn unit(sent: Result<RequestId, Refusal>) -> Result<(), Refusal> {
    sent.map(drop)
}

const VERBS: [Verb; 28] = [
    ("init", |s| s.init()),
    ("login", |s| {
        unit(s.login(now(), LoginOptions::new("app", "token", "alice")))
    }),
    ("join", |s| unit(s.join(now(), "group"))),
    ("prepare", |s| {
        unit(s.prepare(
            now(),
            Prepare {
                group: "group".into(),
                generation: 1,
                sdp: String::new(),
            },
        ))
    }),
    ("leave", |s| unit(s.leave(now()))),
    ("exit", |s| unit(s.exit(now()))),
    ("publish", |s| {
        unit(s.publish(now(), MediaType::Video, camera().media, String::new()))
    }),
    ("unpublish", |s| {
        unit(s.unpublish(now(), MediaType::Video, camera().media))
    }),
    ("receive", |s| unit(s.receive(now(), camera()))),
    ("receive_with_join", |s| unit(s.receive_with_join(now(), camera()))),
    ("stop_receive", |s| unit(s.stop_receive(now(), camera()))),
    ("view", |s| unit(s.view(now(), camera(), Some(180)))),
    ("prioritize", |s| unit(s.prioritize(now(), camera(), Priority::Low))),
    ("offer", |s| {
        unit(s.offer(
            now(),
            Offer {
                generation: 1,
                sdp: String::new(),
                lines: Vec::new(),
            },
        ))
    }),
    ("message", |s| unit(s.message(now(), hi()))),
    ("roster", |s| {
        unit(s.roster(now(), RosterPage { after: None, limit: 9 }))
    }),
    ("history", |s| unit(s.history(now(), None, 9))),
    ("kick", |s| unit(s.kick(now(), camera().user, None))),
    ("mute", |s| unit(s.mute(now(), camera(), true))),
    ("lock", |s| unit(s.lock(now(), true))),
    ("renew", |s| unit(s.renew(now(), "token".into()))),
    ("user_message", |s| {
        unit(s.user_message(now(), camera().user, Payload::text("hi")))
    }),
    ("online_page", |s| {
        unit(s.online_page(now(), OnlinePage { after: None, limit: 9 }))
    }),
    ("unwatch", |s| unit(s.unwatch(now()))),
    ("set_state", |s| unit(s.set_state(now(), "busy".into()))),
    ("invite", |s| {
        let invite = Invite {
            invite: 1,
            group: World::group("g"),
            users: vec![camera().user],
            extend_info: None,
        };
        unit(s.invite(now(), invite))
    }),
    ("answer_invite", |s| {
        let answer = InviteAnswer {
            invite: 1,
            accept: true,
            extend_info: None,
        };
        unit(s.answer_invite(now(), answer))
    }),
    ("cancel_invite", |s| {
        let (invite, users) = (1, None);
        unit(s.cancel_invite(now(), InviteCancel { invite, users }))
    }),
];

fn hi() -> ToGroup {
    ToGroup {
        body: Payload::text("hi"),
        to: Audience::All,
        class: Class::Reliable,
    }
}

/// An engine brought to a state by a whole house.
fn engine_in(state: State) -> World {
    let mut world = World::new(3, 1);
    let pause = Duration::from_secs(1);
    if state == State::Uninit {
        return world;
    }
    if state == State::Initing {
        world.clients[0].session.init().unwrap();
        return world;
    }
    world.init(0);
    if state == State::Inited {
        return world;
    }
    world.login(0, "alice").unwrap();
    if state == State::LoggingIn {
        return world;
    }
    world.run_for(pause);
    if state == State::Exiting {
        world.call(0, |s, now| s.exit(now)).unwrap();
        return world;
    }
    if state == State::LoggedIn {
        return world;
    }
    world.call(0, |s, now| s.join(now, "group")).unwrap();
    if state == State::Joining {
        return world;
    }
    world.run_for(pause);
    if state == State::Leaving {
        world.call(0, |s, now| s.leave(now)).unwrap();
    }
    world
}

/// The code that a verb fails with in a state, or 0 when it is let through.
fn code_of(verb: &Verb, state: State) -> u32 {
    let mut world = engine_in(state);
    let session = &mut world.clients[0].session;
    assert_eq!(session.state(), state);
    while session.poll_output().is_some() {}
    match verb.1(session) {
        Ok(()) => 0,
        Err(refusal) => {
            assert_eq!(
                session.state(),
                state,
                "{} in {state} failed and changed the state",
                verb.0
            );
            assert!(
                session.poll_output().is_none(),
                "{} in {state} failed and did something",
                verb.0
            );
            assert!(
                refusal.server_code.is_none() && refusal.message.contains(": "),
                "{refusal}"
            );
            refusal.code
        }
    }
}

#[test]
fn every_verb_in_every_state_is_let_through_or_fails_at_once_with_its_code() {
    use State::{Exiting, Inited, Initing, Joined, Joining, Leaving, LoggedIn, LoggingIn, Uninit};
    let states = [
        Uninit, Initing, Inited, LoggingIn, LoggedIn, Joining, Joined, Leaving, Exiting,
    ];
    let in_group = [2, 2, 31, 2, 31, 2, 0, 2, 2];
    let online = [2, 2, 35, 2, 0, 0, 0, 0, 2];
    let expected = [
        ("init", [0, 2, 2, 2, 2, 2, 2, 2, 2]),
        ("login", [2, 2, 0, 2, 2, 2, 2, 2, 2]),
        ("join", [2, 2, 35, 2, 0, 2, 2, 2, 2]),
        ("prepare", [2, 2, 35, 2, 0, 2, 2, 2, 2]),
        ("leave", in_group),
        ("exit", online),
        ("publish", in_group),
        ("unpublish", in_group),
        ("receive", in_group),
        ("receive_with_join", [2, 2, 2, 2, 2, 0, 2, 2, 2]),
        ("stop_receive", in_group),
        ("view", in_group),
        ("prioritize", in_group),
        // Behind a join, in the same flight.
        ("offer", [2, 2, 31, 2, 31, 0, 0, 2, 2]),
        ("message", in_group),
        ("roster", in_group),
        ("history", in_group),
        ("kick", in_group),
        ("mute", in_group),
        ("lock", in_group),
        ("renew", online),
        ("user_message", online),
        ("online_page", online),
        ("unwatch", online),
        ("set_state", online),
        ("invite", online),
        ("answer_invite", online),
        ("cancel_invite", online),
    ];
    for (verb, (name, codes)) in VERBS.iter().zip(expected) {
        assert_eq!(verb.0, name);
        for (state, code) in states.into_iter().zip(codes) {
            assert_eq!(code_of(verb, state), code, "{name} in {state}");
        }
    }
}

#[test]
fn malformed_ids_fail_on_the_client_with_their_codes() {
    for user in ["", "a b", "ü", &"x".repeat(129)] {
        let mut world = engine_in(State::Inited);
        let refusal = world.login(0, user).unwrap_err();
        assert_eq!(
            (refusal.code, world.clients[0].session.state()),
            (1_000_006, State::Inited),
            "{user:?}"
        );
    }
    for group in ["", "a b", "a/b", &"x".repeat(129)] {
        let mut world = engine_in(State::LoggedIn);
        let refusal = world.call(0, |s, now| s.join(now, group)).unwrap_err();
        assert_eq!(
            (refusal.code, world.clients[0].session.state()),
            (1, State::LoggedIn),
            "{group:?}"
        );
    }
}

#[test]
fn a_second_login_of_a_user_is_refused_while_the_first_is_online() {
    let mut world = World::new(5, 2);
    world.init(0);
    world.init(1);
    world.login(0, "alice").unwrap();
    world.run_for(Duration::from_secs(1));
    let second = world.login(1, "alice").unwrap();
    world.run_for(Duration::from_secs(1));
    let refusal = world.clients[1].result(second).clone().unwrap_err();
    assert_eq!((refusal.code, refusal.server_code), (34, Some(1_000_008)));
    assert_eq!(world.clients[1].session.state(), State::Inited);

    world.call(0, |s, now| s.exit(now)).unwrap();
    world.run_for(Duration::from_secs(1));
    let third = world.login(1, "alice").unwrap();
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[1].result(third).is_ok());
}

#[test]
fn leaving_closes_all_media_at_once_and_no_group_event_follows() {
    let mut world = World::new(9, 2);
    world.enter(0, "alice", "g");
    world.enter(1, "bob", "g");
    // A message is on its way to alice when she leaves; the world itself asserts that no event comes outside a group.
    world.send(1, Audience::All, Class::Reliable).unwrap();
    world.leave(0).unwrap();
    assert_eq!(world.clients[0].media_closed, 1);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[0].session.state(), State::LoggedIn);
    assert!(world.clients[0].messages.is_empty());
    assert!(world.clients[1].members.is_empty(), "bob saw her go");
}

#[test]
fn exit_needs_no_answer() {
    let mut world = engine_in(State::Joined);
    world.silence(0);
    let exit = world.exit(0).unwrap();
    assert_eq!(world.clients[0].media_closed, 1);
    world.run_for(Duration::from_secs(20));
    assert!(world.clients[0].result(exit).is_ok());
    assert_eq!(world.clients[0].session.state(), State::Inited);
}

#[test]
fn destroy_leaves_and_exits_by_itself_and_init_works_again() {
    for state in [
        State::Initing,
        State::Inited,
        State::LoggingIn,
        State::LoggedIn,
        State::Joined,
        State::Leaving,
    ] {
        let mut world = engine_in(state);
        world.destroy(0);
        assert_eq!(world.clients[0].session.state(), State::Uninit);
        world.run_for(Duration::from_secs(1));
        assert!(
            world.server.online.is_empty() && world.server.session_count() == 0,
            "the server knows after {state}"
        );
        let client = &world.clients[0];
        assert!(
            client.asked.iter().all(|id| client.answers.contains_key(id)),
            "nobody waits for ever after {state}"
        );
        world.init(0);
        let again = world.login(0, "alice").unwrap();
        world.run_for(Duration::from_secs(1));
        assert!(world.clients[0].result(again).is_ok(), "after {state}");
    }
}

#[test]
fn what_the_server_never_would_say_is_not_asked_for_again() {
    for frame in [
        "",
        "{}",
        "junk",
        r#"{"re":1,"ok":{"dance":{}}}"#,
        r#"{"seq":2,"ev":{"member_joined":{"user":"a b"}}}"#,
    ] {
        let mut world = engine_in(State::Joined);
        world.deliver(0, frame);
        world.run_for(Duration::from_secs(1));
        // A new session and not the old one, in which the frame would come again.
        let client = &world.clients[0];
        assert_eq!(client.session.state(), State::Joined, "{frame}");
        let told = [
            SessionEvent::Reconnecting,
            SessionEvent::Reconnected,
            SessionEvent::Discontinuity,
        ];
        assert_eq!((&client.events[..], client.rejoined), (&told[..], 1), "{frame}");
        assert_eq!(world.server.session_of("alice").unwrap().0, 2, "{frame}");
    }
}
