//! A token ends, and the session with it or not.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::time::Duration;

use common::World;
use hst_group::client::{SessionEvent, State};

const SECOND: Duration = Duration::from_secs(1);

/// Ann in a group, with a token that is good for so long.
fn world(lasts: Duration) -> World {
    let mut world = World::new(1, 2);
    world.server.token_lasts = Some(lasts);
    world.init(0);
    world.login(0, "ann").unwrap();
    world.run_for(SECOND);
    world.call(0, |s, now| s.join(now, "g")).unwrap();
    world.run_for(SECOND);
    world
}

fn warnings(world: &World) -> Vec<Duration> {
    let events = world.clients[0].events.iter();
    events
        .filter_map(|event| match event {
            SessionEvent::TokenExpiring(left) => Some(*left),
            _ => None,
        })
        .collect()
}

fn lost_with(world: &World) -> Option<u32> {
    world.clients[0].lost.first().and_then(|why| why.server_code)
}

#[test]
fn t18_a_token_that_ends_is_warned_of_30_seconds_before_and_takes_the_session_along() {
    let mut world = world(60 * SECOND);
    world.run_for(27 * SECOND);
    assert_eq!(warnings(&world), []);
    world.run_for(2 * SECOND);
    assert_eq!(warnings(&world), [30 * SECOND]);
    world.run_for(28 * SECOND);
    assert_eq!(world.clients[0].session.state(), State::Joined);
    world.run_for(2 * SECOND);
    assert_eq!(lost_with(&world), Some(1_000_106));
    assert_eq!(world.clients[0].session.state(), State::Inited);
    assert!(
        world.server.online.is_empty() && world.server.rooms.is_empty(),
        "nothing of it is left"
    );
    world.run_for(120 * SECOND);
    assert_eq!(warnings(&world).len(), 1, "it does not come back by itself");
}

#[test]
fn t18_a_newer_token_lets_the_session_go_on_as_often_as_it_is_renewed() {
    let mut world = world(60 * SECOND);
    for turn in 1..10 {
        while warnings(&world).len() < turn {
            world.run_for(SECOND);
        }
        let renewed = world.call(0, |s, now| s.renew(now, format!("token {turn}"))).unwrap();
        world.run_for(SECOND);
        assert!(world.clients[0].result(renewed).is_ok());
    }
    assert!(world.now - world.start > 9 * 28 * SECOND);
    assert_eq!(world.clients[0].session.state(), State::Joined);
    // One that never ends is never warned of.
    world.server.token_lasts = None;
    world.call(0, |s, now| s.renew(now, "for ever".into())).unwrap();
    world.run_for(1000 * SECOND);
    assert_eq!((warnings(&world).len(), lost_with(&world)), (9, None));
}

#[test]
fn t18_a_token_that_is_refused_leaves_the_one_before_in_force() {
    let mut world = world(60 * SECOND);
    world.run_for(29 * SECOND);
    let renewed = world.call(0, |s, now| s.renew(now, "bad".into())).unwrap();
    world.run_for(SECOND);
    let why = world.clients[0].result(renewed).clone().unwrap_err();
    assert_eq!((why.code, why.server_code), (32, Some(1_000_000)));
    world.run_for(30 * SECOND);
    assert_eq!((warnings(&world).len(), lost_with(&world)), (1, Some(1_000_106)));
}

#[test]
fn t18_a_token_with_less_time_than_the_warning_is_warned_of_at_once_with_what_is_left() {
    let mut world = world(10 * SECOND);
    world.run_for(SECOND);
    assert_eq!(warnings(&world), [10 * SECOND]);
    world.run_for(10 * SECOND);
    assert_eq!(lost_with(&world), Some(1_000_106));
}

#[test]
fn t18_who_is_away_when_his_token_ends_is_told_so_when_he_comes_back() {
    for (silent, expected) in [(false, (1, None)), (true, (0, Some(1_000_106)))] {
        let mut world = world(50 * SECOND);
        world.run_for(17 * SECOND);
        world.silence(0);
        if silent {
            // Away for longer than the token is good, and not as long as its session would wait.
            world.server.is_down = true;
            world.run_for(35 * SECOND);
            world.server.is_down = false;
        }
        world.run_for(20 * SECOND);
        assert_eq!((warnings(&world).len(), lost_with(&world)), expected, "{silent}");
    }
}

#[test]
fn t18_after_a_lost_session_the_newer_token_is_the_one_that_is_shown() {
    let mut world = world(60 * SECOND);
    world.call(0, |s, now| s.renew(now, "newer".into())).unwrap();
    world.run_for(SECOND);
    world.server.accepts_only = Some("newer".into());
    world.restart_server(SECOND);
    world.run_for(10 * SECOND);
    assert_eq!(
        (world.clients[0].session.state(), lost_with(&world)),
        (State::Joined, None)
    );
}
