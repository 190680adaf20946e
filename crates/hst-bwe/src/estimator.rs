use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::{
    Config, Probe, ProbeId,
    bursts::Bursts,
    history::History,
    losses::{Circumstances, Losses},
    micros::Micros,
    prober::Prober,
    queue::Queue,
    rate::{Path, Rate},
    trend::{Trend, Usage},
    window::Window,
};

/// A queue that is shorter than this does not grow: that is jitter.
const SHORT: Micros = Micros::millis(10);
/// With a queue longer than this there is no room for probes.
const LONG: Micros = Micros::millis(30);
/// What of a path without any report yet is assumed.
const ROUND_TRIP: Micros = Micros::millis(100);
/// So many round trips without a report are no silence yet.
const SILENT_TRIPS: i64 = 4;

/// What one receiver's path carries.
#[derive(Debug)]
pub struct Estimator {
    start: Instant,
    /// The present, as it was told last and since the start.
    passed: Instant,
    now: Micros,
    most: u64,
    history: History,
    /// Of the packets that are reported: how fast they were sent, and how fast they arrived on the receiver's clock.
    sent: Window,
    arrived: Window,
    bursts: Bursts,
    trend: Trend,
    queue: Queue,
    losses: Losses,
    rate: Rate,
    prober: Prober,
    /// Since when packets are sent of which nothing is reported.
    unanswered: Option<Micros>,
    is_known: bool,
}

impl Estimator {
    /// When packets are sent, and nothing is reported for so long, or for four round trips if those take longer, the path is worse
    /// than it was.
    pub const SILENCE: Duration = Duration::from_secs(1);

    /// Begins to estimate.
    pub fn new(now: Instant, config: Config) -> Self {
        Self {
            start: now,
            passed: now,
            now: Micros::ZERO,
            most: config.most,
            history: History::default(),
            sent: Window::default(),
            arrived: Window::default(),
            bursts: Bursts::default(),
            trend: Trend::default(),
            queue: Queue::default(),
            losses: Losses::default(),
            rate: Rate::new(config.first, config.least, config.most),
            prober: Prober::new(config.first),
            unanswered: None,
            is_known: false,
        }
    }

    /// Reads what [`sent`](Self::sent) will use, and does nothing with it: read early, it has come from memory by then.
    pub fn foresee(&self) {
        black_box((self.passed, self.unanswered));
        self.history.foresee();
    }

    /// Reads what [`feedback`](Self::feedback) will use beside that.
    pub fn foresee_feedback(&self) {
        // All of each, for they fill many pieces of memory.
        black_box((self.sent, self.arrived, self.bursts, self.trend));
        black_box((self.queue, self.losses, self.rate));
    }

    /// A packet of so many bytes on the wire is sent, maybe one of a probe: the number to write into it.
    pub fn sent(&mut self, now: Instant, bytes: usize, probe: Option<ProbeId>) -> u16 {
        let now = self.pass(now);
        self.unanswered.get_or_insert(now);
        self.history.push(now, bytes, probe)
    }

    /// What a feedback packet reports, in its order: the number of a packet, and when it arrived on the receiver's clock;
    /// `None` is one that did not. What is said of packets that were never sent, or twice, is ignored.
    pub fn feedback(&mut self, now: Instant, reported: impl Iterator<Item = (u16, Option<Duration>)>) {
        let now = self.pass(now);
        let mut is_news = false;
        let mut shortest: Option<Micros> = None;
        let mut newest: Option<Micros> = None;
        for (number, arrival) in reported {
            let Some(packet) = self.history.report(now, number, arrival.is_some()) else {
                continue;
            };
            is_news = true;
            if packet.is_after_gap {
                self.sent = Window::default();
                self.arrived = Window::default();
            }
            if !packet.was_lost {
                self.sent.add(packet.sent, packet.bytes);
            }
            let arrival = arrival.map(Micros::from);
            self.losses.count(packet.sent, arrival.is_some(), packet.was_lost);
            let is_probing = self.prober.report(&packet, arrival);
            let Some(arrival) = arrival else {
                continue;
            };
            let there = arrival - packet.sent;
            if self.queue.jumps(there) {
                self.restart();
                shortest = None;
            }
            shortest = Some(shortest.map_or(there, |shortest| shortest.min(there)));
            newest = newest.max(Some(packet.sent));
            self.arrived.add(arrival, packet.bytes);
            if is_probing {
                self.bursts.restart();
            } else if let Some(step) = self.bursts.add(packet.sent, arrival) {
                self.trend.add(step);
            }
        }
        if let (Some(shortest), Some(newest)) = (shortest, newest) {
            self.queue.report(now, shortest, now - newest);
        }
        if is_news {
            self.unanswered = None;
            self.is_known = true;
            self.judge(now);
        }
    }

    /// What more could be made use of, in bits in a second: the least that would change anything, and all. It steers
    /// probing; nothing is probed for while the estimate reaches the next step. Until it is called, everything is wanted.
    pub fn want(&mut self, next: u64, all: u64) {
        self.prober.want(next, all);
    }

    /// How many bits in a second the path carries; `None` before the first feedback.
    pub fn estimate(&self) -> Option<u64> {
        self.is_known.then(|| self.rate.bits())
    }

    /// How long it takes from sending until the report is back, smoothed; `None` before the first feedback.
    pub fn round_trip(&self) -> Option<Duration> {
        self.queue.round_trip().map(Duration::from)
    }

    /// Which share of the packets was lost of late.
    pub fn lost(&self) -> f32 {
        self.losses.of_late()
    }

    /// Whether packets wait on the path, or begin to: then there is no room for what is not needed.
    pub fn is_queued(&self) -> bool {
        self.trend.usage() == Usage::Over || self.queue.level() >= LONG
    }

    /// The probe to begin with now, if one is due: to be asked after each feedback and timeout.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        let now = self.pass(now);
        let is_calm = !self.is_queued() && self.losses.are_few();
        let most = self.most.min(self.losses.limit());
        let rate = self.rate.bits();
        is_calm
            .then(|| self.prober.poll(now, rate, most, self.trend.jitter()))
            .flatten()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` is not before the next packet or feedback.
    pub fn next_timeout(&self) -> Option<Instant> {
        let probing = self.prober.timeout(self.now, self.rate.bits());
        let silence = self
            .unanswered
            .filter(|_| self.is_known)
            .map(|since| since + self.patience());
        let next = [probing, silence].into_iter().flatten().min()?;
        Some(self.start + Duration::from(next))
    }

    /// Time has passed. While packets are sent and nothing is reported, the estimate is halved each second, or each four
    /// round trips if those take longer.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.pass(now);
        self.conclude_probe(now);
        if self.is_known && self.unanswered.is_some_and(|since| now - since >= self.patience()) {
            self.unanswered = None;
            self.restart();
            self.rate.set(self.rate.bits() / 2);
            self.prober.note(now, self.rate.bits());
        }
    }

    fn judge(&mut self, now: Micros) {
        let carried = self.arrived.rate().map(|rate| self.losses.carried(rate));
        let sent = self.sent.rate().unwrap_or(self.rate.bits());
        let path = Path {
            carried,
            sent,
            round_trip: self.queue.round_trip().unwrap_or(ROUND_TRIP),
            queue: self.queue.level(),
        };
        let usage = match self.queue.fills() {
            true => Usage::Over,
            false => self.trend.usage(),
        };
        match usage {
            Usage::Over if path.queue >= SHORT => {
                if self.rate.back_off(now, path) {
                    self.losses.lowered(now);
                }
                self.prober.put_off(now);
            }
            Usage::Normal if self.losses.are_few() => self.rate.grow(now, path, self.losses.limit()),
            _ => self.rate.hold(now),
        }
        let circumstances = Circumstances {
            rate: self.rate.bits(),
            sent,
            queue: path.queue,
        };
        if let Some(rate) = self.losses.judge(now, circumstances) {
            self.rate.set(rate);
            self.prober.put_off(now);
        }
        self.conclude_probe(now);
        self.prober.note(now, self.rate.bits());
    }

    fn conclude_probe(&mut self, now: Micros) {
        let shown = self.prober.conclude(now, self.trend.jitter(), self.losses.inherent());
        if let Some(shown) = shown.map(|shown| shown.min(self.losses.limit())) {
            self.rate.set(self.rate.bits().max(shown));
        }
    }

    /// What comes next on the receiver's clock is not compared to what was before.
    fn restart(&mut self) {
        self.sent = Window::default();
        self.arrived = Window::default();
        self.bursts.restart();
        self.trend = Trend::default();
    }

    fn patience(&self) -> Micros {
        let round_trip = self.queue.round_trip().unwrap_or(ROUND_TRIP);
        Micros::from(Self::SILENCE).max(round_trip.times(SILENT_TRIPS))
    }

    /// The present time; it never goes back.
    fn pass(&mut self, now: Instant) -> Micros {
        // The packets of a picture are sent at one time.
        if now == self.passed {
            return self.now;
        }
        self.passed = now;
        self.now = self.now.max(Micros::from(now.saturating_duration_since(self.start)));
        self.now
    }
}
