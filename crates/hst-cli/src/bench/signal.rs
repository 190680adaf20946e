use std::{ops::Range, time::Duration};

use clap::Args;
use hst_proto::HEARTBEAT;
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    BenchError,
    bare::Bare,
    crowd, machine, report,
    target::{Target, TargetOptions, user},
    wire::Wire,
};
use crate::error::CliError;

/// Until everybody has given a sign of life, and what logging in took is given back.
const SETTLE: Duration = HEARTBEAT.saturating_add(Duration::from_secs(2));

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: TargetOptions,
    /// How many users log in, and then do nothing.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    idle: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Figures of memory and CPU are `None` where the system does not tell.
#[derive(Serialize)]
struct Figures {
    idle: usize,
    logins_per_second: f64,
    login_p50_ms: f64,
    login_p99_ms: f64,
    bytes_per_idle_session: Option<f64>,
    bare_bytes_per_socket: Option<f64>,
    /// Of one core, with a ping of each every 5 s.
    idle_cpu_percent: Option<f64>,
}

/// Many log in and do nothing.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let idle = options.idle.max(1);
    machine::check_open_files(idle)?;
    let target = Target::reach(&options.target).await?;
    let mut users = Users::default();
    // What is made for the first one only is not counted.
    users.log_in(&target, 0..1).await?;
    let memory = Memory::before(target.pid());
    let start = Instant::now();
    let mut times = users.log_in(&target, 1..idle + 1).await?;
    let took = start.elapsed();
    sleep(SETTLE).await;
    let bytes_per_idle_session = memory.of_each(idle);
    let idle_cpu_percent = cpu_percent(target.pid()).await;
    users.check()?;
    drop((users, target));

    let figures = Figures {
        idle,
        logins_per_second: report::rounded(idle as f64 / took.as_secs_f64()),
        login_p50_ms: report::millis(report::percentile(&mut times, 50)),
        login_p99_ms: report::millis(report::percentile(&mut times, 99)),
        bytes_per_idle_session,
        bare_bytes_per_socket: bare(idle).await?,
        idle_cpu_percent,
    };
    Ok(report::print(&figures, options.json)?)
}

/// Who is logged in, and stays so as long as this does.
#[derive(Default)]
struct Users(JoinSet<BenchError>);

impl Users {
    /// Logs some in, and says how long it took each.
    async fn log_in(&mut self, target: &Target, which: Range<usize>) -> Result<Vec<Duration>, CliError> {
        let mut times = Vec::with_capacity(which.len());
        let enter = async |index| {
            let start = Instant::now();
            let wire = Wire::login(target, &user(which.start + index)).await?;
            Ok((wire, start.elapsed()))
        };
        crowd::gather(which.len(), enter, |(wire, time)| {
            times.push(time);
            self.0.spawn(wire.stay(|_| {}));
        })
        .await?;
        Ok(times)
    }

    /// Whether all are still there.
    fn check(&mut self) -> Result<(), CliError> {
        match self.0.try_join_next() {
            Some(Ok(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// The memory of a process before something came in.
struct Memory {
    pid: Option<u32>,
    before: Option<u64>,
}

impl Memory {
    fn before(pid: Option<u32>) -> Self {
        Self {
            pid,
            before: pid.and_then(machine::filled_bytes),
        }
    }

    /// What each of `count` has added.
    fn of_each(&self, count: usize) -> Option<f64> {
        let after = self.pid.and_then(machine::filled_bytes)?;
        Some((after.saturating_sub(self.before?) as f64 / count as f64).round())
    }
}

async fn cpu_percent(pid: Option<u32>) -> Option<f64> {
    let before = machine::cpu_time(pid?)?;
    sleep(HEARTBEAT).await;
    let spent = machine::cpu_time(pid?)?.saturating_sub(before);
    Some(report::rounded(100.0 * spent.as_secs_f64() / HEARTBEAT.as_secs_f64()))
}

/// The same memory at the bare server.
async fn bare(idle: usize) -> Result<Option<f64>, CliError> {
    let bare = Bare::start().await?;
    let _first = bare.connect().await?;
    let memory = Memory::before(bare.pid());
    let mut sockets = Vec::with_capacity(idle);
    crowd::gather(idle, async |_| Ok(bare.connect().await?), |socket| sockets.push(socket)).await?;
    sleep(SETTLE).await;
    Ok(memory.of_each(idle))
}
