use std::time::Duration;

use clap::Args;
use hst_load::{Limit, LoadError, limit};
use serde::Serialize;

use super::{
    BenchError,
    case::{Case, Shape},
    report,
};
use crate::error::CliError;

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

/// The same beside a server that rests: seconds of a processor for a packet.
pub(super) async fn beside(shape: &Shape, length: Duration) -> Result<f64, CliError> {
    let (audience, pace) = (shape.audience(), shape.pace);
    let measured = tokio::task::spawn_blocking(move || limit(audience, pace, length)).await;
    let limit = measured.unwrap_or(Err(LoadError::Panicked)).map_err(BenchError::Load)?;
    Ok(cost(limit))
}

/// Packets in a second of CPU time.
pub(super) fn speed(shape: &Shape, length: Duration) -> Result<f64, CliError> {
    let limit = limit(shape.audience(), shape.pace, length).map_err(BenchError::Load)?;
    Ok(cost(limit).recip())
}

fn cost(limit: Limit) -> f64 {
    limit.busy.as_secs_f64() / limit.packets as f64
}
