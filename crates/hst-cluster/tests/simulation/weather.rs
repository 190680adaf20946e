//! What befalls a network, in the time of the simulation (`start_paused = true`).

use std::time::Duration;

use hst_cluster::simulated::{Dice, Road, SimulatedCluster, Weather};
use tokio::time::sleep;

/// How long the directory goes without a leader.
const ELECTION: Duration = Duration::from_secs(8);

/// How long after it was sent a lost write may arrive.
pub(crate) const LATENESS: Duration = Duration::from_secs(20);

/// Every packet arrives, some of them a little late.
pub(crate) fn calm() -> Weather {
    Weather {
        delay: Duration::from_millis(1)..=Duration::from_millis(20),
        ..Weather::default()
    }
}

/// Something new every few seconds, for ever.
pub(crate) async fn storm(cluster: &SimulatedCluster, dice: &mut Dice, nodes: usize) {
    loop {
        cluster.set_weather(Weather {
            lost_messages: [0, 20, 200][dice.below(3)],
            lost_requests: [0, 20, 100][dice.below(3)],
            lost_answers: [0, 20, 100][dice.below(3)],
            resyncs: [0, 50][dice.below(2)],
            lateness: Duration::ZERO..=LATENESS,
            delay: Duration::from_millis(1)..=Duration::from_millis([20, 300][dice.below(2)]),
        });
        let (one, other) = (dice.below(nodes), dice.below(nodes));
        match dice.below(8) {
            0 => cut(cluster, &[Road::ToDirectory(one), Road::FromDirectory(one)]),
            1 => cut(cluster, &[Road::ToBus(one), Road::FromBus(one)]),
            2 => cut(cluster, &everything(one)),
            3 => cut(cluster, &[one_way(dice, one)]),
            4 => cut(cluster, &[Road::Between { from: one, to: other }]),
            5 => split(cluster, dice, nodes),
            6 => cluster.depose_leader(ELECTION),
            _ => cluster.mend_all(),
        }
        sleep(Duration::from_millis(500 + dice.throw() % 7500)).await;
        if dice.comes_to_pass(400) {
            cluster.mend_all();
        }
    }
}

fn everything(node: usize) -> [Road; 4] {
    [
        Road::ToDirectory(node),
        Road::FromDirectory(node),
        Road::ToBus(node),
        Road::FromBus(node),
    ]
}

fn one_way(dice: &mut Dice, node: usize) -> Road {
    everything(node)[dice.below(4)]
}

/// Those below a number hear nothing of the others, and the others nothing of them.
fn split(cluster: &SimulatedCluster, dice: &mut Dice, nodes: usize) {
    let border = 1 + dice.below(nodes - 1);
    for from in 0..nodes {
        for to in (0..nodes).filter(|to| (from < border) != (*to < border)) {
            cluster.cut(Road::Between { from, to });
        }
    }
}

fn cut(cluster: &SimulatedCluster, roads: &[Road]) {
    for road in roads {
        cluster.cut(*road);
    }
}
