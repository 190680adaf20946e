use std::time::Duration;

use hst_sfu::{Flow, MAX_ENCODINGS};
use str0m::stats::{MediaEgressStats, MediaIngressStats, PeerStats};

use crate::Path;

/// How often str0m sums up what it has counted: an event for each stream, beside hundreds of packets. It is also how soon a
/// receiver counts as one who loses much.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// The last that str0m has told of a connection as a whole.
#[derive(Debug, Default)]
pub(crate) struct PathReport {
    round_trip: Option<Duration>,
}

/// The last that it has told of an m-line.
#[derive(Debug, Default)]
pub(crate) struct LineReport {
    pub(crate) egress: Option<MediaEgressStats>,
    /// By encoding.
    pub(crate) ingress: [Option<MediaIngressStats>; MAX_ENCODINGS],
}

impl PathReport {
    pub(crate) fn take(&mut self, stats: &PeerStats) {
        self.round_trip = stats.rtt.or(self.round_trip);
    }

    /// The way of what is sent to the client on this line.
    pub(crate) fn out(&self, line: &LineReport, flow: &Flow) -> Path {
        let Some(egress) = &line.egress else {
            return self.path();
        };
        let remote = egress.remote.as_ref();
        Path {
            lost: remote.map(|remote| remote.packets_lost),
            loss_rate: egress.loss.unwrap_or_default(),
            jitter: remote.map_or(Duration::ZERO, |remote| ticks(remote.jitter, flow)),
            round_trip: egress.rtt.or(self.round_trip),
        }
    }

    /// The way of what comes from the client on this line.
    pub(crate) fn inward(&self, line: &LineReport, flow: &Flow) -> Path {
        let encoding = flow.layer.map_or(0, |layer| usize::from(layer.encoding));
        let ingress = line.ingress.get(encoding).and_then(Option::as_ref);
        Path {
            loss_rate: ingress.and_then(|it| it.loss).unwrap_or_default(),
            jitter: ingress.map_or(Duration::ZERO, |it| ticks(it.jitter, flow)),
            ..self.path()
        }
    }

    fn path(&self) -> Path {
        Path {
            round_trip: self.round_trip,
            ..Path::default()
        }
    }
}

fn ticks(count: u32, flow: &Flow) -> Duration {
    let seconds = |rate: u32| Duration::from_secs_f64(f64::from(count) / f64::from(rate));
    flow.codec.map_or(Duration::ZERO, |codec| seconds(codec.clock_rate()))
}
