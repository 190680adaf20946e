use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use hst_bwe::{Config, Estimator, Probe};
use rand::{Rng as _, rngs::StdRng};

use super::Link;

type Report = Vec<(u16, Option<Duration>)>;

/// A sender that sends what it has, at most what is estimated, and its receiver.
pub struct Flow {
    pub estimator: Estimator,
    /// How much there is to send, in bits in a second.
    pub media: u64,
    /// The bytes of a packet of it.
    pub packet: usize,
    /// Sends as much as that whatever the estimate is.
    pub is_stubborn: bool,
    /// The bytes of each picture are sent at once, so many times in a second; 0 sends evenly.
    pub pictures: u64,
    /// Nothing gets through, in neither direction.
    pub is_cut: bool,
    /// From one report to the next.
    pub interval: Duration,
    pub report_loss: f64,
    /// What his clock shows more than the time since the beginning.
    pub clock: Duration,
    pub arrived_bytes: u64,
    pub probes: usize,
    pub probe_bytes: usize,

    start: Instant,
    due: f64,
    picture_due: f64,
    last_rate: u64,
    probing: Option<(Probe, usize, f64)>,
    under_way: BTreeMap<(Instant, u64), (u16, usize)>,
    /// By the count of all numbers.
    arrived: BTreeMap<u64, Duration>,
    sent: u64,
    reported: u64,
    next_report: Instant,
    reports: VecDeque<(Instant, Report)>,
}

impl Flow {
    pub fn new(now: Instant) -> Self {
        Self::with(now, Config::default())
    }

    pub fn with(now: Instant, config: Config) -> Self {
        Self {
            estimator: Estimator::new(now, config),
            media: u64::MAX,
            packet: 1200,
            is_stubborn: false,
            pictures: 0,
            is_cut: false,
            interval: Duration::from_millis(50),
            report_loss: 0.0,
            clock: Duration::from_secs(1000),
            arrived_bytes: 0,
            probes: 0,
            probe_bytes: 0,
            start: now,
            due: 0.0,
            picture_due: 0.0,
            last_rate: config.first,
            probing: None,
            under_way: BTreeMap::new(),
            arrived: BTreeMap::new(),
            sent: 0,
            reported: 0,
            next_report: now,
            reports: VecDeque::new(),
        }
    }

    pub fn step(&mut self, now: Instant, tick: Duration, link: &mut Link, dice: &mut StdRng) {
        self.receive(now, link.delay, dice);
        while self.reports.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, report)) = self.reports.pop_front()
        {
            self.estimator.feedback(now, report.into_iter());
        }
        if self.estimator.next_timeout().is_some_and(|at| at <= now) {
            self.estimator.handle_timeout(now);
            let next = self.estimator.next_timeout();
            assert!(next.is_none_or(|at| at > now), "it would be called again at once");
        }
        if self.probing.is_none()
            && let Some(probe) = self.estimator.poll_probe(now)
        {
            self.probes += 1;
            self.probe_bytes += probe.bytes;
            self.probing = Some((probe, 0, 0.0));
        }
        self.send(now, tick, link, dice);
    }

    fn send(&mut self, now: Instant, tick: Duration, link: &mut Link, dice: &mut StdRng) {
        self.last_rate = self.estimator.estimate().unwrap_or(self.last_rate);
        let rate = if self.is_stubborn {
            self.media
        } else {
            self.media.min(self.last_rate)
        };
        let bytes = rate as f64 * tick.as_secs_f64() / 8.0;
        self.picture_due += bytes;
        let millis = (now - self.start).as_millis() as u64;
        let is_due = self.pictures == 0 || millis.is_multiple_of(1000 / self.pictures);
        if is_due {
            self.due += std::mem::take(&mut self.picture_due);
        }
        while self.due >= self.packet as f64 {
            self.due -= self.packet as f64;
            self.send_one(now, self.packet, None, link, dice);
        }
        let Some((probe, mut count, mut due)) = self.probing.take() else {
            return;
        };
        due += probe.rate as f64 * tick.as_secs_f64() / 8.0;
        let len = probe.bytes.div_ceil(probe.packets);
        while due >= len as f64 && count < probe.packets {
            due -= len as f64;
            count += 1;
            self.send_one(now, len, Some(probe.id), link, dice);
        }
        self.probing = (count < probe.packets).then_some((probe, count, due));
    }

    fn send_one(
        &mut self,
        now: Instant,
        bytes: usize,
        probe: Option<hst_bwe::ProbeId>,
        link: &mut Link,
        dice: &mut StdRng,
    ) {
        let number = self.estimator.sent(now, bytes, probe);
        assert_eq!(number, self.sent as u16, "numbers are handed out one after the other");
        let arrives = link.carry(now, bytes, dice).filter(|_| !self.is_cut);
        if let Some(at) = arrives {
            self.under_way.insert((at, self.sent), (number, bytes));
        }
        self.sent += 1;
    }

    fn receive(&mut self, now: Instant, delay: Duration, dice: &mut StdRng) {
        while let Some(entry) = self.under_way.first_entry()
            && entry.key().0 <= now
        {
            let ((at, count), (_, bytes)) = entry.remove_entry();
            self.arrived_bytes += bytes as u64;
            self.arrived.insert(count, self.clock + (at - self.start));
        }
        if now < self.next_report {
            return;
        }
        self.next_report = now + self.interval;
        let Some(((&first, _), (&last, _))) = self.arrived.first_key_value().zip(self.arrived.last_key_value()) else {
            return;
        };
        // Whoever was overtaken by a whole report is told of in the next one.
        let first = self.reported.min(first);
        let told = |count: u64| (count as u16, self.arrived.get(&count).copied());
        let report = (first..=last)
            .filter(|count| *count >= self.reported || self.arrived.contains_key(count))
            .map(told)
            .collect();
        self.reported = self.reported.max(last + 1);
        self.arrived.clear();
        if !self.is_cut && !dice.random_bool(self.report_loss) {
            self.reports.push_back((now + delay, report));
        }
    }
}
