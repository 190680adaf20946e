use hst_cascade::Figures as Link;
use hst_link::NodeName;
use hst_proto::Failure;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
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

/// The other end of a link. Who runs the platform names the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Peer {
    node: String,
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

/// What media links carry, each since it stands: one that stands anew begins at 0, as the counters of a new process do.
fn register_links(registry: &mut Registry, links: Vec<Link>) {
    let rooms = Family::<Peer, Gauge>::default();
    for Link {
        node, rooms: joined, ..
    } in &links
    {
        let joined = i64::try_from(*joined).unwrap_or(i64::MAX);
        rooms.get_or_create(&peer(node)).set(joined);
    }
    registry.register("link_rooms", "Rooms that are joined to those of another node", rooms);
    let full = Family::<Peer, Gauge>::default();
    for link in &links {
        full.get_or_create(&peer(&link.node)).set(link.bound.is_some().into());
    }
    registry.register(
        "link_full",
        "Whether a link carries less than all want to send, so that large pictures are left out",
        full,
    );
    let mut counter = |name: &str, help: &str, of: fn(&hst_link::Figures) -> u64| {
        let counts = Family::<Peer, Counter>::default();
        for (node, carried) in links.iter().filter_map(|it| Some((&it.node, it.link.as_ref()?))) {
            counts.get_or_create(&peer(node)).inc_by(of(carried));
        }
        registry.register(name, help, counts);
    };
    counter("link_datagrams_sent", "Media packets sent to another node", |it| {
        it.datagrams_sent
    });
    counter(
        "link_datagrams_received",
        "Media packets that came from another node",
        |it| it.datagrams_arrived,
    );
    counter("link_packets_sent", "QUIC packets sent to another node", |it| {
        it.packets_sent
    });
    counter(
        "link_packets_lost",
        "QUIC packets that another node did not acknowledge",
        |it| it.packets_lost,
    );
    counter("link_sent_bytes", "Bytes sent to another node, up to UDP", |it| {
        it.bytes_sent
    });
    counter(
        "link_received_bytes",
        "Bytes that came from another node, up to UDP",
        |it| it.bytes_received,
    );
}

fn peer(node: &NodeName) -> Peer {
    Peer {
        node: node.as_str().to_owned(),
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
        let (groups, homes) = (self.groups.count(), self.groups.count_homes());
        gauge("groups", "Groups that somebody is in", groups);
        gauge("home_groups", "Groups that have their home on this node", homes);
        gauge(
            "branch_groups",
            "Groups that have members on this node and their home on another",
            // Counted a moment later, there may be more homes than groups there were.
            groups.saturating_sub(homes),
        );
        gauge("nodes", "Nodes of the cluster, this one included", self.fleet.count());
        gauge(
            "protocol_version",
            "The newest version of what nodes say to each other that all nodes speak",
            self.fleet.spoken_by_all().into(),
        );
        register_links(&mut registry, self.groups.links());
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
