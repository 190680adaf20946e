use std::{
    mem,
    time::{Duration, Instant},
};

use hst_load::{Crowd, Tally};
use tokio::time::sleep;

use super::{
    BenchError,
    case::Shape,
    machine,
    stage::Stage,
    turns::{self, Stretch, Turn},
};
use crate::error::CliError;

/// Clients that are not connected by then do not connect.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between the start of media and the first packet that counts: keyframes are asked for, and first reports come.
const WARM_UP: Duration = Duration::from_secs(3);
/// For so long it is looked at how busy a server is, before it gets more or less to do; and how often at most.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: usize = 12;
/// It is near enough to what it should be.
const NEAR: f64 = 0.05;
/// At a look, what is sent is multiplied or divided by this at most: whom a sudden flood hits, he is taken to have a narrow network.
const MOST: f64 = 2.0;
/// What was sent last arrives within this, repairs included.
const REST: Duration = Duration::from_millis(500);

/// What clients and their server did.
pub(super) struct Measured {
    pub(super) tally: Tally,
    /// The server's processor time: its own, and the system's for it.
    pub(super) cpu: Option<[Duration; 2]>,
    /// Datagrams for which there was no room in its sockets, where those are known.
    pub(super) overflowed: Option<u64>,
    /// For how long was sent.
    pub(super) elapsed: Duration,
    /// Between one burst and the next.
    pub(super) every: Duration,
    /// In turns with the limit; none where it was measured at one go.
    pub(super) turns: Vec<Turn>,
}

impl Measured {
    /// Packets that went to a receiver.
    pub(super) fn packets(&self) -> u64 {
        self.tally.received + self.tally.lost_behind_server
    }
}

/// Who is measured.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Its process.
    pub(super) pid: Option<u32>,
    /// The ports of its media, as far as they are known.
    pub(super) ports: Vec<u16>,
}

impl Served {
    /// Its processor time: its own, and the system's for it.
    pub(super) fn cpu(&self) -> Option<[Duration; 2]> {
        self.pid.and_then(machine::cpu_times)
    }

    fn overflowed(&self) -> Option<u64> {
        let ports = Some(&self.ports).filter(|ports| !ports.is_empty())?;
        hst_load::overflowed(ports.iter().copied())
    }
}

/// Has the clients send and receive for a while, in turns with the limit. Where the loudest are chosen they send at one go, since who
/// rests is not among them; and so they do with `load`, as much as keeps that many cores of the server busy.
pub(super) async fn measure(
    stage: Stage,
    shape: &Shape,
    server: &Served,
    load: Option<f64>,
    length: Duration,
) -> Result<Measured, CliError> {
    let begun = Instant::now();
    let [front, hall] = [("bench-front", stage.front), ("bench-hall", stage.hall)]
        .map(|(name, clients)| Crowd::start(name, clients, shape.pace));
    let crowds = [front.map_err(BenchError::Load)?, hall.map_err(BenchError::Load)?];
    let connected = || crowds.iter().all(|crowd| crowd.connected() == crowd.len());
    while !connected() {
        if begun.elapsed() > PATIENCE {
            let missing = crowds.iter().map(|crowd| crowd.len() - crowd.connected()).sum();
            return Err(BenchError::Unconnected(missing).into());
        }
        sleep(REST).await;
    }
    let all = |tell: fn(&Crowd)| crowds.iter().for_each(tell);
    let cpu = || server.cpu();
    all(Crowd::send);
    sleep(WARM_UP).await;
    let every = match load {
        Some(load) => keep_busy(&crowds, shape, load, cpu).await?,
        None => shape.pace.every,
    };
    if load.is_some() {
        // What was too much on the way there is forgotten.
        sleep(WARM_UP).await;
    }

    let overflowed = server.overflowed();
    let (whole, turns) = match load.is_some() || shape.is_chosen() {
        true => (Stretch::measure(&crowds, server, length).await, Vec::new()),
        false => turns::take(&crowds, server, shape, length).await?,
    };
    sleep(REST).await;
    let [front, hall] = crowds.map(Crowd::end);
    let mut tally = front.map_err(BenchError::Load)?;
    tally.join(hall.map_err(BenchError::Load)?);
    Ok(Measured {
        tally,
        cpu: whole.cpu,
        overflowed: server
            .overflowed()
            .zip(overflowed)
            .map(|(now, then)| now.saturating_sub(then)),
        elapsed: whole.elapsed,
        every,
        turns,
    })
}

/// Has the clients send as much as keeps so many cores of the server busy, or as much as they can; says at which interval.
async fn keep_busy(
    crowds: &[Crowd],
    shape: &Shape,
    load: f64,
    cpu: impl Fn() -> Option<[Duration; 2]>,
) -> Result<Duration, BenchError> {
    let (mut every, shortest) = (shape.pace.every, shape.shortest());
    let (mut before, mut was_busy) = (every, 0.0);
    let mut is_stuck = false;
    for _ in 0..LOOKS {
        let (start, begun) = (cpu(), Instant::now());
        sleep(LOOK).await;
        let spent = spent(start, cpu()).ok_or(BenchError::NoTimes)?;
        let busy = spent.iter().sum::<Duration>().as_secs_f64() / begun.elapsed().as_secs_f64();
        if (busy / load - 1.0).abs() < NEAR {
            break;
        }
        // Shorter intervals that make nobody busier only show that the clients can do no more, or may not; one may be chance.
        let was_stuck = mem::replace(&mut is_stuck, every < before && busy < was_busy * (1.0 + NEAR));
        let is_end = is_stuck && was_stuck;
        let next = if is_end {
            before
        } else {
            every.mul_f64((busy / load).clamp(1.0 / MOST, MOST)).max(shortest)
        };
        (before, was_busy) = (every, busy);
        every = next;
        crowds.iter().for_each(|crowd| crowd.send_every(every));
        if is_end || every == before {
            break;
        }
    }
    Ok(every)
}

/// All of it is exact; which part was the system's, the system itself counts in larger pieces than some of this.
pub(super) fn spent(before: Option<[Duration; 2]>, after: Option<[Duration; 2]>) -> Option<[Duration; 2]> {
    let (before, after) = before.zip(after)?;
    let [all_before, all_after] = [before, after].map(|times| times.iter().sum::<Duration>());
    let all = all_after.saturating_sub(all_before);
    let own = after[0].saturating_sub(before[0]).min(all);
    Some([own, all - own])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_all_of_it_however_it_is_divided() {
        let millis = |times: [u64; 2]| Some(times.map(Duration::from_millis));
        assert_eq!(spent(millis([10, 20]), millis([13, 22])), millis([3, 2]));
        assert_eq!(spent(millis([10, 20]), millis([8, 27])), millis([0, 5]));
        assert_eq!(spent(millis([10, 20]), millis([18, 17])), millis([5, 0]));
        assert_eq!(spent(None, millis([1, 1])), None);
    }
}
