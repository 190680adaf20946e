use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{Counters, Endpoint, EventId};

/// The most events that wait for one App's endpoint. When it is full, the newest is dropped and counted: what an
/// endpoint gets has no holes before its end.
pub(crate) const CAPACITY: usize = 1024;
/// The most bytes of bodies among them; whichever is reached first.
pub(crate) const CAPACITY_BYTES: usize = 4 << 20;
/// How long after it was handed over an event is given up.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_secs(3600);
/// Even the luckiest draw leaves the endpoint, and our own thread, a moment.
const MIN_BACKOFF: Duration = Duration::from_millis(10);
/// The longest pause after the first failure; it doubles with each further one in a row.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// A dead endpoint is tried about a dozen times an hour, and one that comes back is found within minutes.
const MAX_BACKOFF: Duration = Duration::from_secs(600);
/// The longest that an endpoint can ask to be left alone: what waits then is given up anyhow.
const MAX_RETRY_AFTER: Duration = GIVE_UP_AFTER;
/// How long an endpoint that says it is gone is believed. After that one event tries again, so that an answer given
/// by mistake heals by itself.
const GONE_FOR: Duration = Duration::from_secs(3600);

/// What waits for one App's endpoint, in order: a state machine to which time and chance are handed.
pub(crate) struct Queue {
    endpoint: Endpoint,
    /// The first is the one that is being delivered.
    events: VecDeque<Event>,
    bytes: usize,
    /// In a row.
    failures: u32,
    rest: Rest,
}

struct Event {
    id: EventId,
    body: Bytes,
    expires: Instant,
    tried: bool,
}

/// Why nothing is sent for a while.
#[derive(Clone, Copy)]
enum Rest {
    None,
    /// The endpoint failed.
    Backoff(Instant),
    /// The endpoint wants no more; what comes in is dropped.
    Gone(Instant),
}

/// What to do next.
pub(crate) enum Step {
    /// Deliver this, and tell [`Queue::handle`] how it went.
    Deliver(Delivery),
    /// Nothing before that moment, unless the endpoint is changed.
    Wait(Instant),
}

/// One try.
pub(crate) struct Delivery {
    pub(crate) endpoint: Endpoint,
    pub(crate) id: EventId,
    pub(crate) body: Bytes,
}

/// How a try went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    Gone,
    Failed { retry_after: Option<Duration> },
}

impl Queue {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            events: VecDeque::new(),
            bytes: 0,
            failures: 0,
            rest: Rest::None,
        }
    }

    /// Sends what waits to this endpoint from now on. Answers whether it is another than before: then nothing is left
    /// to wait for.
    pub(crate) fn set_endpoint(&mut self, endpoint: &Endpoint) -> bool {
        let changed = self.endpoint != *endpoint;
        if changed {
            self.endpoint = endpoint.clone();
            self.failures = 0;
            self.rest = Rest::None;
        }
        changed
    }

    pub(crate) fn push(&mut self, id: EventId, body: Bytes, now: Instant, counters: &mut Counters) {
        let full = self.events.len() >= CAPACITY || self.bytes + body.len() > CAPACITY_BYTES;
        if full || matches!(self.rest, Rest::Gone(_)) {
            counters.dropped += 1;
            return;
        }
        self.bytes += body.len();
        self.events.push_back(Event {
            id,
            body,
            expires: now + GIVE_UP_AFTER,
            tried: false,
        });
    }

    /// `None` when nothing is left: the queue can be thrown away.
    pub(crate) fn poll(&mut self, now: Instant, counters: &mut Counters) -> Option<Step> {
        match self.rest {
            Rest::Backoff(until) | Rest::Gone(until) if now < until => return Some(Step::Wait(until)),
            _ => self.rest = Rest::None,
        }
        while self.events.front().is_some_and(|event| event.expires <= now) {
            self.pop();
            counters.given_up += 1;
        }
        let event = self.events.front_mut()?;
        counters.retried += u64::from(event.tried);
        event.tried = true;
        Some(Step::Deliver(Delivery {
            endpoint: self.endpoint.clone(),
            id: event.id.clone(),
            body: event.body.clone(),
        }))
    }

    /// How the delivery of the first event to `endpoint` went. `dice` draws a pause between zero and the given one, so
    /// that endpoints that failed together are not called together again.
    pub(crate) fn handle(
        &mut self,
        endpoint: &Endpoint,
        outcome: &Outcome,
        now: Instant,
        dice: &dyn Fn(Duration) -> Duration,
        counters: &mut Counters,
    ) {
        match outcome {
            Outcome::Delivered => {
                self.pop();
                counters.delivered += 1;
                self.failures = 0;
            }
            // What an endpoint does that is none any more says nothing about the present one.
            _ if self.endpoint != *endpoint => {}
            Outcome::Gone => {
                self.drop_all(counters);
                self.rest = Rest::Gone(now + GONE_FOR);
            }
            Outcome::Failed { retry_after } => {
                let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
                let pause = dice(self.backoff()).max(MIN_BACKOFF).max(asked);
                self.rest = Rest::Backoff(now + pause);
                self.failures = self.failures.saturating_add(1);
            }
        }
    }

    /// Nothing of it will be delivered.
    pub(crate) fn drop_all(&mut self, counters: &mut Counters) {
        counters.dropped += self.events.len() as u64;
        self.events.clear();
        self.bytes = 0;
    }

    /// How many deliveries failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    fn backoff(&self) -> Duration {
        let doubled = 2u32
            .checked_pow(self.failures)
            .and_then(|times| FIRST_BACKOFF.checked_mul(times));
        doubled.unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF)
    }

    fn pop(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= event.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::{WebhookSecret, WebhookUrl};

    const FAILED: Outcome = Outcome::Failed { retry_after: None };
    const LONGEST: &dyn Fn(Duration) -> Duration = &|longest| longest;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint {
            url: WebhookUrl::parse(&format!("https://{host}/")).unwrap(),
            secret: WebhookSecret::random().unwrap(),
        }
    }

    /// A queue with its clock.
    struct Bench {
        queue: Queue,
        counters: Counters,
        start: Instant,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                queue: Queue::new(endpoint("app.example.com")),
                counters: Counters::default(),
                start: now,
                now,
            }
        }

        fn push(&mut self, ids: &[&str]) {
            for id in ids {
                let (id, body) = (EventId::parse(id).unwrap(), Bytes::from_static(b"{}"));
                self.queue.push(id, body, self.now, &mut self.counters);
            }
        }

        /// Lets pauses pass; answers the event that is delivered now.
        fn next(&mut self) -> Option<Delivery> {
            loop {
                match self.queue.poll(self.now, &mut self.counters)? {
                    Step::Deliver(delivery) => return Some(delivery),
                    Step::Wait(until) => self.now = until,
                }
            }
        }

        fn handle(&mut self, delivery: &Delivery, outcome: &Outcome, dice: &dyn Fn(Duration) -> Duration) {
            let (now, counters) = (self.now, &mut self.counters);
            self.queue.handle(&delivery.endpoint, outcome, now, dice, counters);
        }

        /// Tries the next event; answers its id and how long after the start it was, in seconds.
        fn try_next(&mut self, outcome: &Outcome) -> Option<(String, u64)> {
            let delivery = self.next()?;
            let at = self.now - self.start;
            self.handle(&delivery, outcome, LONGEST);
            Some((delivery.id.to_string(), at.as_secs()))
        }
    }

    #[test]
    fn h6_events_are_delivered_in_order_and_a_failed_one_comes_first_again() {
        let mut bench = Bench::new();
        bench.push(&["a", "b", "c"]);
        let outcomes = [
            Outcome::Delivered,
            FAILED,
            FAILED,
            Outcome::Delivered,
            Outcome::Delivered,
        ];
        let tried = outcomes.map(|outcome| bench.try_next(&outcome).unwrap());
        let expected = [("a", 0), ("b", 0), ("b", 2), ("b", 6), ("c", 6)];
        assert_eq!(tried, expected.map(|(id, at)| (id.to_owned(), at)));
        assert!(bench.next().is_none());
        let Counters { delivered, retried, .. } = bench.counters;
        assert_eq!((delivered, retried), (3, 2));
    }

    #[test]
    fn h6_pauses_double_up_to_ten_minutes_and_begin_anew_after_a_success() {
        let mut bench = Bench::new();
        bench.push(&["a"]);
        let mut tries = Vec::new();
        while let Some((_, at)) = bench.try_next(&FAILED) {
            tries.push(at);
        }
        let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600]);
        assert_eq!(bench.counters.given_up, 1);

        bench.push(&["b", "c"]);
        bench.try_next(&Outcome::Delivered);
        let failed_at = bench.try_next(&FAILED).unwrap().1;
        assert_eq!(bench.try_next(&FAILED).unwrap().1, failed_at + 2);
    }

    #[test]
    fn h6_an_event_is_given_up_an_hour_after_it_came_in() {
        let mut bench = Bench::new();
        bench.push(&["a"]);
        bench.try_next(&FAILED);
        bench.now = bench.start + GIVE_UP_AFTER / 2;
        bench.push(&["b"]);
        bench.now = bench.start + GIVE_UP_AFTER;
        assert_eq!(
            bench.next().unwrap().id.as_str(),
            "b",
            "the older one stands in nobody's way"
        );
        assert_eq!(bench.counters.given_up, 1);
        bench.now += GIVE_UP_AFTER / 2;
        assert!(bench.next().is_none());
        assert_eq!(bench.counters.given_up, 2);
    }

    #[test]
    fn h6_a_dead_endpoint_costs_a_bounded_queue_and_some_tries_an_hour() {
        for seed in 0..20 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut bench = Bench::new();
            let (mut sent, mut tries) = (0, 0);
            let end = bench.start + 24 * GIVE_UP_AFTER;
            // An event a second for a day.
            while bench.now < end {
                bench.push(&["a"]);
                sent += 1;
                if let Some(Step::Deliver(delivery)) = bench.queue.poll(bench.now, &mut bench.counters) {
                    tries += 1;
                    let draw = rng.random::<f64>();
                    bench.handle(&delivery, &FAILED, &|longest| longest.mul_f64(draw));
                }
                assert!(bench.queue.events.len() <= CAPACITY);
                bench.now += Duration::from_secs(1);
            }
            assert!((24 * 9..24 * 18).contains(&tries), "{tries} tries with seed {seed}");
            let Counters { dropped, given_up, .. } = bench.counters;
            assert_eq!(
                dropped + given_up + bench.queue.events.len() as u64,
                sent,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn h6_a_full_queue_drops_the_newest() {
        let mut bench = Bench::new();
        (0..CAPACITY + 3).for_each(|n| bench.push(&[&n.to_string()]));
        assert_eq!(bench.counters.dropped, 3);
        (0..CAPACITY).for_each(|n| assert_eq!(bench.try_next(&Outcome::Delivered).unwrap().0, n.to_string()));
        assert!(bench.next().is_none());
    }

    #[test]
    fn h6_large_bodies_fill_the_queue_sooner_and_make_room_when_they_leave() {
        let mut bench = Bench::new();
        let large = |bench: &mut Bench| {
            let body = Bytes::from(vec![b' '; CAPACITY_BYTES / 4]);
            bench
                .queue
                .push(EventId::random(), body, bench.now, &mut bench.counters);
            bench.counters.dropped
        };
        let dropped = [(); 5].map(|()| large(&mut bench));
        assert_eq!(dropped, [0, 0, 0, 0, 1]);
        bench.try_next(&Outcome::Delivered);
        assert_eq!([(); 2].map(|()| large(&mut bench)), [1, 2]);
    }

    #[test]
    fn h6_an_endpoint_is_left_alone_for_as_long_as_it_asks_but_not_for_ever() {
        for (asked, pause) in [(0, 2), (1, 2), (120, 120), (86_400, 3600), (u64::MAX, 3600)] {
            let mut bench = Bench::new();
            bench.push(&["a"]);
            let retry_after = Some(Duration::from_secs(asked));
            bench.try_next(&Outcome::Failed { retry_after });
            let Some(Step::Wait(until)) = bench.queue.poll(bench.now, &mut bench.counters) else {
                panic!("a pause")
            };
            assert_eq!((until - bench.start).as_secs(), pause, "{asked}");
        }
    }

    #[test]
    fn h6_an_endpoint_that_is_gone_gets_nothing_for_an_hour() {
        let mut bench = Bench::new();
        bench.push(&["a", "b"]);
        bench.try_next(&Outcome::Gone);
        bench.push(&["c"]);
        assert_eq!(bench.counters.dropped, 3);
        assert!(bench.next().is_none());
        assert_eq!(bench.now, bench.start + GONE_FOR);
        bench.push(&["d"]);
        assert_eq!(bench.try_next(&Outcome::Delivered).unwrap().0, "d", "it is tried again");
    }

    #[test]
    fn h6_another_endpoint_gets_what_waits_at_once() {
        let other = endpoint("other.example.com");
        for outcome in [FAILED, Outcome::Gone] {
            let mut bench = Bench::new();
            bench.push(&["a"]);
            bench.try_next(&outcome);
            assert!(bench.queue.set_endpoint(&other));
            assert!(!bench.queue.set_endpoint(&other), "it is the same now");
            bench.push(&["b"]);
            let delivery = bench.next().unwrap();
            assert_eq!(
                (delivery.endpoint, bench.now),
                (other.clone(), bench.start),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn h6_the_last_words_of_a_former_endpoint_do_not_count() {
        for outcome in [FAILED, Outcome::Gone] {
            let mut bench = Bench::new();
            bench.push(&["a"]);
            let delivery = bench.next().unwrap();
            bench.queue.set_endpoint(&endpoint("other.example.com"));
            bench.handle(&delivery, &outcome, LONGEST);
            let again = bench.next().unwrap();
            assert_eq!((again.id, bench.now), (delivery.id, bench.start), "{outcome:?}");
        }
    }
}
