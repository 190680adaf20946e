use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use clap::Args;
use hst_load::{Client, Crowd, Tally};
use hst_proto::{Command, Line, Offer, Reply, Role};
use hst_rtc::{MediaId, MediaRef, MediaType, UserId};
use serde::Serialize;
use tokio::{task::JoinSet, time::sleep};

use super::{
    BenchError,
    case::{Case, Shape},
    crowd, limit, machine,
    process::Process,
    report,
    target::{Target, TargetOptions, user},
    wire::Wire,
};
use crate::error::CliError;

/// Clients that are not connected by then do not connect.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between the start of media and the first packet that counts: keyframes are asked for, and first reports come.
const WARM_UP: Duration = Duration::from_secs(3);
/// What was sent last arrives within this, repairs included.
const REST: Duration = Duration::from_millis(500);
/// Clients whose thread has the processor for more than this share of the time are too slow for the server.
const BUSY: f64 = 0.9;

#[derive(Args)]
pub(crate) struct Options {
    /// Who sends what to how many.
    #[arg(long, value_enum, default_value_t)]
    case: Case,
    /// For how long it is measured.
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Per packet is per packet that went to a receiver; a core's second is a second of the server's CPU time, whatever it was
/// spent on.
#[derive(Serialize)]
struct Figures {
    case: Case,
    /// How fast the server is, of how fast this machine could encrypt and send the same packets at all.
    ratio_to_limit: Option<f64>,
    packets_per_second_per_core: Option<f64>,
    gbit_per_second_per_core: Option<f64>,
    limit_packets_per_second_per_core: Option<f64>,
    server_us_per_packet: Option<f64>,
    server_user_us_per_packet: Option<f64>,
    server_system_us_per_packet: Option<f64>,
    /// From the publisher's socket to a receiver's hands, decrypted.
    delay_us_p50: f64,
    delay_us_p99: f64,
    delay_us_p999: f64,
    bytes_per_receiver: Option<u64>,
    receivers: usize,
    packets: u64,
    packets_per_second: f64,
    lost_in_server: u64,
    lost_behind_server: u64,
    damaged: u64,
    /// The clients could not keep up: the figures say too little of the server.
    generator_limited: bool,
}

/// The real server in a process of its own, and clients that check every packet.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let shape = options.case.shape();
    machine::check_open_files(3 * shape.members())?;
    let process = Process::media_server().await?;
    let target = Target::reach(&TargetOptions::dev(process.address())).await?;
    let resident = || process.pid().and_then(machine::resident_bytes);

    let mut wires = Vec::new();
    for group in 0..shape.groups {
        wires.push(enter(&target, group, &shape).await?);
    }
    let before = resident();
    let mut stage = Stage::default();
    let mut staying = JoinSet::new();
    for members in wires {
        stage.seat(members, &shape, &mut staying).await?;
    }
    let measured = measure(stage, &shape, &process, Duration::from_secs(options.seconds.max(1))).await?;
    let after = resident();
    // The machine is the limit's alone.
    drop((staying, process));
    let limit = limit::measure(&shape)?;

    let Measured {
        mut tally,
        cpu,
        elapsed,
    } = measured;
    let packets = tally.received + tally.lost_behind_server;
    let per_second = |time: Duration| (!time.is_zero()).then(|| (packets as f64 / time.as_secs_f64()).round());
    let per_packet = |time: Duration| report::rounded(time.as_secs_f64() * 1e6 / packets.max(1) as f64);
    let speed = cpu.and_then(|[user, system]| per_second(user + system));
    let payload = tally.bytes as f64 / tally.received.max(1) as f64;
    let busiest = tally.busy.as_secs_f64() / elapsed.as_secs_f64();
    let mut delay = |permille| report::rounded(report::permille(&mut tally.delays, permille).as_secs_f64() * 1e6);
    let figures = Figures {
        case: options.case,
        ratio_to_limit: speed.map(|speed| report::rounded(speed / limit)),
        packets_per_second_per_core: speed,
        gbit_per_second_per_core: speed.map(|speed| report::rounded(speed * payload * 8.0 / 1e9)),
        limit_packets_per_second_per_core: Some(limit.round()),
        server_us_per_packet: cpu.map(|[user, system]| per_packet(user + system)),
        server_user_us_per_packet: cpu.map(|[user, _]| per_packet(user)),
        server_system_us_per_packet: cpu.map(|[_, system]| per_packet(system)),
        delay_us_p50: delay(500),
        delay_us_p99: delay(990),
        delay_us_p999: delay(999),
        bytes_per_receiver: before
            .zip(after)
            .map(|(before, after)| after.saturating_sub(before) / shape.receivers() as u64),
        receivers: shape.receivers(),
        packets,
        packets_per_second: report::rounded(packets as f64 / elapsed.as_secs_f64()),
        lost_in_server: tally.lost_in_server,
        lost_behind_server: tally.lost_behind_server,
        damaged: tally.damaged,
        generator_limited: busiest > BUSY || tally.lost_behind_server > 0,
    };
    Ok(report::print(&figures, options.json)?)
}

/// The members of one group, those who publish first.
async fn enter(target: &Target, group: usize, shape: &Shape) -> Result<Vec<(UserId, Wire)>, CliError> {
    let name = format!("bench-{}-{group}", std::process::id());
    let first = group * shape.group_size();
    let mut members = Vec::new();
    let enter = async |index: usize| {
        let user = user(first + index);
        let mut wire = Wire::login(target, &user).await?;
        wire.ask(Command::Join { group: name.clone() }).await?;
        if index < shape.publishers {
            let (media_type, media) = own(shape);
            let name = String::new();
            wire.ask(Command::Publish {
                media_type,
                media,
                name,
            })
            .await?;
        }
        Ok((index, user, wire))
    };
    crowd::gather(shape.group_size(), &enter, |member| members.push(member)).await?;
    members.sort_by_key(|(index, ..)| *index);
    Ok(members.into_iter().map(|(_, user, wire)| (user, wire)).collect())
}

/// What every publisher publishes.
fn own(shape: &Shape) -> (MediaType, MediaId) {
    let media_type = match shape.kind {
        hst_load::Kind::Sound => MediaType::Audio,
        hst_load::Kind::Picture => MediaType::Video,
    };
    (media_type, MediaId::parse("bench").expect("a plain name"))
}

/// The media clients, in two threads: those who publish, with one whose delays are looked at; and those who only receive.
#[derive(Default)]
struct Stage {
    front: Vec<Client>,
    hall: Vec<Client>,
}

impl Stage {
    /// Connects the members of a group.
    async fn seat(
        &mut self,
        mut members: Vec<(UserId, Wire)>,
        shape: &Shape,
        staying: &mut JoinSet<()>,
    ) -> Result<(), CliError> {
        let (media_type, media) = own(shape);
        let publishers: Vec<_> = members[..shape.publishers]
            .iter()
            .map(|(user, _)| user.clone())
            .collect();
        for (index, (user, mut wire)) in members.drain(..).enumerate() {
            let publishes = index < shape.publishers;
            let listens = !publishes || shape.is_mutual;
            let heard: Vec<_> = publishers.iter().filter(|it| listens && **it != user).collect();
            let sends: &[_] = if publishes { &[shape.kind] } else { &[] };
            let receives = vec![shape.kind; heard.len()];
            let (mut client, offer) =
                Client::new(Ipv4Addr::LOCALHOST.into(), sends, &receives).map_err(BenchError::Load)?;
            let mut lines: Vec<_> = offer
                .sends
                .into_iter()
                .map(|mid| Line {
                    mid,
                    role: Role::Send {
                        media_type,
                        media: media.clone(),
                    },
                })
                .collect();
            for (mid, publisher) in offer.receives.into_iter().zip(heard) {
                let media = MediaRef {
                    user: publisher.clone(),
                    media_type,
                    media: media.clone(),
                };
                wire.ask(Command::Receive(media.clone())).await?;
                lines.push(Line {
                    mid,
                    role: Role::Receive(media),
                });
            }
            let (generation, sdp) = (1, offer.sdp);
            let reply = wire.ask(Command::Offer(Offer { generation, sdp, lines })).await?;
            let Reply::Answer { sdp } = reply else {
                return Err(BenchError::NotProtocol.into());
            };
            client.answer(&sdp).map_err(BenchError::Load)?;
            staying.spawn(async move {
                let error = wire.stay(|_| {}).await;
                tracing::error!(%error, "a member is gone");
            });
            let is_first = self.front.len() == usize::from(!shape.is_mutual) * shape.publishers;
            if listens && is_first {
                client.watch();
            }
            match publishes || is_first {
                true => self.front.push(client),
                false => self.hall.push(client),
            }
        }
        Ok(())
    }
}

struct Measured {
    tally: Tally,
    /// The server's: of its own, and of the system for it.
    cpu: Option<[Duration; 2]>,
    elapsed: Duration,
}

async fn measure(stage: Stage, shape: &Shape, process: &Process, length: Duration) -> Result<Measured, CliError> {
    let epoch = Instant::now();
    let crowds = [("bench-front", stage.front), ("bench-hall", stage.hall)]
        .map(|(name, clients)| Crowd::start(name, clients, shape.pace, epoch));
    let [front, hall] = crowds;
    let crowds = [front.map_err(BenchError::Load)?, hall.map_err(BenchError::Load)?];
    let connected = || crowds.iter().all(|crowd| crowd.connected() == crowd.len());
    while !connected() {
        if epoch.elapsed() > PATIENCE {
            let missing = crowds.iter().map(|crowd| crowd.len() - crowd.connected()).sum();
            return Err(BenchError::Away(missing).into());
        }
        sleep(REST).await;
    }
    let all = |tell: fn(&Crowd)| crowds.iter().for_each(tell);
    all(Crowd::send);
    sleep(WARM_UP).await;
    let cpu = || process.pid().and_then(machine::cpu_times);
    let (cpu_before, begun) = (cpu(), Instant::now());
    all(Crowd::count);
    sleep(length).await;
    let (cpu_after, elapsed) = (cpu(), begun.elapsed());
    all(Crowd::listen);
    sleep(REST).await;
    let [front, hall] = crowds;
    let [mut tally, other] = [
        front.end().map_err(BenchError::Load)?,
        hall.end().map_err(BenchError::Load)?,
    ];
    tally.join(other);
    let spent = |(before, after): ([Duration; 2], [Duration; 2])| [0, 1].map(|of| after[of].saturating_sub(before[of]));
    Ok(Measured {
        tally,
        cpu: cpu_before.zip(cpu_after).map(spent),
        elapsed,
    })
}
