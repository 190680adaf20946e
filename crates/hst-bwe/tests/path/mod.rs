//! A path in virtual time: senders, one narrow link, receivers, and the way back of what they report.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test uses a part of it")]

mod flow;
mod link;

use std::time::{Duration, Instant};

pub use flow::Flow;
pub use link::{Link, Loss};
use rand::{SeedableRng as _, rngs::StdRng};

/// The simulation goes on in steps of this.
const TICK: Duration = Duration::from_millis(1);

pub struct Path {
    pub now: Instant,
    pub link: Link,
    pub flows: Vec<Flow>,
    /// What others send over the link, in bits in a second.
    pub cross: u64,
    cross_due: f64,
    dice: StdRng,
}

impl Path {
    /// A link of so many bits in a second with one flow over it.
    pub fn new(seed: u64, rate: u64) -> Self {
        let now = Instant::now();
        Self {
            now,
            link: Link::new(now, rate),
            flows: vec![Flow::new(now)],
            cross: 0,
            cross_due: 0.0,
            dice: StdRng::seed_from_u64(seed),
        }
    }

    pub fn flow(&mut self) -> &mut Flow {
        &mut self.flows[0]
    }

    pub fn estimate(&self) -> u64 {
        self.flows[0].estimator.estimate().unwrap_or(0)
    }

    pub fn run(&mut self, seconds: f64) {
        self.watch(seconds, |_| ());
    }

    /// Runs, and looks at it after each step.
    pub fn watch(&mut self, seconds: f64, mut look: impl FnMut(&Self)) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now += TICK;
            self.cross_due += self.cross as f64 * TICK.as_secs_f64() / 8.0;
            while self.cross_due >= 1200.0 {
                self.cross_due -= 1200.0;
                self.link.carry(self.now, 1200, &mut self.dice);
            }
            for flow in &mut self.flows {
                flow.step(self.now, TICK, &mut self.link, &mut self.dice);
            }
            look(self);
        }
    }

    /// How long until the estimate is at least so much, in seconds.
    pub fn time_to(&mut self, rate: u64, at_most: f64) -> f64 {
        self.time_until(at_most, |estimate| estimate >= rate)
    }

    /// How long until the estimate is at most so much, in seconds.
    pub fn time_to_fall(&mut self, rate: u64, at_most: f64) -> f64 {
        self.time_until(at_most, |estimate| estimate <= rate)
    }

    fn time_until(&mut self, at_most: f64, is_met: impl Fn(u64) -> bool) -> f64 {
        let (begun, end) = (self.now, self.now + Duration::from_secs_f64(at_most));
        while !is_met(self.estimate()) {
            if self.now >= end {
                return f64::INFINITY;
            }
            self.run(TICK.as_secs_f64());
        }
        (self.now - begun).as_secs_f64()
    }

    /// Runs, and says how the estimate and the queue were.
    pub fn measure(&mut self, seconds: f64) -> Figures {
        let (mut estimates, mut queues) = (vec![], vec![]);
        let arrived = self.flows[0].arrived_bytes;
        self.watch(seconds, |path| {
            estimates.push(path.estimate());
            queues.push(path.link.queue(path.now));
        });
        let steps = estimates.len() as u64;
        queues.sort();
        Figures {
            least: estimates.iter().copied().min().unwrap_or(0),
            most: estimates.iter().copied().max().unwrap_or(0),
            mean: estimates.iter().sum::<u64>() / steps,
            queue: queues.iter().sum::<Duration>() / steps as u32,
            longest_queue: queues[queues.len() - 1],
            arrived: ((self.flows[0].arrived_bytes - arrived) as f64 * 8.0 / seconds) as u64,
        }
    }
}

/// Of the estimate, and of what waits before the link.
#[derive(Debug)]
pub struct Figures {
    pub least: u64,
    pub most: u64,
    pub mean: u64,
    pub queue: Duration,
    pub longest_queue: Duration,
    /// In bits in a second.
    pub arrived: u64,
}
