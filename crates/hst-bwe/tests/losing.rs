//! Losses: those that the rate is to blame for, and others.

mod path;

use std::time::Duration;

use path::{Loss, Path};

const SEEDS: std::ops::Range<u64> = 0..4;

#[test]
fn what_is_lost_at_any_rate_does_not_take_the_estimate_below_what_arrives() {
    for (seed, share) in SEEDS.flat_map(|seed| [0.1, 0.2, 0.4].map(|share| (seed, share))) {
        for loss in [Loss::Random(share), Loss::bursts(share, 4.0)] {
            let mut path = Path::new(seed, 10_000_000);
            path.run(3.0);
            path.link.loss = loss;
            path.run(3.0);
            // What is sent with such a loss: sound and small pictures.
            path.flow().media = 300_000;
            path.flow().is_stubborn = true;
            for _ in 0..6 {
                let lossy = path.measure(10.0);
                // For the half second in which most is lost, less arrives.
                let arrive = 300_000.0 * (1.0 - share);
                assert!(lossy.least as f64 > 0.6 * arrive, "{share} {seed}: {lossy:?}");
                assert!(lossy.mean as f64 > 1.2 * arrive, "{share} {seed}: {lossy:?}");
            }
        }
    }
}

#[test]
fn who_sends_as_much_as_is_estimated_keeps_a_part_that_depends_on_what_is_lost() {
    for seed in SEEDS {
        for (share, least) in [(0.02, 8_500_000), (0.1, 4_000_000), (0.2, 1_000_000), (0.4, 300_000)] {
            let mut path = Path::new(seed, 10_000_000);
            path.run(3.0);
            path.link.loss = Loss::Random(share);
            path.run(10.0);
            let lossy = path.measure(60.0);
            assert!(lossy.mean > least, "{share} {seed}: {lossy:?}");
            path.link.loss = Loss::Random(0.0);
            let took = path.time_to(8_000_000, 60.0);
            assert!(took < 40.0, "{share} {seed}: and all again after {took} s");
        }
    }
}

#[test]
fn a_link_without_a_queue_gets_what_it_carries() {
    for (seed, rate) in SEEDS.flat_map(|seed| [300_000, 1_000_000].map(|rate| (seed, rate))) {
        let mut path = Path::new(seed, 10_000_000);
        path.run(3.0);
        path.link.longest_queue = Duration::from_millis(15);
        path.link.rate = rate;
        path.run(8.0);
        let held = path.measure(60.0);
        assert!(
            held.mean < rate * 125 / 100 && held.arrived > rate * 7 / 10,
            "{rate} {seed}: {held:?}"
        );
    }
}

#[test]
fn what_is_lost_from_a_full_queue_takes_the_rate_down() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.run(3.0);
        path.link.loss = Loss::Random(0.1);
        path.link.rate = 300_000;
        path.link.longest_queue = Duration::from_millis(200);
        path.run(5.0);
        let held = path.measure(30.0);
        assert!(
            held.mean < 330_000 && held.queue < Duration::from_millis(100),
            "{seed}: {held:?}"
        );
    }
}
