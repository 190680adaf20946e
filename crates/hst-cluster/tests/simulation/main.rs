//! Clusters of three to five nodes whose network fails in every way, from a seed.
//!
//! `HST_SIM_SEEDS` says how many seeds are tried (`cargo xtask sim`), and `HST_SIM_SEED` tries one alone.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod ledger;
mod node;

use std::{collections::BTreeMap, panic, time::Duration};

use hst_cluster::{
    Directory, Key, Login, NodeRecord, NodeState, Prefix, Revision, is_dead,
    simulated::{Dice, SimulatedCluster, Weather, seeds},
};
use tokio::{
    runtime::Builder,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    ledger::{Counts, Ledger},
    node::{Node, Picture},
};

/// Seeds of an ordinary test.
const SEEDS: u64 = 200;
/// How long the network fails.
const STORM: Duration = Duration::from_secs(60);
/// Within so long after the storm all nodes agree.
const AGREEMENT: Duration = Duration::from_secs(10);

#[test]
fn in_any_weather_a_place_has_one_owner_and_all_agree_within_ten_seconds_after_it() {
    let mut all = Counts::default();
    for seed in seeds(SEEDS) {
        let run = panic::catch_unwind(|| run(seed));
        let Ok((counts, _)) = run else {
            panic!("seed {seed}: HST_SIM_SEED={seed} tries it alone");
        };
        all.grants += counts.grants;
        all.takeovers_by_force += counts.takeovers_by_force;
        all.takeovers_of_the_dead += counts.takeovers_of_the_dead;
        all.swept += counts.swept;
        all.lives += counts.lives;
    }
    println!("{all:?}");
    // Otherwise a run in which nothing happens would pass.
    let happened = [
        all.grants,
        all.takeovers_by_force,
        all.takeovers_of_the_dead,
        all.swept,
        all.lives,
    ];
    assert!(!happened.contains(&0), "{all:?}");
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let (first, second) = (run(7), run(7));
    assert_eq!(first, second);
    assert_ne!(first.1, run(8).1);
}

/// In a time of its own, as with `start_paused = true`, and on one thread.
fn run(seed: u64) -> (Counts, Vec<(Key, Revision)>) {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(storm_and_calm(seed))
}

async fn storm_and_calm(seed: u64) -> (Counts, Vec<(Key, Revision)>) {
    let mut dice = Dice::new(seed);
    let cluster = SimulatedCluster::new(dice.throw());
    let ledger = Ledger::new(&cluster).await;
    let calm = Instant::now() + STORM;
    let (mut tasks, mut pictures) = (JoinSet::new(), Vec::new());
    for number in 0..3 + dice.below(3) {
        let dice = Dice::new(dice.throw());
        let node = Node::new(number, cluster.node(number), ledger.clone(), dice, calm);
        let (sender, picture) = watch::channel(Picture::default());
        tasks.spawn(node.heart());
        tasks.spawn(node.run(sender));
        pictures.push(picture);
    }
    tokio::select! {
        biased;
        ended = tasks.join_next() => panic!("a node has broken a law: {ended:?}"),
        () = sleep_until(calm) => {}
        () = cluster.storm(&mut dice, pictures.len()) => {}
    }
    cluster.clear_up();
    let agreement = async {
        let deadline = Instant::now() + AGREEMENT;
        while let Some(words) = disagreement(&cluster, &pictures).await {
            assert!(Instant::now() < deadline, "they do not agree: {words}");
            sleep(Duration::from_millis(100)).await;
        }
        // What was lost in the storm may arrive still, and then they agree again.
        sleep_until(calm + Weather::LATENESS + AGREEMENT).await;
        let words = disagreement(&cluster, &pictures).await;
        assert_eq!(words, None, "they do not agree any more");
    };
    tokio::select! {
        biased;
        ended = tasks.join_next() => panic!("a node has broken a law: {ended:?}"),
        () = agreement => {}
    }
    ledger.catch_up();
    (ledger.counts(), ledger.history())
}

/// What somebody believes that is not so.
async fn disagreement(cluster: &SimulatedCluster, pictures: &[watch::Receiver<Picture>]) -> Option<String> {
    let truth = cluster.truth().list(&Prefix::all()).await.unwrap();
    let truth: BTreeMap<_, _> = truth.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
    let mut held = BTreeMap::new();
    for picture in pictures {
        let picture = picture.borrow();
        let Some(life) = &picture.life else {
            return Some("one has no life".into());
        };
        let record = truth.get(&Key::node(&life.node)).and_then(NodeRecord::read);
        if is_dead(record.as_ref(), life) || record.is_none_or(|record| record.state != NodeState::Up) {
            return Some(format!("{life:?} is over"));
        }
        if picture.replica != truth {
            return Some(format!("{} follows {:?} and not {truth:?}", life.node, picture.replica));
        }
        for (key, revision) in &picture.held {
            if held.insert(key.clone(), (life.clone(), *revision)).is_some() {
                return Some(format!("two hold {key}"));
            }
        }
    }
    let logins = truth
        .into_values()
        .filter_map(|entry| Some((entry.key.clone(), (Login::read(&entry)?.owner, entry.revision))));
    let logins = logins.collect();
    (held != logins).then(|| format!("they hold {held:?}, and not {logins:?}"))
}
