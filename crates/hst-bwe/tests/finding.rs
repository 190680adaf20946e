//! What a link carries is found, held, and found again.

mod path;

use std::time::Duration;

use path::Path;

const SEEDS: std::ops::Range<u64> = 0..5;

#[test]
fn what_a_link_carries_is_found_within_a_second_and_held_for_a_minute_with_a_short_queue() {
    for (seed, rate) in SEEDS.flat_map(|seed| [300_000, 1_000_000, 3_000_000, 10_000_000].map(|rate| (seed, rate))) {
        let mut path = Path::new(seed, rate);
        let mut longest_queue = Duration::ZERO;
        let mut found = None;
        let begun = path.now;
        path.watch(1.5, |path| {
            longest_queue = longest_queue.max(path.link.queue(path.now));
            if path.estimate() >= rate * 85 / 100 {
                found.get_or_insert((path.now - begun).as_secs_f64());
            }
        });
        assert!(found.is_some_and(|found| found < 1.0), "{rate}: {found:?}");
        assert!(longest_queue < Duration::from_millis(150), "{rate}: {longest_queue:?}");
        let held = path.measure(60.0);
        assert!(
            held.least >= rate * 85 / 100 && held.most <= rate * 115 / 100,
            "{rate}: {held:?}"
        );
        assert!(held.arrived >= rate * 9 / 10, "{rate}: {held:?}");
        assert!(held.queue < Duration::from_millis(40), "{rate}: {held:?}");
        assert!(held.longest_queue < Duration::from_millis(200), "{rate}: {held:?}");
    }
}

#[test]
fn pictures_that_are_sent_at_once_are_no_congestion() {
    for (seed, rate) in SEEDS.flat_map(|seed| [1_000_000, 3_000_000].map(|rate| (seed, rate))) {
        let mut path = Path::new(seed, rate);
        path.flow().pictures = 25;
        path.run(2.0);
        let held = path.measure(60.0);
        assert!(
            held.least >= rate * 75 / 100 && held.arrived >= rate * 9 / 10,
            "{rate}: {held:?}"
        );
        assert!(held.longest_queue < Duration::from_millis(250), "{rate}: {held:?}");
    }
}

#[test]
fn a_link_that_becomes_narrow_is_noticed_within_a_second_and_one_that_is_wide_again_within_four() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.run(10.0);
        path.link.rate = 400_000;
        path.run(1.0);
        assert!(path.estimate() < 400_000, "{}", path.estimate());
        path.run(3.0);
        let queue = path.link.queue(path.now);
        assert!(
            queue < Duration::from_millis(100),
            "what was sent too much is over: {queue:?}"
        );
        path.run(4.0);
        let narrow = path.measure(20.0);
        assert!(
            narrow.arrived > 320_000 && narrow.queue < Duration::from_millis(60),
            "{narrow:?}"
        );
        path.link.rate = 3_000_000;
        let took = path.time_to(2_500_000, 4.0);
        assert!(took < 4.0, "{took}");
        let wide = path.measure(20.0);
        assert!(wide.least > 2_500_000, "{wide:?}");
    }
}

#[test]
fn who_sends_little_knows_what_there_is_and_does_not_exceed_it_when_he_sends_more() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.flow().media = 100_000;
        path.run(2.0);
        let little = path.measure(30.0);
        assert!(little.least > 2_400_000 && little.most < 3_300_000, "{little:?}");
        path.flow().media = u64::MAX;
        let much = path.measure(5.0);
        assert!(
            much.longest_queue < Duration::from_millis(150) && much.least > 2_400_000,
            "{much:?}"
        );
    }
}

#[test]
fn nothing_is_sent_to_know_more_than_can_be_used() {
    let mut path = Path::new(1, 10_000_000);
    path.flow().media = 500_000;
    path.flow().estimator.want(1_000_000, 1_000_000);
    path.run(2.0);
    let probes = path.flow().probes;
    let used = path.measure(60.0);
    assert!(used.least >= 1_000_000 && used.most < 2_500_000, "{used:?}");
    assert_eq!(path.flow().probes, probes);
    path.flow().estimator.want(2_000_000, 4_000_000);
    let took = path.time_to(2_000_000, 3.0);
    assert!(took < 1.0, "{took}");
}

#[test]
fn without_probes_the_estimate_stays_near_what_is_known_to_be_carried() {
    let mut path = Path::new(1, 3_000_000);
    path.flow().estimator.want(0, 0);
    path.flow().media = 150_000;
    let first = path.measure(30.0);
    assert!(path.flow().probes == 0 && first.most < 320_000, "{first:?}");
    path.flow().media = 250_000;
    let more = path.measure(30.0);
    assert!(more.most > 300_000 && more.most < 250_000 * 17 / 10, "{more:?}");
}
