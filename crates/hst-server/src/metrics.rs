use hst_proto::Failure;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};

use crate::hub::Hub;

/// What is counted as it happens. All else is asked for when somebody wants to know.
///
/// No label holds what a client may choose: each name that somebody thinks up would stay for ever as a series of its own.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    logins: Family<Outcome, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    /// One of the platform's codes; 0 for who was let in.
    code: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fate {
    fate: &'static str,
}

impl Metrics {
    /// Somebody wanted to log in.
    pub(crate) fn login<T>(&self, outcome: &Result<T, Failure>) {
        let code = outcome.as_ref().err().map_or(0, |failure| failure.code);
        self.logins.get_or_create(&Outcome { code }).inc();
    }
}

impl Hub {
    /// How this node is, in the text format of OpenMetrics 1.0.
    pub(crate) fn metrics(&self) -> String {
        let mut registry = Registry::with_prefix("hst");
        let mut gauge = |name: &str, help: &str, value: usize| {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, value);
        };
        gauge(
            "connections",
            "Connections of clients, HTTP included",
            self.admission.count(),
        );
        gauge(
            "sessions",
            "Users who are logged in, those who are away for a moment included",
            usize::try_from(self.sessions.count()).unwrap_or(usize::MAX),
        );
        gauge("groups", "Groups that somebody is in", self.groups.count());
        registry.register(
            "logins",
            "Logins by their code, 0 for those that went well",
            self.metrics.logins.clone(),
        );
        let counters = self.hooks.counters();
        let events = Family::<Fate, Counter>::default();
        for (fate, count) in [
            ("delivered", counters.delivered),
            ("dropped", counters.dropped),
            ("given_up", counters.given_up),
        ] {
            events.get_or_create(&Fate { fate }).inc_by(count);
        }
        registry.register("webhook_events", "Events for webhooks by what became of them", events);
        let retried = ConstCounter::new(counters.retried);
        registry.register("webhook_retries", "Tries after the first of an event", retried);
        let mut text = String::new();
        encode(&mut text, &registry).expect("a text takes everything");
        text
    }
}
