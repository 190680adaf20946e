//! What a datagram of 1,100 bytes costs each end of a link, and how many arrive.
//!
//! `cargo run --release -p hst-link --example throughput -- [datagrams a second] [share lost] [milliseconds each way]`
//!
//! Each end has a thread of its own, whose time on a processor the system counts (Linux). With the last two arguments, the
//! link goes over a cable in a third thread.
#![allow(clippy::print_stdout, reason = "it is what it is for")]

use std::{
    error::Error,
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_cable::Cable;
use hst_link::{Authority, Config, Identity, Links, NodeName};

const SECONDS: u64 = 5;
const DATAGRAM: Bytes = Bytes::from_static(&[7; 1100]);
const SHARE: u64 = 1_000_000_000;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let rate: u64 = args.next().map_or(Ok(20_000), |text| text.parse())?;
    let loss: Option<f64> = args.next().map(|text| text.parse()).transpose()?;
    let millis: u64 = args.next().map_or(Ok(10), |text| text.parse())?;

    let authority = Authority::generate()?;
    let (from, to) = (identity(&authority, "n1")?, identity(&authority, "n2")?);
    let (tell, address) = sync_channel(1);
    let receiver = thread::spawn(move || receive(to, &tell));
    let mut address = address.recv()?;
    if let Some(loss) = loss {
        let cable = Cable::new(Duration::from_millis(millis)).with_loss(loss, 1);
        address = lay(cable, address)?;
    }
    let (sent, sending) = send(from, address, rate)?;
    let (arrived, receiving) = receiver.join().map_err(|_| "the receiver has panicked")??;

    let offered = rate * SECONDS;
    println!(
        "{rate} datagrams of 1,100 bytes a second, {} Mbit/s",
        rate * 8800 / 1_000_000
    );
    println!(
        "sent {:.2} %, arrived {:.2} %",
        percent(sent, offered),
        percent(arrived, offered)
    );
    println!(
        "processor: {:.2} µs to send one, {:.2} µs to receive one",
        sending / sent as f64,
        receiving / arrived as f64
    );
    Ok(())
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

fn identity(authority: &Authority, name: &str) -> Outcome<Identity> {
    let name = NodeName::parse(name)?;
    let papers = authority.issue(&name, Duration::from_secs(3600))?;
    let (certificate, key) = (papers.certificate.as_bytes(), papers.key.as_bytes());
    Ok(Identity::from_pem(
        name,
        certificate,
        key,
        authority.root()?.as_bytes(),
    )?)
}

fn config() -> Config {
    Config {
        epoch: 1,
        versions: 1..=1,
        share: SHARE,
    }
}

/// How many have left, and the microseconds that it took this thread.
#[tokio::main(flavor = "current_thread")]
async fn send(identity: Identity, address: SocketAddr, rate: u64) -> Outcome<(u64, f64)> {
    let (links, _arrivals) = Links::bind((Ipv4Addr::LOCALHOST, 0).into(), identity, config())?;
    let mut link = links.connect(&NodeName::parse("n2")?, address).await?;
    let (start, before) = (Instant::now(), processor()?);
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut offered = 0;
    while offered < rate * SECONDS {
        tick.tick().await;
        let due = (rate as f64 * start.elapsed().as_secs_f64()) as u64;
        while offered < due.min(rate * SECONDS) {
            link.datagram_sender.send(DATAGRAM)?;
            offered += 1;
        }
    }
    link.frame_sender.finish().await?;
    Ok((link.handle.figures().datagrams_sent, processor()? - before))
}

/// How many have arrived, and the microseconds that it took this thread.
#[tokio::main(flavor = "current_thread")]
async fn receive(identity: Identity, tell: &SyncSender<SocketAddr>) -> Outcome<(u64, f64)> {
    let (links, mut arrivals) = Links::bind((Ipv4Addr::LOCALHOST, 0).into(), identity, config())?;
    tell.send(links.local_addr()?)?;
    let mut link = arrivals.accept().await.ok_or("nobody came")?;
    let before = processor()?;
    let mut arrived = 0;
    loop {
        tokio::select! {
            biased;
            datagram = link.datagram_receiver.recv() => arrived += u64::from(datagram.is_ok()),
            end = link.frame_receiver.recv() => {
                end?;
                return Ok((arrived, processor()? - before));
            }
        }
    }
}

/// Lays a cable to a server in a thread of its own; returns its entrance.
fn lay(mut cable: Cable, server: SocketAddr) -> Outcome<SocketAddr> {
    let (tell, entrance) = sync_channel(1);
    thread::spawn(move || -> Outcome<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            tell.send(cable.carry_datagrams(server).await?)?;
            std::future::pending().await
        })
    });
    Ok(entrance.recv()?)
}

/// The microseconds that this thread has had a processor.
fn processor() -> Outcome<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos: f64 = text.split(' ').next().ok_or("no figures")?.parse()?;
    Ok(nanos / 1000.0)
}
