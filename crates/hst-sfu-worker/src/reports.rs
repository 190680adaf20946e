use std::time::Duration;

use hst_sfu::{Flow, MAX_ENCODINGS};
use str0m::stats::MediaIngressStats;

use crate::{Path, egress::Heard};

/// How often str0m sums up what it has counted: an event for each stream, beside hundreds of packets. It is also how soon a
/// receiver counts as one who loses much.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// What is known of a connection as a whole.
#[derive(Debug, Default)]
pub(crate) struct PathReport {
    pub(crate) round_trip: Option<Duration>,
}

/// The last that it has told of an m-line.
#[derive(Debug, Default)]
pub(crate) struct LineReport {
    /// By encoding.
    pub(crate) ingress: [Option<MediaIngressStats>; MAX_ENCODINGS],
}

impl PathReport {
    /// The way of what is sent to the client on a line of which he has told this.
    pub(crate) fn out(&self, heard: Option<&Heard>, flow: &Flow) -> Path {
        let Some(heard) = heard else { return self.path() };
        Path {
            lost: Some(heard.lost),
            loss_rate: heard.loss_rate,
            jitter: ticks(heard.jitter, flow),
            round_trip: heard.round_trip().or(self.round_trip),
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
