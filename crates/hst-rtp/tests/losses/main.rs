//! A sender and a receiver on either side of a network that loses, delays and mixes up, in virtual time.

mod network;
mod receiver;
mod sender;

use std::time::{Duration, Instant};

use network::{Network, To, Way};
use receiver::Receiver;
use sender::Sender;

/// The sources: of the stream, of what is sent again of it, and of the receiver's reports.
const MEDIA: u32 = 1;
const AGAIN: u32 = 2;
const RECEIVER: u32 = 3;
/// The identifier of the transport-wide sequence number.
const TWCC: u8 = 5;
const CLOCK_RATE: u32 = 90_000;
/// So many packets in a second are sent for the first time.
const RATE: u64 = 500;
const SECONDS: u64 = 20;
/// The number of the first packet: soon sequence numbers wrap.
const FIRST: u64 = 65_536 + 65_000;
const SEEDS: std::ops::Range<u64> = 0..3;

struct World {
    sender: Sender,
    receiver: Receiver,
}

impl World {
    /// A world in which all has been sent, and what was lost has been asked for.
    fn after(seed: u64, way: Way) -> Self {
        let begin = Instant::now();
        let mut network = Network::new(seed, way);
        let (mut sender, mut receiver) = (Sender::new(), Receiver::new(begin));
        let round_trip = Duration::from_millis(2 * way.delay + way.jitter);
        for ms in 0..SECONDS * 1_000 + 3_000 {
            let now = begin + Duration::from_millis(ms);
            sender.tick(&mut network, now, ms);
            while let Some((to, bytes)) = network.arrived(ms) {
                match to {
                    To::Sender => sender.handle(&mut network, now, ms, &bytes),
                    To::Receiver => receiver.handle(now, ms, &bytes),
                }
            }
            receiver.tick(&mut network, now, ms, round_trip);
        }
        Self { sender, receiver }
    }

    /// How long after it was sent the slowest of so many of a thousand packets came, in ms.
    fn within(&self, per_mille: usize) -> u64 {
        let count = RATE * SECONDS;
        let took = |at: u64| Some(self.receiver.came.get(&(FIRST + at))? - at * 1_000 / RATE);
        let mut took: Vec<_> = (0..count).map(|at| took(at).unwrap_or(u64::MAX)).collect();
        took.sort_unstable();
        took[took.len() * per_mille / 1_000 - 1]
    }
}

#[test]
fn all_but_a_few_of_the_packets_come_though_forty_of_a_hundred_are_lost_on_both_ways() {
    for seed in SEEDS {
        let way = Way {
            loss: 0.4,
            delay: 25,
            jitter: 5,
        };
        let world = World::after(seed, way);
        // A request with its answer succeeds 36 times in a hundred: after four of them 90 of a hundred packets are there, after
        // nine 99, and after ten one of the lost hundred is given up.
        let (most, nearly_all, tally) = (world.within(900), world.within(990), world.receiver.missing.tally());
        assert!(most < 300 && nearly_all < 650, "seed {seed}: {most} {nearly_all}");
        assert!(tally.given_up < 80, "seed {seed}: {tally:?}");
    }
}

#[test]
fn what_little_is_lost_is_asked_for_once_and_comes_a_round_trip_later() {
    for seed in SEEDS {
        let way = Way {
            loss: 0.02,
            delay: 25,
            jitter: 0,
        };
        let world = World::after(seed, way);
        let (slowest, tally) = (world.within(999), world.receiver.missing.tally());
        assert_eq!(tally.given_up, 0, "seed {seed}");
        assert!(tally.asked < tally.recovered * 11 / 10, "seed {seed}: {tally:?}");
        assert!(slowest <= 25 + 8 + 3 * 55, "seed {seed}: {slowest}");
    }
}

#[test]
fn what_is_only_out_of_order_is_not_asked_for() {
    for seed in SEEDS {
        let way = Way {
            loss: 0.0,
            delay: 25,
            jitter: 4,
        };
        let world = World::after(seed, way);
        assert_eq!(world.receiver.missing.tally().asked, 0, "seed {seed}");
        assert_eq!(world.within(1_000), 29, "seed {seed}");
    }
}

#[test]
fn arrivals_are_told_as_they_were_though_feedbacks_are_lost() {
    // The sender's clock begins one cycle up.
    let begin = Duration::from_millis(64 << 24);
    for seed in SEEDS {
        let way = Way {
            loss: 0.1,
            delay: 25,
            jitter: 20,
        };
        let world = World::after(seed, way);
        let really = &world.receiver.transport;
        let told = world
            .sender
            .told
            .iter()
            .filter_map(|(number, time)| Some((number, (*time)?)));
        let mut count = 0;
        for (number, time) in told {
            assert_eq!(Some(&(time - begin)), really.get(number), "seed {seed}, {number}");
            count += 1;
        }
        assert!(
            count > really.len() * 8 / 10,
            "seed {seed}: {count} of {}",
            really.len()
        );
    }
}

#[test]
fn reports_say_what_is_lost_and_how_long_the_way_is() {
    for seed in SEEDS {
        let way = Way {
            loss: 0.1,
            delay: 40,
            jitter: 10,
        };
        let world = World::after(seed, way);
        let lost = world.receiver.reception.lost() as f64 / (SECONDS * RATE) as f64;
        assert!((lost - 0.1).abs() < 0.01, "seed {seed}: {lost}");
        let round_trip = world.sender.round_trip.smoothed().map(|way| way.as_millis());
        assert!(
            round_trip.is_some_and(|ms| (80..=100).contains(&ms)),
            "seed {seed}: {round_trip:?}"
        );
        let jitter = world.receiver.reception.jitter().as_millis();
        assert!((2..6).contains(&jitter), "seed {seed}: {jitter}");
    }
}
