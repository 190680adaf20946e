use std::time::Duration;

use hst_sfu::Flow;

use crate::{Path, egress::Heard, ingress::Quality};

/// How often conclusions are drawn from what was counted. It is also how soon a receiver counts as one who loses much.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// What is known of a connection as a whole.
#[derive(Debug, Default)]
pub(crate) struct PathReport {
    pub(crate) round_trip: Option<Duration>,
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

    /// The way of what comes from the client on a line, and comes so well.
    pub(crate) fn inward(&self, quality: Option<Quality>) -> Path {
        Path {
            loss_rate: quality.map_or(0.0, |it| it.loss_rate),
            jitter: quality.map_or(Duration::ZERO, |it| it.jitter),
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
