use std::{collections::BTreeMap, path::Path, time::Duration};

use clap::Args;
use hst_rtc::{Client, Event, Events, GroupEvent, Payload};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    BenchError, crowd,
    engine::{GROUP, enter},
    machine,
    process::Process,
    report,
    target::{Target, TargetOptions},
};
use crate::error::CliError;

/// Ports from which no system that is left as it came makes connections. Where one is made from the very port of a server
/// that is gone, whoever looks for that server finds himself, and the server finds its port taken.
const PORTS: [u16; 2] = [20_000, 32_000];
/// How many ports are tried; each server takes a few in a row.
const TRIES: u16 = 20;
const STRIDE: u16 = 16;
/// Who is not back by then is lost.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(crate) struct Options {
    /// How many engines, in groups of ten.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    clients: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All times begin when the server is dead.
#[derive(Serialize)]
struct Figures {
    clients: usize,
    /// Until the server says that it listens.
    ready_ms: f64,
    /// Until an engine is logged in, is in its group, and has told its application what it may have missed.
    back_p50_ms: f64,
    back_p99_ms: f64,
    all_back_ms: f64,
    /// Who did not come back, or does not hear all others of his group who did.
    lost: usize,
}

struct Member {
    group: usize,
    engine: Client,
    events: Events,
}

/// Kills a server under its engines, starts it again, and sees who comes back.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let clients = options.clients.max(1);
    machine::check_open_files(clients)?;
    let folder = tempfile::tempdir().map_err(BenchError::Folder)?;
    let server = first_start(folder.path()).await?;
    let address = server.address().to_owned();
    let target = Target::reach(&TargetOptions::dev(&address)).await?;
    let enter = async |index| {
        let engine = enter(&target, target.signal(), index).await?;
        let (group, events) = (index / GROUP, engine.events());
        Ok(Member { group, engine, events })
    };
    let mut returning = JoinSet::new();
    crowd::gather(clients, enter, |member| {
        returning.spawn(member.come_back());
    })
    .await?;

    server.kill().await?;
    let dead = Instant::now();
    let _server = Process::server(&address, Some(folder.path())).await?;
    let ready = dead.elapsed();
    let back: Vec<_> = returning.join_all().await.into_iter().flatten().collect();
    let mut times: Vec<_> = back.iter().map(|(_, when)| *when - dead).collect();
    let whole = count_whole(back.into_iter().map(|(member, _)| member).collect()).await;

    let lost = clients - whole;
    let figures = Figures {
        clients,
        ready_ms: report::millis(ready),
        back_p50_ms: report::millis(report::percentile(&mut times, 50)),
        back_p99_ms: report::millis(report::percentile(&mut times, 99)),
        all_back_ms: report::millis(report::percentile(&mut times, 100)),
        lost,
    };
    report::print(&figures, options.json)?;
    match lost {
        0 => Ok(()),
        lost => Err(BenchError::Away(lost).into()),
    }
}

/// Starts the server at ports that nobody has, and that nobody else gets while it is dead.
async fn first_start(data_dir: &Path) -> Result<Process, BenchError> {
    let [first, end] = PORTS;
    let places = u32::from((end - first) / STRIDE);
    let mut failure = None;
    for attempt in 0..TRIES {
        // Runs that are made at one moment begin at other places.
        let place = (std::process::id() + u32::from(attempt)) % places;
        let port = first + u16::try_from(place).expect("fewer places than ports") * STRIDE;
        match Process::server(&format!("127.0.0.1:{port}"), Some(data_dir)).await {
            Err(error @ BenchError::NotReady { .. }) => failure = Some(error),
            started => return started,
        }
    }
    Err(failure.expect("it was tried at least once"))
}

impl Member {
    /// Waits until he is back and has been told so, and says when that was.
    async fn come_back(mut self) -> Option<(Self, Instant)> {
        let told = async {
            loop {
                match self.events.recv().await {
                    Some(Event::Discontinuity) => return Some(Instant::now()),
                    Some(Event::Ended(_)) | None => return None,
                    Some(_) => {}
                }
            }
        };
        let when = timeout(PATIENCE, told).await.ok()??;
        Some((self, when))
    }

    /// Speaks to his group, and hears so many others.
    async fn hears(mut self, mut others: usize) -> bool {
        let heard = async {
            if self.engine.send_group_message(Payload::text("here")).await.is_err() {
                return false;
            }
            while others > 0 {
                match self.events.recv().await {
                    Some(Event::Group(GroupEvent::Message(_))) => others -= 1,
                    Some(_) => {}
                    None => return false,
                }
            }
            true
        };
        timeout(PATIENCE, heard).await.unwrap_or(false)
    }
}

/// How many hear all others of their group who are back.
async fn count_whole(back: Vec<Member>) -> usize {
    let mut sizes = BTreeMap::<_, usize>::new();
    for member in &back {
        *sizes.entry(member.group).or_default() += 1;
    }
    let all = back.into_iter().map(|member| {
        let others = sizes[&member.group] - 1;
        member.hears(others)
    });
    let heard = all.collect::<JoinSet<_>>().join_all().await;
    heard.into_iter().filter(|heard| *heard).count()
}
