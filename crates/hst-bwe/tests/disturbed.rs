//! What else happens on a path.

mod path;

use std::time::Duration;

use path::{Flow, Path};

const SEEDS: std::ops::Range<u64> = 0..5;

#[test]
fn jitter_is_no_congestion() {
    for (seed, rate) in SEEDS.flat_map(|seed| [1_000_000, 3_000_000].map(|rate| (seed, rate))) {
        let mut path = Path::new(seed, rate);
        path.link.jitter = Duration::from_millis(30);
        path.flow().media = 300_000;
        path.run(5.0);
        let little = path.measure(30.0);
        assert!(
            little.least > rate / 2 && little.most < rate * 125 / 100,
            "{rate}: {little:?}"
        );
        path.flow().media = u64::MAX;
        path.run(5.0);
        let much = path.measure(60.0);
        assert!(
            much.least > rate * 7 / 10 && much.arrived > rate * 85 / 100,
            "{rate}: {much:?}"
        );
        assert!(much.longest_queue < Duration::from_millis(200), "{rate}: {much:?}");
    }
}

#[test]
fn sound_alone_with_jitter_is_no_congestion() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.link.jitter = Duration::from_millis(30);
        (path.flow().media, path.flow().packet, path.flow().pictures) = (48_000, 120, 50);
        path.flow().estimator.want(150_000, 1_300_000);
        path.run(5.0);
        let sound = path.measure(60.0);
        assert!(sound.least > 150_000 && sound.most < 3_300_000, "{sound:?}");
    }
}

#[test]
fn two_share_a_link() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.run(10.0);
        let late = Flow::new(path.now);
        path.flows.push(late);
        path.run(10.0);
        let before = [0, 1].map(|at: usize| path.flows[at].arrived_bytes);
        let first = path.measure(60.0);
        let shares = [0, 1].map(|at: usize| (path.flows[at].arrived_bytes - before[at]) * 8 / 60);
        assert!(shares.iter().all(|&share| share >= 750_000), "{shares:?}");
        assert!(shares.iter().sum::<u64>() > 2_500_000, "{shares:?}");
        assert!(first.queue < Duration::from_millis(80), "{first:?}");
    }
}

#[test]
fn what_others_send_is_left_to_them() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.run(5.0);
        path.cross = 1_500_000;
        path.run(5.0);
        let left = path.measure(30.0);
        assert!(left.least > 1_000_000 && left.mean < 1_600_000, "{left:?}");
        assert!(left.queue < Duration::from_millis(100), "{left:?}");
        path.cross = 0;
        let took = path.time_to(2_500_000, 12.0);
        assert!(took < 12.0, "{took}");
    }
}

#[test]
fn an_outage_of_a_second_is_over_soon_after_it() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.run(10.0);
        path.flow().is_cut = true;
        path.run(1.0);
        path.flow().is_cut = false;
        let took = path.time_to(2_500_000, 5.0);
        assert!(took < 4.0, "{took}");
    }
}

#[test]
fn without_feedback_the_estimate_is_halved_each_second_while_something_is_sent() {
    let mut path = Path::new(1, 3_000_000);
    path.run(5.0);
    path.flow().media = 0;
    path.run(1.0);
    let before = path.estimate();
    path.flow().estimator.want(0, 0);
    path.run(30.0);
    assert_eq!(path.estimate(), before, "nothing is sent");
    path.flow().is_cut = true;
    path.flow().media = 50_000;
    let took = path.time_to_fall(before / 15, 10.0);
    assert!((3.9..5.5).contains(&took), "four halvings: {took}");
    path.run(60.0);
    assert_eq!(path.estimate(), 30_000, "the least");
}

#[test]
fn a_clock_that_is_set_changes_little() {
    for (seed, [before, after]) in
        SEEDS.flat_map(|seed| [[1000, 1001], [1000, 1100], [1000, 999], [1000, 900]].map(|jump| (seed, jump)))
    {
        let mut path = Path::new(seed, 3_000_000);
        path.flow().clock = Duration::from_secs(before);
        path.run(10.0);
        path.flow().clock = Duration::from_secs(after);
        let set = path.measure(20.0);
        assert!(set.least > 2_400_000 && set.most < 3_400_000, "{after}: {set:?}");
        assert!(set.longest_queue < Duration::from_millis(200), "{after}: {set:?}");
        path.link.rate = 1_000_000;
        path.run(4.0);
        let narrow = path.measure(10.0);
        assert!(
            narrow.most < 1_200_000 && narrow.arrived > 800_000,
            "{after}: {narrow:?}"
        );
    }
}

#[test]
fn reports_may_be_rare_late_and_lost() {
    for seed in SEEDS {
        let mut path = Path::new(seed, 3_000_000);
        path.link.delay = Duration::from_millis(120);
        path.flow().interval = Duration::from_millis(100);
        path.flow().report_loss = 0.2;
        path.run(5.0);
        let held = path.measure(60.0);
        assert!(held.least > 1_800_000 && held.arrived > 2_500_000, "{held:?}");
        assert!(held.longest_queue < Duration::from_millis(300), "{held:?}");
    }
}
