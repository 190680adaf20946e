//! What a sent packet costs, its share of the feedback included: `cargo run --release -p hst-bwe --example cost`.

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::time::{Duration, Instant};

use hst_bwe::{Config, Estimator};

/// It is measured in so many parts, of which the fastest counts: a machine has more to do.
const PARTS: usize = 5000;
const PACKETS: u32 = 2_400;

fn main() {
    for (packets, interval) in [(1, 20), (3, 50), (25, 50), (50, 50), (100, 100), (400, 100)] {
        let nanos = measure(packets, Duration::from_millis(interval));
        println!("{packets:3} packets in each report, every {interval:3} ms: {nanos:.1} ns a packet");
    }
    println!("{} bytes, and 8 for each packet under way", size_of::<Estimator>());
}

fn measure(packets: u32, interval: Duration) -> f64 {
    let start = Instant::now();
    let config = Config {
        most: 1_000_000_000,
        ..Config::default()
    };
    let mut estimator = Estimator::new(start, config);
    let (mut now, gap) = (start, interval / packets);
    let mut arrivals = vec![(0, None); packets as usize];
    let mut jitter = 1_u32;
    let mut part = || {
        let begun = Instant::now();
        for _ in 0..PACKETS / packets {
            for arrival in &mut arrivals {
                now += gap;
                jitter = jitter.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let takes = Duration::from_micros(20_000 + u64::from(jitter >> 22));
                *arrival = (estimator.sent(now, 1200, None), Some(now - start + takes));
            }
            estimator.feedback(now + Duration::from_millis(40), arrivals.iter().copied());
        }
        begun.elapsed().as_nanos() as f64 / f64::from(PACKETS)
    };
    (0..PARTS).map(|_| part()).fold(f64::INFINITY, f64::min)
}
