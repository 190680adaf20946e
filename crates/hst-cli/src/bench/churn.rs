use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::try_join_all;
use hst_load::Crowd;
use serde::Serialize;
use tokio::{task::JoinSet, time::sleep};

use super::{
    BenchError,
    case::{Case, Shape},
    machine,
    process::Process,
    report,
    stage::Member,
    target::{Target, TargetOptions},
};
use crate::error::CliError;

/// Clients that get nothing by then get nothing.
const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(5);
/// Of the rounds, the first ones do not count: the server makes room for as many as there are, once.
const FIRST: usize = 10;
const GROUP: &str = "churn";

#[derive(Args)]
pub(crate) struct Options {
    /// How often somebody comes, receives and leaves.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    cycles: usize,
    /// How many of them come at a time.
    #[arg(long, value_name = "N", default_value_t = 50)]
    at_once: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    /// How often somebody came, was connected for media, got a packet and left.
    cycles: usize,
    cycles_per_second: f64,
    /// The server's memory after the second half of the rounds, of that after the first half; nobody is there then.
    growth: Option<f64>,
    idle_bytes_first_half: Option<u64>,
    idle_bytes_second_half: Option<u64>,
    /// While all of a round are there: of one with his session, and of what the server keeps ready for the next.
    bytes_per_receiver: Option<u64>,
}

/// Receivers of one camera who come and go, and the memory that the server has when they are gone.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let shape = Case::OneToTen.shape();
    let at_once = options.at_once.max(1);
    machine::check_open_files(3 * at_once)?;
    let process = Process::media_server(None).await?;
    let target = Target::reach(&TargetOptions::dev(process.address())).await?;
    let filled = || process.pid().and_then(machine::filled_bytes);

    let mut publisher = Member::enter(&target, GROUP, 0, Some(shape.kind)).await?;
    let camera = publisher.connect(shape.kind, true, []).await?;
    let user = publisher.user().clone();
    let mut staying = JoinSet::new();
    staying.spawn(publisher.stay());
    let camera = Crowd::start("churn-camera", vec![camera], shape.pace).map_err(BenchError::Load)?;
    camera.send();

    let (begun, empty) = (Instant::now(), filled());
    let rounds = options.cycles.div_ceil(at_once).max(2 * FIRST);
    let (mut idle, mut crowded) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let members = (0..at_once).map(|at| {
            let (target, user, first) = (&target, &user, 1 + round * at_once);
            async move {
                let mut member = Member::enter(target, GROUP, first + at, None).await?;
                let client = member.connect(shape.kind, false, [user]).await?;
                Ok::<_, CliError>((member, client))
            }
        });
        let (members, clients): (Vec<_>, Vec<_>) = try_join_all(members).await?.into_iter().unzip();
        let hall = Crowd::start("churn-hall", clients, shape.pace).map_err(BenchError::Load)?;
        receive(&hall, &shape).await?;
        crowded.extend(filled());
        hall.end().map_err(BenchError::Load)?;
        try_join_all(members.into_iter().map(Member::exit)).await?;
        idle.extend(filled());
    }
    let elapsed = begun.elapsed();
    drop(camera);

    let [first, second] = halves(idle.get(FIRST..).unwrap_or_default());
    let [_, most] = halves(crowded.get(FIRST..).unwrap_or_default());
    let figures = Figures {
        cycles: rounds * at_once,
        cycles_per_second: report::rounded((rounds * at_once) as f64 / elapsed.as_secs_f64()),
        growth: first
            .zip(second)
            .map(|(first, second)| report::rounded(second as f64 / first as f64)),
        idle_bytes_first_half: first,
        idle_bytes_second_half: second,
        bytes_per_receiver: empty
            .zip(most)
            .map(|(empty, most)| most.saturating_sub(empty) / at_once as u64),
    };
    Ok(report::print(&figures, options.json)?)
}

/// Waits until all have something of the camera.
async fn receive(hall: &Crowd, shape: &Shape) -> Result<(), CliError> {
    let begun = Instant::now();
    let enough = (hall.len() * shape.pace.burst) as u64;
    let is_done = |hall: &Crowd| hall.connected() == hall.len() && hall.received() >= enough;
    hall.count();
    while !is_done(hall) {
        if begun.elapsed() > PATIENCE {
            return Err(BenchError::Unconnected(hall.len() - hall.connected()).into());
        }
        sleep(GLANCE).await;
    }
    Ok(())
}

/// The middle value of each half; `None` of nothing.
fn halves(values: &[u64]) -> [Option<u64>; 2] {
    let (first, second) = values.split_at(values.len() / 2);
    [first, second].map(|half| {
        let mut half = half.to_vec();
        half.sort_unstable();
        half.get(half.len() / 2).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_half_has_its_own_middle() {
        assert_eq!(halves(&[9, 1, 2, 30, 10, 20]), [Some(2), Some(20)]);
        assert_eq!(halves(&[]), [None, None]);
    }
}
