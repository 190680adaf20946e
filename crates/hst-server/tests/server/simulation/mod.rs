//! Whole nodes in a storm: three to five of them in one process, with clients that live as their seed says.
//!
//! What befalls nodes, networks and clients comes from the seed. The servers draw numbers of their own, and the runtime the order
//! of what is ready at one moment, so a seed that fails may have to be tried more than once.
//!
//! `HST_SIM_SEEDS` says how many seeds are tried (`cargo xtask sim`), and `HST_SIM_SEED` tries one alone.

mod citizen;
mod ending;
mod ledger;
mod process;
mod world;

use std::{panic, sync::atomic::Ordering, time::Duration};

use hst_cluster::simulated::{Dice, Weather, seed_alone, seeds};
use tokio::{
    runtime::Builder,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use self::{
    citizen::Citizen,
    ledger::{Counts, Ledger},
    world::World,
};

/// Seeds of an ordinary test.
const SEEDS: u64 = 200;
/// How long networks and nodes fail.
const STORM: Duration = Duration::from_secs(25);
/// Users, of whom every other one has two devices.
const USERS: usize = 6;

#[test]
fn whatever_befalls_nodes_nothing_that_was_acknowledged_is_lost_doubled_or_out_of_order() {
    if seed_alone().is_some() {
        log();
    }
    let (seeds, mut all) = (seeds(SEEDS), [0; 15]);
    let are_few = seeds.end - seeds.start <= 1;
    let mut failed = Vec::new();
    for seed in seeds {
        let run = panic::catch_unwind(|| run(seed));
        let Ok(run) = run else {
            println!("seed {seed} has failed: HST_SIM_SEED={seed} tries it alone");
            failed.push(seed);
            continue;
        };
        let (counts, fates) = run;
        println!("seed {seed}: {counts:?}, killed, hung and drained: {fates:?}");
        for (sum, count) in all.iter_mut().zip(counts.each().into_iter().chain(fates)) {
            *sum += count;
        }
    }
    assert!(failed.is_empty(), "seeds that have failed: {failed:?}");
    // Otherwise runs in which nothing happens would pass.
    assert!(are_few || !all.contains(&0), "{all:?}");
}

/// What happens in a seed that is tried alone is said as `RUST_LOG` wishes.
fn log() {
    let log = tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env());
    log.with_timer(VirtualTime(std::sync::OnceLock::new()))
        .with_ansi(false)
        .init();
}

/// In a time of its own, as with `start_paused = true`, and on one thread.
fn run(seed: u64) -> (Counts, [usize; 3]) {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(storm_and_calm(seed))
}

async fn storm_and_calm(seed: u64) -> (Counts, [usize; 3]) {
    let mut dice = Dice::new(seed);
    let world = World::new(&mut dice);
    world.cluster.set_weather(Weather::calm());
    let calm = Instant::now() + STORM;
    let mut nodes = world.begin(&mut dice, calm);
    let ledger = Ledger::new();
    let mut lives = JoinSet::new();
    for number in 0..USERS {
        for device in 0..1 + number % 2 {
            let dice = Dice::new(dice.throw());
            let user = format!("user-{number}");
            let mut citizen = Citizen::new(user, device, ledger.clone(), world.clone(), dice);
            lives.spawn(async move {
                citizen.live(calm).await;
                citizen.rest_until(ending::settled(calm)).await;
                citizen
            });
        }
    }
    tokio::select! {
        biased;
        ended = nodes.join_next() => panic!("a node cannot live: {ended:?}"),
        () = sleep_until(calm) => {}
        () = world.cluster.storm(&mut dice, world.nodes) => {}
    }
    world.cluster.clear_up();
    let ending = ending::settle(&world, &ledger, lives, ending::settled(calm));
    tokio::select! {
        biased;
        ended = nodes.join_next() => panic!("a node cannot live: {ended:?}"),
        () = ending => {}
    }
    let fates = [&world.fates.killed, &world.fates.hung, &world.fates.drained];
    (ledger.counts(), fates.map(|count| count.load(Ordering::Relaxed)))
}

/// Since the run began.
struct VirtualTime(std::sync::OnceLock<Instant>);

impl tracing_subscriber::fmt::time::FormatTime for VirtualTime {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        let since = self.0.get_or_init(Instant::now).elapsed();
        write!(w, "{:>8.3}", since.as_secs_f64())
    }
}
