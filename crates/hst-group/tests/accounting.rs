//! The proof of the central promise, by exact counting: 200,000 messages through 1,000 forced disconnects.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod common;

use std::time::Duration;

use common::{Cut, World};
use hst_group::client::{SessionEvent, State};
use hst_proto::{Audience, Class};
use rand::{Rng, seq::IndexedRandom};

const CLIENTS: usize = 100;
const GROUPS: usize = 10;
const MESSAGES: usize = 200_000;
const CUTS: usize = 1_000;
/// Between two messages; so that in one minute far fewer of them come to a member than are kept for him.
const PAUSE: Duration = Duration::from_millis(10);

#[test]
#[allow(clippy::print_stdout, reason = "the counters are what the test is for")]
fn through_a_thousand_disconnects_of_all_kinds_no_reliable_message_is_lost_duplicated_reordered_or_leaked() {
    let mut world = World::new(20_26, CLIENTS);
    for who in 0..CLIENTS {
        world.clients[who].keeps_messages = false;
        world.init(who);
        world.login(who, &format!("user{who}")).unwrap();
    }
    world.run_for(Duration::from_secs(1));
    for who in 0..CLIENTS {
        world
            .call(who, |s, now| s.join(now, &format!("g{}", who % GROUPS)))
            .unwrap();
    }
    world.run_for(Duration::from_secs(1));

    let mut cuts = 0;
    for sent in 0..MESSAGES {
        let who = world.dice.random_range(0..CLIENTS);
        world
            .send(who, Audience::All, Class::Reliable)
            .expect("calls wait while a connection is lost");
        if (sent + 1) * CUTS / MESSAGES > cuts {
            cut_somebody(&mut world);
            cuts += 1;
        }
        world.run_for(PAUSE);
    }
    world.hurry();
    world.run_for(Duration::from_secs(120));

    let counts = world.ledger.finish();
    println!("{MESSAGES} messages, {cuts} disconnects\n{counts}");
    assert_eq!(cuts, CUTS);
    assert!(counts.is_clean(), "{counts}");
    assert_eq!(counts.acked + counts.unknown, MESSAGES, "each has an outcome");
    assert!(
        counts.unknown < MESSAGES / 100,
        "only who reads slowly gives up waiting"
    );
    assert_eq!(counts.delivered, counts.sequenced * (CLIENTS / GROUPS - 1));
    assert!((counts.acked..=MESSAGES).contains(&counts.sequenced));
    assert_eq!(
        (counts.discontinuities, counts.excused),
        (0, 0),
        "nobody was away for too long"
    );
    for client in &world.clients {
        assert_eq!(client.session.state(), State::Joined);
        assert_eq!(client.members.len(), CLIENTS / GROUPS - 1, "nobody has noticed");
    }
    let returns: usize = world.clients.iter().map(|client| count(&client.events)).sum();
    assert!(returns > CUTS, "{returns}: each cut is a disconnect, some are several");
}

/// Breaks one of the connections that are there.
fn cut_somebody(world: &mut World) {
    loop {
        let who = world.dice.random_range(0..CLIENTS);
        if world.clients[who].link.is_some() {
            let cut = *Cut::ALL.choose(&mut world.dice).unwrap();
            return world.cut(who, cut);
        }
    }
}

fn count(events: &[SessionEvent]) -> usize {
    events
        .iter()
        .filter(|&event| *event == SessionEvent::Reconnected)
        .count()
}
