use std::time::Duration;

use clap::Args;
use hst_load::limit;
use serde::Serialize;

use super::{
    BenchError,
    case::{Case, Shape},
    report,
};
use crate::error::CliError;

/// Beside a server it is measured for so long, which is enough: nothing in it changes over time.
const BESIDE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Options {
    /// What is sent to how many.
    #[arg(long, value_enum, default_value_t)]
    case: Case,
    /// For how long it is measured.
    #[arg(long, value_name = "S", default_value_t = 5)]
    seconds: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    case: Case,
    packets_per_second_per_core: f64,
    gbit_per_second_per_core: f64,
    us_per_packet: f64,
}

/// What this machine can do at most for a case.
pub(crate) fn run(options: Options) -> Result<(), CliError> {
    let shape = options.case.shape();
    let speed = speed(&shape, Duration::from_secs(options.seconds.max(1)))?;
    let figures = Figures {
        case: options.case,
        packets_per_second_per_core: speed.round(),
        gbit_per_second_per_core: report::rounded(speed * shape.pace.size as f64 * 8.0 / 1e9),
        us_per_packet: report::rounded(1e6 / speed),
    };
    Ok(report::print(&figures, options.json)?)
}

/// The same beside a server: packets in a second of CPU time.
pub(super) fn measure(shape: &Shape) -> Result<f64, CliError> {
    speed(shape, BESIDE)
}

fn speed(shape: &Shape, length: Duration) -> Result<f64, CliError> {
    let limit = limit(shape.audience(), shape.pace, length).map_err(BenchError::Load)?;
    Ok(limit.packets as f64 / limit.busy.as_secs_f64())
}
