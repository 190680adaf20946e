use std::num::NonZeroU8;

use crate::{
    history::Reported,
    micros::Micros,
    probe::{Measurement, Probe, ProbeId},
};

/// The first probe, in multiples of the first estimate; and each after one that got through, of what that has shown.
const FIRST: f64 = 3.0;
const NEXT: f64 = 2.0;
/// A probe in the hope of a step up goes a little beyond it, within these multiples of the estimate.
const MARGIN: f64 = 1.1;
const HOPES: (f64, f64) = (1.5, 2.0);
/// What shows so much of its rate got through.
const THROUGH: f64 = 0.7;
/// After a probe that did not, there is none for so long; twice as long after each further one, up to the most.
const PAUSE: Micros = Micros::seconds(1);
const LONGEST_PAUSE: Micros = Micros::seconds(10);
/// While the estimate is less than this share of what it was of late, what took it down may pass as well.
const FALLEN: f64 = 0.66;
const FALLEN_PAUSE: Micros = Micros::seconds(2);
const OF_LATE: Micros = Micros::seconds(60);
/// What is not reported by then is not reported.
const EXPIRY: Micros = Micros::seconds(1);

/// Decides when to probe for more than what is known to be carried, and how much.
#[derive(Debug)]
pub(crate) struct Prober {
    next: u64,
    all: u64,
    last_id: u8,
    running: Option<Running>,
    /// To be tried at once.
    follow_up: Option<u64>,
    not_before: Micros,
    pause: Micros,
    /// The highest estimate of late, and when it was.
    height: (u64, Micros),
}

#[derive(Debug)]
struct Running {
    probe: Probe,
    expires: Micros,
    measurement: Measurement,
}

impl Prober {
    pub(crate) fn new(first: u64) -> Self {
        Self {
            next: u64::MAX,
            all: u64::MAX,
            last_id: 0,
            running: None,
            follow_up: Some(times(first, FIRST)),
            not_before: Micros::ZERO,
            pause: PAUSE,
            height: (0, Micros::ZERO),
        }
    }

    pub(crate) fn want(&mut self, next: u64, all: u64) {
        (self.next, self.all) = (next, all.max(next));
    }

    /// The probe to send now, towards at most so much; one at a time.
    pub(crate) fn poll(&mut self, now: Micros, estimate: u64, most: u64, jitter: Micros) -> Option<Probe> {
        if self.running.is_some() || now < self.not_before || estimate >= self.next {
            return None;
        }
        let hoped = times(self.next, MARGIN).clamp(times(estimate, HOPES.0), times(estimate, HOPES.1));
        let rate = self
            .follow_up
            .take()
            .unwrap_or(hoped)
            .min(times(self.all, MARGIN))
            .min(most);
        if rate <= estimate {
            return None;
        }
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let id = ProbeId(NonZeroU8::new(self.last_id).expect("it begins at 1, also after the last one"));
        let probe = Probe::new(id, rate, jitter);
        self.running = Some(Running {
            probe,
            expires: now + EXPIRY,
            measurement: Measurement::default(),
        });
        Some(probe)
    }

    /// Takes what is reported of a packet; says whether it was sent while a probe was, which fills a queue on purpose.
    pub(crate) fn report(&mut self, packet: &Reported, arrival: Option<Micros>) -> bool {
        let Some(Running { probe, measurement, .. }) = &mut self.running else {
            return false;
        };
        if packet.probe == Some(probe.id) {
            measurement.add(packet.sent, arrival, packet.bytes);
            return true;
        }
        let is_between = measurement.has_begun() && measurement.reported() < probe.packets;
        if is_between && arrival.is_some() {
            measurement.add_between(packet.bytes);
        }
        is_between
    }

    /// What a probe has shown, when it is over: which rate is carried, if it got anywhere.
    pub(crate) fn conclude(&mut self, now: Micros, jitter: Micros, inherent: f32) -> Option<u64> {
        let is_over =
            |running: &mut Running| running.measurement.reported() >= running.probe.packets || now >= running.expires;
        let running = self.running.take_if(is_over)?;
        let shown = running.measurement.result(&running.probe, jitter, inherent);
        if shown.is_some_and(|shown| shown as f64 >= THROUGH * running.probe.rate as f64) {
            self.pause = PAUSE;
            self.follow_up = shown.map(|shown| times(shown, NEXT));
        } else {
            self.follow_up = None;
            self.not_before = now + self.pause;
            self.pause = self.pause.times(2).min(LONGEST_PAUSE);
        }
        shown
    }

    /// Takes the present estimate.
    pub(crate) fn note(&mut self, now: Micros, estimate: u64) {
        let (height, at) = self.height;
        if estimate >= height || now - at > OF_LATE {
            self.height = (estimate, now);
        } else if (estimate as f64) < FALLEN * height as f64 {
            self.pause = self.pause.min(FALLEN_PAUSE);
            self.not_before = self.not_before.min(now + FALLEN_PAUSE);
        }
    }

    /// Puts off what would follow: the path is full.
    pub(crate) fn put_off(&mut self, now: Micros) {
        self.follow_up = None;
        self.not_before = self.not_before.max(now + PAUSE);
    }

    pub(crate) fn timeout(&self, now: Micros, estimate: u64) -> Option<Micros> {
        let due = (estimate < self.next && self.not_before > now).then_some(self.not_before);
        self.running.as_ref().map_or(due, |running| Some(running.expires))
    }
}

fn times(rate: u64, factor: f64) -> u64 {
    (rate as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: u64 = 2_000_000;

    /// Sends and reports a probe over a link; says what it shows.
    fn answer(prober: &mut Prober, probe: Probe, now: Micros) -> Option<u64> {
        let bytes = (probe.bytes / probe.packets) as i64;
        for packet in 0..probe.packets as i64 {
            let at = |rate: u64| now + Micros::new(packet * bytes * 8_000_000 / rate as i64);
            let reported = Reported {
                sent: at(probe.rate),
                bytes: bytes as u32,
                probe: Some(probe.id),
                was_lost: false,
                is_after_gap: false,
            };
            assert!(prober.report(&reported, Some(at(probe.rate.min(LINK)))));
        }
        prober.conclude(now, Micros::ZERO, 0.0)
    }

    fn poll(prober: &mut Prober, now: Micros, estimate: u64) -> Option<Probe> {
        prober.poll(now, estimate, u64::MAX, Micros::ZERO)
    }

    #[test]
    fn a_probe_follows_another_that_got_through_until_one_does_not() {
        let mut prober = Prober::new(300_000);
        let mut estimate = 300_000;
        let mut rates = vec![];
        while let Some(probe) = poll(&mut prober, Micros::ZERO, estimate) {
            assert_eq!(poll(&mut prober, Micros::ZERO, estimate), None, "one at a time");
            rates.push(probe.rate / 100_000);
            estimate = answer(&mut prober, probe, Micros::ZERO).unwrap();
        }
        assert!(matches!(rates[..], [9, 17 | 18, 34..=36]), "{rates:?}");
        assert!(estimate.abs_diff(LINK * 95 / 100) < LINK / 50, "{estimate}");
    }

    #[test]
    fn pauses_between_probes_in_vain_become_longer_but_not_after_a_fall() {
        let mut prober = Prober::new(LINK);
        let mut due = vec![];
        for second in 0..60 {
            let now = Micros::seconds(second);
            if let Some(probe) = poll(&mut prober, now, LINK) {
                due.push(second);
                answer(&mut prober, probe, now);
            }
        }
        assert_eq!(due[..6], [0, 1, 3, 7, 15, 25]);
        prober.note(Micros::seconds(60), LINK);
        prober.note(Micros::seconds(61), LINK / 2);
        assert!(poll(&mut prober, Micros::seconds(63), LINK / 2).is_some());
    }

    #[test]
    fn one_that_is_never_answered_ends() {
        let mut prober = Prober::new(300_000);
        let probe = poll(&mut prober, Micros::ZERO, 300_000).unwrap();
        let expires = prober.timeout(Micros::ZERO, 300_000).unwrap();
        assert_eq!(prober.conclude(expires, Micros::ZERO, 0.0), None);
        let due = prober.timeout(expires, 300_000).unwrap();
        let next = poll(&mut prober, due, 300_000).unwrap();
        assert_ne!(probe.id, next.id);
    }

    #[test]
    fn it_goes_no_farther_than_what_is_wanted() {
        let mut prober = Prober::new(300_000);
        prober.want(500_000, 600_000);
        assert_eq!(poll(&mut prober, Micros::ZERO, 300_000).unwrap().rate, 660_000);
        prober = Prober::new(300_000);
        prober.want(300_000, 600_000);
        assert_eq!(poll(&mut prober, Micros::ZERO, 300_000), None);
    }
}
