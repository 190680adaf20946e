//! Seeded storms over the whole signalling house, in virtual time and without a port.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::time::Duration;

use common::World;
use hst_group::client::State;
use hst_id::{GroupId, MediaId, MediaType, UserId};
use hst_proto::{Offer, Payload};
use rand::{Rng, seq::IndexedRandom};

const CLIENTS: usize = 8;

/// One random thing that a client or its network does.
fn storm(world: &mut World) {
    let who = world.rng.random_range(0..CLIENTS);
    let group = *["red", "blue"].choose(&mut world.rng).unwrap();
    let media = MediaId::parse(["cam", "desk"].choose(&mut world.rng).unwrap()).unwrap();
    let media_type = *[MediaType::Audio, MediaType::Video].choose(&mut world.rng).unwrap();
    let heard = world.clients[who].media.iter().next().cloned();
    // A refused call is as good as any: it must change nothing, which the checks at the end would see.
    match world.rng.random_range(0..100) {
        0..25 => match world.clients[who].session.state() {
            State::Uninit => world.init(who),
            State::Inited => drop(world.login(who, &format!("user{}", who % (CLIENTS - 1)))),
            _ => drop(world.call(who, |s, now| s.join(now, group))),
        },
        25..45 => drop(world.call(who, |s, now| s.publish(now, media_type, media, String::new()))),
        45..55 => drop(world.call(who, |s, now| s.unpublish(now, media_type, media))),
        55..65 => {
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
        65..85 => {
            let text = format!("{who} says {}", world.rng.random::<u32>());
            let _ = world.call(who, |s, now| s.message(now, Payload::text(&text)));
        }
        85..91 => drop(world.call(who, |s, now| s.leave(now))),
        91..94 => drop(world.call(who, |s, now| s.exit(now))),
        94..95 => world.destroy(who),
        95..98 => world.cut(who),
        _ => world.silence(who),
    }
}

fn check(world: &mut World, seed: u64) {
    for who in 0..CLIENTS {
        let client = &world.clients[who];
        for id in &client.asked {
            assert!(
                client.answers.contains_key(id),
                "seed {seed}: client {who} never heard of request {id}"
            );
        }
        if client.session.state() == State::Joined {
            let me = client.session.user().unwrap().clone();
            let rosters = ["red", "blue"].map(|g| world.roster(&GroupId::parse(g).unwrap()));
            let (mut members, mut media) = rosters
                .into_iter()
                .find(|(m, _)| m.contains(&me))
                .expect("joined means a member");
            members.remove(&me);
            media.retain(|m| m.user != me);
            assert_eq!(world.clients[who].members, members, "seed {seed}: client {who}");
            assert_eq!(world.clients[who].media, media, "seed {seed}: client {who}");
        }
    }
    let online = world.clients.iter().filter(|c| c.session.state().is_online()).count();
    assert_eq!(world.online.len(), online, "seed {seed}: who is online");
    assert_eq!(world.connections(), online, "seed {seed}: connections that leak");
}

#[test]
fn after_any_storm_both_ends_agree_and_nothing_leaks() {
    for seed in 0..200 {
        let mut world = World::new(seed, CLIENTS);
        for _ in 0..300 {
            storm(&mut world);
            let pause = world.rng.random_range(0..400);
            world.run_for(Duration::from_millis(pause));
        }
        // Long enough for every silent link to be noticed at both ends.
        world.run_for(Duration::from_secs(60));
        check(&mut world, seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_storm() {
    let run = |seed| {
        let mut world = World::new(seed, CLIENTS);
        for _ in 0..300 {
            storm(&mut world);
            world.run_for(Duration::from_millis(50));
        }
        let messages: Vec<_> = world.clients.iter().map(|c| c.messages.clone()).collect();
        (messages, world.now - world.start)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
}

#[test]
fn a_dead_peer_is_noticed_within_15_seconds_and_its_group_is_told() {
    let mut world = World::new(1, 2);
    for (who, user) in [(0, "alice"), (1, "bob")] {
        world.init(who);
        world.login(who, user).unwrap();
        world.run_for(Duration::from_secs(1));
        world.call(who, |s, now| s.join(now, "g")).unwrap();
        world.run_for(Duration::from_secs(1));
    }
    world
        .call(1, |s, now| {
            s.publish(now, MediaType::Audio, MediaId::microphone(), String::new())
        })
        .unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.clients[0].media.len(), 1);

    world.silence(1);
    world.run_for(Duration::from_millis(15_200));
    assert!(
        world.clients[0].members.is_empty() && world.clients[0].media.is_empty(),
        "alice was told"
    );
    assert_eq!(world.clients[1].lost.len(), 1, "bob's engine noticed too");
    assert_eq!(world.clients[1].session.state(), State::Inited);
    // The name is free again.
    let again = world.login(1, "bob").unwrap();
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[1].result(again).is_ok());
    assert!(world.online.contains_key(&UserId::parse("bob").unwrap()));
}
