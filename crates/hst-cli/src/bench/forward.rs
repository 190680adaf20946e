use std::{
    num::NonZero,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use clap::Args;
use hst_load::{Processors, Tally};
use serde::Serialize;
use tokio::task::JoinSet;

use super::{
    BenchError,
    beside::Beside,
    case::{Case, Shape},
    limit, machine,
    measure::{Measured, measure},
    process::Process,
    report,
    stage::Stage,
    target::{Target, TargetOptions},
    turns::Turn,
};
use crate::error::CliError;

/// Clients whose thread has the processor for more than this share of the time are too slow for the server; and where they and
/// the server together have all processors for more than this, they are in each other's way.
const BUSY: f64 = 0.9;
/// With less than this of the load that was asked for, or of what publishers are to send, it was not reached.
const NEAR: f64 = 0.9;
/// Where it is not measured in turns with a server, the limit is measured for so long.
const LIMIT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Options {
    /// Who sends what to how many.
    #[arg(long, value_enum, default_value_t)]
    case: Case,
    /// For how long it is measured.
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// Have so much sent that this share of what the server can carry is reached: of a core for each media thread that has
    /// something to do. It has one half of the processors then, with a media thread on each, and the clients have the other.
    #[arg(long, value_name = "SHARE")]
    load: Option<f64>,
    /// Have so many groups of the case beside each other [default: one, or 50 of 50x4; with --load as many as it takes]
    #[arg(long, value_name = "N")]
    groups: Option<NonZero<usize>>,
    /// Measure another program with the same clients, too: it answers offers, one a line, as {"offer":"…"} and {"answer":"…"}.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "load")]
    beside: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Per packet is per packet that went to a receiver; a core's second is a second of the server's CPU time, whatever it was
/// spent on.
#[derive(Serialize)]
struct Figures {
    case: Case,
    /// How fast the server is, of how fast this machine could encrypt and send the same packets at all: the median of all turns.
    ratio_to_limit: Option<f64>,
    packets_per_second_per_core: Option<f64>,
    gbit_per_second_per_core: Option<f64>,
    /// The median, too.
    limit_packets_per_second_per_core: Option<f64>,
    server_us_per_packet: Option<f64>,
    server_user_us_per_packet: Option<f64>,
    server_system_us_per_packet: Option<f64>,
    /// Of what the server can carry, how much it did, and was to do: of a core for each media thread with something to do.
    server_load: Option<f64>,
    asked_load: Option<f64>,
    /// What the other program took, and how many times as much that is.
    beside_us_per_packet: Option<f64>,
    beside_ratio: Option<f64>,
    /// What it did not pass on, and what came to nobody; and how much came of what should.
    beside_lost: Option<u64>,
    beside_delivered: Option<f64>,
    /// Of all receivers, from the publisher's socket to theirs.
    delay_us_p50: f64,
    delay_us_p99: f64,
    delay_us_p999: f64,
    /// Of one who is in a group without media, and of a receiver with everything: his session, and his part of what there is once
    /// for all.
    bytes_per_member: Option<u64>,
    bytes_per_receiver: Option<u64>,
    groups: usize,
    receivers: usize,
    /// Bursts of a publisher.
    bursts_per_second: f64,
    packets: u64,
    packets_per_second: f64,
    /// Of what was published, for each who should have it: how much he got.
    delivered: f64,
    /// What the server never numbered, though it went on; what came to its sockets and found no room there; and what it numbered
    /// and nobody got.
    lost_in_server: u64,
    server_overflowed: Option<u64>,
    lost_behind_server: u64,
    /// What found no room in the clients' sockets, which is no loss of the server's.
    generator_overflowed: Option<u64>,
    damaged: u64,
    /// What a packet took of the clients, and for how much of the time the busiest of their threads had a processor.
    generator_us_per_packet: Option<f64>,
    generator_busy: f64,
    /// The clients could not keep up, sent too little, or did not reach the load: the figures say too little of the server.
    generator_limited: bool,
}

/// The real server in a process of its own, and clients that check every packet.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let mut shape = options.case.shape();
    let for_load = || options.load.map(|load| options.case.groups_for(load));
    shape.groups = options
        .groups
        .map(NonZero::get)
        .or_else(for_load)
        .unwrap_or(shape.groups);
    let length = Duration::from_secs(options.seconds.max(1));
    machine::check_open_files(3 * shape.members())?;
    let processors = thread::available_parallelism()?.get();
    let workers = options.load.map(|_| processors.div_ceil(2));
    let all = Processors::allowed().filter(|_| options.load.is_some());
    let halves = all.as_ref().and_then(Processors::halves);
    let [theirs, ours] = [0, 1].map(|half| halves.as_ref().map(|halves| &halves[half]));
    keep_to(theirs)?;
    let process = Process::media_server(workers).await?;
    keep_to(ours)?;
    // A group is on one thread.
    let cores = shape.groups.min(process.media().len().max(1)) as f64;
    let target = Target::reach(&TargetOptions::dev(process.address())).await?;
    let filled = || process.pid().and_then(machine::filled_bytes);

    let empty = filled();
    let mut groups = Vec::new();
    for group in 0..shape.groups {
        groups.push(Stage::enter(&target, group, &shape).await?);
    }
    let before = filled();
    let mut stage = Stage::default();
    let mut staying = JoinSet::new();
    for members in groups {
        stage.seat(members, &shape, &mut staying).await?;
    }
    let load = options.load.map(|share| share * cores);
    let measured = measure(stage, &shape, &process.served(), load, length).await?;
    let after = filled();
    // The machine is the others' alone.
    drop((staying, process));
    let other = match &options.beside {
        Some(program) => Some(beside(program, &shape, length).await?),
        None => None,
    };
    keep_to(all.as_ref())?;
    shape.pace.every = measured.every;
    let turns = &measured.turns;
    let limit = match report::median(turns.iter().map(Turn::limit).collect()) {
        Some(cost) => cost.recip(),
        None => limit::speed(&shape, LIMIT)?,
    };
    let ratio = report::median(turns.iter().filter_map(Turn::ratio).collect());

    let cost = cost_of(&measured);
    let other_cost = other.as_ref().and_then(cost_of).map(|cost| cost.iter().sum::<f64>());
    let packets = measured.packets();
    let cpu = measured.cpu.unwrap_or_default().iter().sum::<Duration>();
    let Measured { tally, elapsed, .. } = measured;
    let speed = cost.map(|[user, system]| 1e6 / (user + system));
    let payload = tally.bytes as f64 / tally.received.max(1) as f64;
    let busiest = tally.busy.as_secs_f64() / elapsed.as_secs_f64();
    let per_second = packets as f64 / elapsed.as_secs_f64();
    let all_busy = (cpu + tally.spent).as_secs_f64() / elapsed.as_secs_f64() / processors as f64;
    let server_load = speed.map(|speed| per_second / speed / cores);
    let is_reached = options
        .load
        .is_none_or(|asked| server_load.is_some_and(|load| load >= NEAR * asked));
    let is_behind = (tally.sent as f64) < NEAR * shape.published(elapsed);
    let is_overflowed = tally.overflowed.is_some_and(|count| count > 0);
    let delay = |share| report::rounded(tally.delays.permille(share).as_secs_f64() * 1e6);
    let figures = Figures {
        case: options.case,
        ratio_to_limit: ratio.or(speed.map(|speed| speed / limit)).map(report::rounded),
        packets_per_second_per_core: speed.map(f64::round),
        gbit_per_second_per_core: speed.map(|speed| report::rounded(speed * payload * 8.0 / 1e9)),
        limit_packets_per_second_per_core: Some(limit.round()),
        server_us_per_packet: cost.map(|[user, system]| report::rounded(user + system)),
        server_user_us_per_packet: cost.map(|[user, _]| report::rounded(user)),
        server_system_us_per_packet: cost.map(|[_, system]| report::rounded(system)),
        server_load: server_load.map(report::rounded),
        asked_load: options.load,
        beside_us_per_packet: other_cost.map(report::rounded),
        beside_ratio: other_cost
            .zip(speed)
            .map(|(other, speed)| report::rounded(other * speed / 1e6)),
        beside_lost: other
            .as_ref()
            .map(|it| it.tally.lost_in_server + it.tally.lost_behind_server),
        beside_delivered: other.map(|it| delivered(&it.tally, &shape)),
        delay_us_p50: delay(500),
        delay_us_p99: delay(990),
        delay_us_p999: delay(999),
        bytes_per_member: each(empty, before, shape.members()),
        bytes_per_receiver: each(empty, after, shape.receivers()),
        groups: shape.groups,
        receivers: shape.receivers(),
        bursts_per_second: report::rounded(shape.pace.every.as_secs_f64().recip()),
        packets,
        packets_per_second: report::rounded(per_second),
        delivered: delivered(&tally, &shape),
        lost_in_server: tally.lost_in_server,
        server_overflowed: measured.overflowed,
        lost_behind_server: tally.lost_behind_server,
        generator_overflowed: tally.overflowed,
        damaged: tally.damaged,
        generator_us_per_packet: (packets > 0)
            .then(|| report::rounded(tally.spent.as_secs_f64() * 1e6 / packets as f64)),
        generator_busy: report::rounded(busiest),
        generator_limited: busiest > BUSY || all_busy > BUSY || is_overflowed || is_behind || !is_reached,
    };
    Ok(report::print(&figures, options.json)?)
}

/// Has what is started from now on run there.
fn keep_to(processors: Option<&Processors>) -> Result<(), CliError> {
    processors.map_or(Ok(()), |processors| Ok(processors.keep()?))
}

/// What each of so many has added.
fn each(before: Option<u64>, after: Option<u64>, count: usize) -> Option<u64> {
    Some(after?.saturating_sub(before?) / count as u64)
}

/// Of what was published, for each who should have it: how much came.
fn delivered(tally: &Tally, shape: &Shape) -> f64 {
    report::rounded(tally.received as f64 / (tally.sent as f64 * shape.copies()).max(1.0))
}

/// Another program with the same clients.
async fn beside(program: &Path, shape: &Shape, length: Duration) -> Result<Measured, CliError> {
    if !shape.is_broadcast() {
        return Err(BenchError::NoBroadcast.into());
    }
    let mut program = Beside::start(program)?;
    let stage = Stage::beside(&mut program, shape).await?;
    measure(stage, shape, &program.served(), None, length).await
}

/// What a packet takes of the server itself and of the system, in microseconds, in the middle one of all turns; `None` where nobody
/// says it, or of none.
fn cost_of(measured: &Measured) -> Option<[f64; 2]> {
    let packets = measured.packets();
    let cpu = measured.cpu.filter(|_| packets > 0)?.map(|time| time.as_secs_f64());
    let all: f64 = cpu.iter().sum();
    let turns = measured.turns.iter().filter_map(|turn| turn.server);
    let cost = report::median(turns.collect()).unwrap_or(all / packets as f64);
    Some(cpu.map(|part| part / all * cost * 1e6))
}
