use std::time::Duration;

use tokio::time::sleep;

use super::{Dice, Road, SimulatedCluster, Weather};

/// How long the directory goes without a leader.
const ELECTION: Duration = Duration::from_secs(8);

impl Weather {
    /// How long after it was sent a lost write may arrive in a [storm](SimulatedCluster::storm).
    pub const LATENESS: Duration = Duration::from_secs(20);

    /// Every packet arrives, some of them a little late.
    pub fn calm() -> Self {
        Self {
            delay: Duration::from_millis(1)..=Duration::from_millis(20),
            ..Self::default()
        }
    }

    fn stormy(dice: &mut Dice) -> Self {
        Self {
            lost_messages: [0, 20, 200][dice.below(3)],
            lost_requests: [0, 20, 100][dice.below(3)],
            lost_answers: [0, 20, 100][dice.below(3)],
            resyncs: [0, 50][dice.below(2)],
            lateness: Duration::ZERO..=Self::LATENESS,
            delay: Duration::from_millis(1)..=Duration::from_millis([20, 300][dice.below(2)]),
        }
    }
}

impl SimulatedCluster {
    /// Something new befalls the network of the nodes below this number every few seconds, for ever: whatever travels is lost
    /// or late, a node is cut off from some or all, one way or both, the nodes are split in two, or the directory loses its
    /// leader for 8 s.
    ///
    /// Dropped, it leaves the network as it is: see [`clear_up`](Self::clear_up).
    pub async fn storm(&self, dice: &mut Dice, nodes: usize) {
        loop {
            self.set_weather(Weather::stormy(dice));
            let (one, other) = (dice.below(nodes), dice.below(nodes));
            let change = dice.below(8);
            tracing::debug!(one, other, change, "the network changes");
            match change {
                0 => self.cut_all(&[Road::ToDirectory(one), Road::FromDirectory(one)]),
                1 => self.cut_all(&[Road::ToBus(one), Road::FromBus(one)]),
                2 => self.cut_all(&everything(one)),
                3 => self.cut(everything(one)[dice.below(4)]),
                4 => self.cut(Road::Between { from: one, to: other }),
                5 => self.split(1 + dice.below(nodes - 1), nodes),
                6 => self.depose_leader(ELECTION),
                _ => self.mend_all(),
            }
            sleep(Duration::from_millis(500 + dice.throw() % 7500)).await;
            if dice.comes_to_pass(400) {
                tracing::debug!("all roads are mended");
                self.mend_all();
            }
        }
    }

    /// Every road is open, and the weather [calm](Weather::calm).
    pub fn clear_up(&self) {
        tracing::debug!("the storm is over");
        self.mend_all();
        self.set_weather(Weather::calm());
    }

    /// Those below a number hear nothing of the others, and the others nothing of them.
    fn split(&self, border: usize, nodes: usize) {
        for from in 0..nodes {
            for to in (0..nodes).filter(|to| (from < border) != (*to < border)) {
                self.cut(Road::Between { from, to });
            }
        }
    }

    fn cut_all(&self, roads: &[Road]) {
        for road in roads {
            self.cut(*road);
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
