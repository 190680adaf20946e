//! Seeded storms over the whole signalling house, in virtual time and without a port.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{Cut, World, ledger::Counts};
use hst_group::client::{SessionEvent, State};
use hst_id::{MediaId, MediaType, UserId};
use hst_proto::{Audience, Class, ErrorCode, Failure, Offer, OnlinePage};
use rand::{Rng, seq::IndexedRandom};

const CLIENTS: usize = 8;
const GROUPS: [&str; 2] = ["red", "blue"];

/// Two of the clients want to be the same user.
fn name(who: usize) -> String {
    format!("user{}", who % (CLIENTS - 1))
}

/// One random thing that a client does, or that is done to it.
fn storm(world: &mut World) {
    let who = world.dice.random_range(0..CLIENTS);
    let group = *GROUPS.choose(&mut world.dice).unwrap();
    let media = MediaId::parse(["cam", "desk"].choose(&mut world.dice).unwrap()).unwrap();
    let media_type = *[MediaType::Audio, MediaType::Video].choose(&mut world.dice).unwrap();
    let heard = world.clients[who].media.iter().next().cloned();
    // A refused call is as good as any: it must change nothing, which the checks at the end would see.
    match world.dice.random_range(0..1000) {
        0..160 => match world.clients[who].session.state() {
            State::Uninit => world.init(who),
            State::Inited => drop(world.login(who, &name(who))),
            _ => drop(world.call(who, |s, now| s.join(now, group))),
        },
        160..260 => drop(world.call(who, |s, now| s.publish(now, media_type, media, String::new()))),
        260..320 => drop(world.call(who, |s, now| s.unpublish(now, media_type, media))),
        320..380 => {
            if let Some(key) = heard {
                let _ = world.call(who, |s, now| s.receive(now, key));
                let offer = Offer {
                    generation: 1,
                    sdp: "v=0".into(),
                    lines: Vec::new(),
                };
                let _ = world.call(who, |s, now| s.offer(now, offer));
            }
        }
        380..850 => message(world, who),
        850..870 => drop(world.leave(who)),
        870..885 => drop(world.exit(who)),
        885..890 => world.destroy(who),
        890..894 => {
            let user = UserId::parse(&name(world.dice.random_range(0..CLIENTS))).unwrap();
            drop(world.call(who, |s, now| s.kick(now, user, None)));
        }
        894..896 => {
            let why = Failure::new(ErrorCode::KickedOut, "out");
            world.evict(&name(who), why);
        }
        896..898 => {
            let locked = world.dice.random();
            drop(world.call(who, |s, now| s.lock(now, locked)));
        }
        898..910 => flood(world, who),
        910..912 => {
            let away = Duration::from_millis(world.dice.random_range(0..20_000));
            world.restart_server(away);
        }
        _ => {
            let cut = *Cut::ALL.choose(&mut world.dice).unwrap();
            world.cut(who, cut);
        }
    }
}

fn message(world: &mut World, who: usize) {
    let mut some = Vec::new();
    for other in 0..CLIENTS - 1 {
        if world.dice.random_bool(0.4) {
            some.push(UserId::parse(&name(other)).unwrap());
        }
    }
    let to = match world.dice.random_range(0..4) {
        0 => Audience::Only(some),
        1 => Audience::Except(some),
        _ => Audience::All,
    };
    let class = match world.dice.random_bool(0.9) {
        true => Class::Reliable,
        false => Class::Lossy,
    };
    let _ = world.send(who, to, class);
}

/// While one is away, so much is sent that not all of it is kept for him.
fn flood(world: &mut World, who: usize) {
    world.silence(who);
    let user = UserId::parse(&name(who)).unwrap();
    for other in 0..CLIENTS {
        // Those in the same group; three of them are enough.
        let sends = world.clients[other].members.contains(&user);
        for _ in 0..if sends { 90 } else { 0 } {
            let _ = world.send_large(other, Audience::All, Class::Reliable, 8_000);
        }
    }
}

fn check(world: &mut World, seed: u64) -> Counts {
    for (who, client) in world.clients.iter().enumerate() {
        for id in &client.asked {
            assert!(
                client.answers.contains_key(id),
                "seed {seed}: client {who} never heard of request {id}"
            );
        }
        if client.session.state() == State::Joined {
            let me = client.session.user().unwrap();
            let room = world
                .server
                .rooms
                .values()
                .find(|room| room.core.users().any(|user| user == me));
            let room = &room.expect("joined means a member").core;
            let members: BTreeSet<_> = room.users().filter(|&user| user != me).cloned().collect();
            let media: BTreeSet<_> = room
                .media()
                .map(|media| media.key)
                .filter(|key| key.user != *me)
                .collect();
            assert_eq!(client.members, members, "seed {seed}: client {who}");
            assert_eq!(client.media, media, "seed {seed}: client {who}");
            assert_eq!(client.locked, room.is_locked(), "seed {seed}: client {who}");
        }
    }
    // No ghosts: nobody is in a group whose client does not say so.
    let joined = world
        .clients
        .iter()
        .filter(|c| c.session.state() == State::Joined)
        .count();
    let members: usize = world.server.rooms.values().map(|room| room.core.users().count()).sum();
    assert_eq!(members, joined, "seed {seed}: members of groups");
    let online = world.clients.iter().filter(|c| c.session.state().is_online()).count();
    assert_eq!(world.server.online.len(), online, "seed {seed}: who is online");
    assert_eq!(world.server.session_count(), online, "seed {seed}: sessions that leak");
    let counts = world.ledger.finish();
    assert!(counts.is_clean(), "seed {seed}: {counts}");
    counts
}

#[test]
fn g7_after_any_storm_both_ends_agree_and_no_message_is_lost_duplicated_reordered_or_leaked() {
    let (mut acked, mut gaps, mut discontinuities) = (0, 0, 0);
    for seed in 0..200 {
        let mut world = World::new(seed, CLIENTS);
        for _ in 0..300 {
            storm(&mut world);
            let pause = world.dice.random_range(0..800);
            world.run_for(Duration::from_millis(pause));
        }
        // Long enough for every silent link and every session that nobody comes back to.
        world.hurry();
        world.run_for(Duration::from_secs(120));
        let counts = check(&mut world, seed);
        acked += counts.acked;
        discontinuities += counts.discontinuities;
        gaps += counts.gaps;
    }
    let reached = format!("acked {acked}, gaps {gaps}, discontinuities {discontinuities}");
    assert!(acked > 30_000 && gaps > 30 && discontinuities > 300, "{reached}");
}

#[test]
fn however_often_the_way_back_breaks_everything_is_as_before_and_what_may_be_missing_is_told() {
    for seed in 0..100 {
        let mut world = World::new(seed, 3);
        for who in 0..3 {
            world.enter(who, &name(who), "red");
            let media = MediaId::parse("cam").unwrap();
            world
                .call(who, |s, now| s.publish(now, MediaType::Video, media, String::new()))
                .unwrap();
            world
                .call(who, |s, now| s.online_page(now, OnlinePage { after: None, limit: 9 }))
                .unwrap();
        }
        world.run_for(Duration::from_secs(1));
        world.restart_server(Duration::from_millis(500));
        for who in 0..3 {
            world.clients[who].breaks = world.dice.random_range(0..6);
            world.send(who, Audience::All, Class::Reliable);
        }
        // A login whose answer is lost stands in its own client's way until its session is over.
        world.run_for(Duration::from_secs(200));
        for who in 0..3 {
            world.send(who, Audience::All, Class::Reliable);
            assert!(
                world.clients[who].has_been_told(&SessionEvent::Discontinuity),
                "seed {seed}"
            );
            assert_eq!(world.clients[who].session.state(), State::Joined, "seed {seed}");
            assert_eq!(
                world.clients[who].media.len(),
                2,
                "seed {seed}: what was published is so again"
            );
        }
        world.run_for(Duration::from_secs(1));
        assert!(
            world.clients.iter().all(|client| client.messages.len() >= 2),
            "seed {seed}"
        );
        check(&mut world, seed);
        assert!(
            (0..3).all(|who| world.server.is_watching(&name(who))),
            "seed {seed}: presence is asked for anew"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_storm() {
    let run = |seed| {
        let mut world = World::new(seed, CLIENTS);
        for _ in 0..500 {
            storm(&mut world);
            world.run_for(Duration::from_millis(200));
        }
        let messages: Vec<_> = world.clients.iter().map(|c| c.messages.clone()).collect();
        (messages, world.ledger.counts)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
}

/// Alice and bob in a group, and bob's microphone.
fn two() -> World {
    let mut world = World::new(1, 2);
    world.enter(0, "alice", "g");
    world.enter(1, "bob", "g");
    let publish = |s: &mut hst_group::client::Session, now| {
        s.publish(now, MediaType::Audio, MediaId::microphone(), String::new())
    };
    world.call(1, publish).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[0].media.len(), 1);
    world
}

#[test]
fn who_comes_back_within_the_window_has_missed_nothing_and_nobody_has_noticed() {
    for cut in Cut::ALL {
        let mut world = two();
        world.cut(1, cut);
        for _ in 0..200 {
            world.send(0, Audience::All, Class::Reliable);
            world.run_for(Duration::from_millis(100));
        }
        world.run_for(Duration::from_secs(60));
        let [alice, bob] = &world.clients[..] else {
            unreachable!()
        };
        assert!(bob.has_been_told(&SessionEvent::Reconnected), "{cut:?}");
        assert!(!bob.has_been_told(&SessionEvent::Discontinuity), "{cut:?}");
        assert_eq!(bob.messages.len(), 200, "{cut:?}");
        assert_eq!((alice.members.len(), alice.media.len()), (1, 1), "{cut:?}");
        assert!(alice.events.is_empty(), "{cut:?}: {:?}", alice.events);
        assert!(world.ledger.finish().is_clean(), "{cut:?}");
    }
}

#[test]
fn s14_a_dead_peer_is_noticed_within_15_seconds_and_its_group_is_told_a_window_later() {
    let mut world = two();
    world.silence(1);
    // Bob's device is gone, too.
    world.lose_device(1);
    world.run_for(Duration::from_secs(15 + 59));
    assert_eq!(world.clients[0].members.len(), 1, "he may come back still");
    world.run_for(Duration::from_millis(1_200));
    let alice = &world.clients[0];
    assert!(alice.members.is_empty() && alice.media.is_empty(), "alice was told");
    assert_eq!(world.server.session_count(), 1);
    // The name is free again.
    world.init(1);
    let again = world.login(1, "bob").unwrap();
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[1].result(again).is_ok());
}

#[test]
fn who_left_without_being_heard_takes_his_own_name_back_at_once() {
    let mut world = two();
    world.silence(1);
    world.exit(1).unwrap();
    world.run_for(Duration::from_secs(16));
    assert_eq!(world.clients[1].session.state(), State::Inited);
    assert_eq!(world.clients[0].members.len(), 1, "the server waits for bob");
    let again = world.login(1, "bob").unwrap();
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[1].result(again).is_ok());
    assert!(world.clients[0].members.is_empty());
}
