//! Whatever a receiver says, nothing worse happens than that he gets too much or too little.

use std::time::{Duration, Instant};

use hst_bwe::{Config, Estimator, ProbeId};
use proptest::prelude::*;

const CONFIG: Config = Config {
    first: 300_000,
    least: 50_000,
    most: 5_000_000,
};

#[derive(Debug, Clone)]
enum Event {
    Passes(Duration),
    Sends(usize, usize, bool),
    Reports(Vec<(u16, Option<Duration>)>),
    /// Numbers that were sent, so many back from the last one, and how much later each arrives than the one before, in
    /// microseconds.
    Acknowledges(u16, Vec<Option<i64>>),
    TimesOut,
    Wants(u64, u64),
}

fn event() -> impl Strategy<Value = Event> {
    let micros = prop_oneof![0..200_000_u64, 0..20_000_000_u64, Just(u64::MAX)];
    let arrival = prop_oneof![
        Just(None),
        (0..u64::MAX, 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Some(Duration::new(seconds, nanos))),
        (0..10_000_000_u64).prop_map(|micros| Some(Duration::from_micros(micros))),
        Just(Some(Duration::MAX)),
    ];
    let gap = prop_oneof![
        Just(None),
        (-5_000..20_000_i64).prop_map(Some),
        any::<i64>().prop_map(Some)
    ];
    prop_oneof![
        micros.prop_map(|micros| Event::Passes(Duration::from_micros(micros.min(3_600_000_000)))),
        (0..2_000_usize, 0..100_usize, any::<bool>())
            .prop_map(|(bytes, count, probes)| Event::Sends(bytes, count, probes)),
        prop::collection::vec((any::<u16>(), arrival), 0..40).prop_map(Event::Reports),
        (0..200_u16, prop::collection::vec(gap, 0..100)).prop_map(|(back, gaps)| Event::Acknowledges(back, gaps)),
        Just(Event::TimesOut),
        (any::<u64>(), any::<u64>()).prop_map(|(next, all)| Event::Wants(next, all)),
    ]
}

proptest! {
    #[test]
    fn no_report_makes_it_panic_or_leave_its_bounds(events in prop::collection::vec(event(), 0..200)) {
        let mut now = Instant::now();
        let mut estimator = Estimator::new(now, CONFIG);
        let (mut number, mut arrival) = (0_u16, 1_000_000_i64);
        let mut probe: Option<ProbeId> = None;
        for event in events {
            match event {
                Event::Passes(time) => now += time,
                Event::Sends(bytes, count, probes) => for _ in 0..count {
                    number = estimator.sent(now, bytes, probe.filter(|_| probes));
                },
                Event::Reports(report) => estimator.feedback(now, report.into_iter()),
                Event::Acknowledges(back, gaps) => {
                    let first = number.wrapping_sub(back);
                    let report = gaps.into_iter().enumerate().map(|(at, gap)| {
                        arrival = arrival.wrapping_add(gap.unwrap_or(0));
                        let arrival = gap.map(|_| Duration::from_micros(arrival.unsigned_abs()));
                        (first.wrapping_add(at as u16), arrival)
                    });
                    estimator.feedback(now, report);
                }
                Event::TimesOut => {
                    estimator.handle_timeout(now);
                    prop_assert!(estimator.next_timeout().is_none_or(|at| at > now), "it would be called again at once");
                }
                Event::Wants(next, all) => estimator.want(next, all),
            }
            if let Some(due) = estimator.poll_probe(now) {
                prop_assert!(due.packets > 0 && due.bytes > 0 && due.rate <= CONFIG.most);
                probe = Some(due.id);
            }
            if let Some(estimate) = estimator.estimate() {
                prop_assert!((CONFIG.least..=CONFIG.most).contains(&estimate), "{}", estimate);
            }
            prop_assert!((0.0..=1.0).contains(&estimator.lost()));
            estimator.round_trip();
        }
    }
}

#[test]
fn who_reports_what_was_never_sent_changes_nothing() {
    let now = Instant::now();
    let mut estimator = Estimator::new(now, CONFIG);
    estimator.feedback(now, (0..=u16::MAX).map(|number| (number, Some(Duration::ZERO))));
    assert_eq!(estimator.estimate(), None);
    let number = estimator.sent(now, 1200, None);
    let others = (0..=u16::MAX).filter(|&other| other != number);
    estimator.feedback(now, others.map(|number| (number, Some(Duration::ZERO))));
    assert_eq!(estimator.estimate(), None);
}

#[test]
fn an_old_time_is_the_present_one() {
    let now = Instant::now() + Duration::from_secs(100);
    let mut estimator = Estimator::new(now, CONFIG);
    let number = estimator.sent(now + Duration::from_secs(1), 1200, None);
    estimator.feedback(now, [(number, Some(Duration::ZERO))].into_iter());
    estimator.handle_timeout(now - Duration::from_secs(100));
    assert_eq!(estimator.round_trip(), Some(Duration::ZERO));
}
