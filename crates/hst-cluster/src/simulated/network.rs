use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use tokio::time::Instant;

use super::Dice;

/// What an answer is waited for before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// One direction between a node and something else. Nodes are named by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Road {
    /// Its requests do not arrive there.
    ToDirectory(usize),
    /// Its requests arrive, but no answer comes back, and no change.
    FromDirectory(usize),
    /// It can send no message, and knows it.
    ToBus(usize),
    /// It hears no message, and the bus knows it.
    FromBus(usize),
    /// Of what one sends the other hears nothing, and neither knows it.
    Between {
        /// Who sends.
        from: usize,
        /// Who hears nothing.
        to: usize,
    },
}

/// What befalls whatever travels. Chances are out of a thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weather {
    /// How long each way takes: a message, a request, an answer, a change.
    pub delay: RangeInclusive<Duration>,
    /// A message is lost to one of its listeners.
    pub lost_messages: u32,
    /// A request to the directory is lost; if it is a write, half of them arrive later, within [`lateness`](Self::lateness).
    pub lost_requests: u32,
    /// The answer of the directory is lost.
    pub lost_answers: u32,
    /// A watcher is told everything anew, instead of one change.
    pub resyncs: u32,
    /// How late a lost write arrives.
    pub lateness: RangeInclusive<Duration>,
}

impl Default for Weather {
    /// Everything arrives, and at once.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO..=Duration::ZERO,
            lost_messages: 0,
            lost_requests: 0,
            lost_answers: 0,
            resyncs: 0,
            lateness: Duration::ZERO..=Duration::ZERO,
        }
    }
}

/// Which roads are cut, what the weather is, and the dice for both.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) weather: Weather,
    dice: Dice,
    cut: BTreeSet<Road>,
    /// Of each node, how often its roads to the directory were cut: who follows it sees that he missed something.
    outages: BTreeMap<usize, u64>,
    leader_from: Option<Instant>,
}

/// What becomes of a request on its way to the directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    Arrives,
    Lost,
    /// It is lost for its sender, and arrives after so long.
    Late(Duration),
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            weather: Weather::default(),
            dice: Dice::new(seed),
            cut: BTreeSet::new(),
            outages: BTreeMap::new(),
            leader_from: None,
        }
    }

    pub(super) fn cut(&mut self, road: Road) {
        if self.cut.insert(road)
            && let Road::ToDirectory(node) | Road::FromDirectory(node) = road
        {
            *self.outages.entry(node).or_default() += 1;
        }
    }

    /// Whether it was cut.
    pub(super) fn mend(&mut self, road: Road) -> bool {
        self.cut.remove(&road)
    }

    pub(super) fn all_cut(&self) -> Vec<Road> {
        self.cut.iter().copied().collect()
    }

    pub(super) fn depose_leader(&mut self, without: Duration) {
        self.leader_from = Some(Instant::now() + without);
    }

    pub(super) fn is_open(&self, road: Road) -> bool {
        !self.cut.contains(&road)
    }

    pub(super) fn has_leader(&self) -> bool {
        self.leader_from.is_none_or(|from| from <= Instant::now())
    }

    /// Whether changes reach a node, and how often they did not.
    pub(super) fn changes(&self, node: usize) -> (bool, u64) {
        let is_open = self.is_open(Road::ToDirectory(node)) && self.is_open(Road::FromDirectory(node));
        (is_open, self.outages.get(&node).copied().unwrap_or_default())
    }

    pub(super) fn delay(&mut self) -> Duration {
        self.dice.within(&self.weather.delay)
    }

    /// How long a node waits until it gives an answer up.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE
    }

    pub(super) fn request(&mut self, from: usize) -> Way {
        if !self.is_open(Road::ToDirectory(from)) || !self.has_leader() {
            return Way::Lost;
        }
        match self.dice.comes_to_pass(self.weather.lost_requests) {
            false => Way::Arrives,
            true if self.dice.comes_to_pass(500) => Way::Late(self.dice.within(&self.weather.lateness)),
            true => Way::Lost,
        }
    }

    pub(super) fn answer_arrives(&mut self, to: usize) -> bool {
        self.is_open(Road::FromDirectory(to)) && !self.dice.comes_to_pass(self.weather.lost_answers)
    }

    pub(super) fn message_arrives(&mut self, from: usize, to: usize) -> bool {
        self.is_open(Road::Between { from, to })
            && self.is_open(Road::FromBus(to))
            && !self.dice.comes_to_pass(self.weather.lost_messages)
    }

    pub(super) fn resyncs(&mut self) -> bool {
        self.dice.comes_to_pass(self.weather.resyncs)
    }

    /// Whether a node that cannot reach the directory knows that it did not: otherwise the answer may just be late.
    pub(super) fn notices(&mut self) -> bool {
        self.dice.comes_to_pass(500)
    }
}
