use std::{cmp::Ordering, collections::HashMap, net::SocketAddr, time::Duration};

use hst_cluster::{Entry, Key, NodeId, NodeRecord, NodeState, Owner, Versions, WatchEvent};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    Origin,
    beat::{BEAT, Beat, Said, is_full},
    draw::Draw,
};

/// A node that has been silent for so long is named to nobody.
pub(crate) const SILENT: Duration = BEAT.saturating_mul(3);
/// One that has been silent for so long is asked whether it lives. The bus knows at once when nobody is there to ask.
const DOUBTED: Duration = Duration::from_millis(1_200);
/// One that has been silent for so long, and does not answer though the bus has somebody to ask, is suspected to be dead.
const SUSPECT: Duration = BEAT.saturating_mul(4);
/// The same for one that is ending: it has no heartbeats any more, and its sessions have some time to end.
const SUSPECT_ENDING: Duration = BEAT.saturating_mul(15);
/// Nodes that are known at a time; further ones are not named.
const MAX_NODES: usize = 16_384;
/// The longest address that is passed on.
const MAX_ADDRESS: usize = 512;

/// A way into the platform, as its node announces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gateway {
    pub(crate) origin: Origin,
    /// Where its QUIC is, with its pin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quic: Option<String>,
    pub(crate) weight: u32,
}

/// This node, as far as choosing is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) node: NodeId,
    pub(crate) weight: u32,
    pub(crate) said: Said,
    pub(crate) takes_more: bool,
}

/// A gateway that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This node itself.
    Own,
    /// Another.
    Other(Gateway),
}

/// Another node that takes sessions.
#[derive(Debug, Clone)]
pub(crate) struct Successor {
    pub(crate) life: Owner,
    pub(crate) gateway: Gateway,
    pub(crate) sessions: u64,
}

/// The gateways that there are: those of the other nodes, as the directory and their heartbeats tell, and those that the
/// configuration names.
///
/// What is known stays known: neither an entry that cannot be read nor a directory or bus out of reach takes anything
/// away from it.
#[derive(Debug)]
pub(crate) struct Gateways {
    own_boot: u64,
    fixed: Vec<Gateway>,
    nodes: HashMap<NodeId, Known>,
    /// When the bus was last known to work: it brought an own heartbeat.
    bus_worked: Instant,
    has_warned: bool,
}

/// Another node, for whoever wants to see all.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) life: Owner,
    pub(crate) takes_more: bool,
    /// When something was last heard of it.
    pub(crate) heard: Instant,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) said: Said,
}

/// Another node.
#[derive(Debug)]
struct Known {
    life: Owner,
    speaks: Versions,
    takes_more: bool,
    gateway: Option<Gateway>,
    said: Said,
    heard: Instant,
    /// Not told again since the watch began anew.
    is_stale: bool,
}

/// A gateway that may be chosen.
struct Candidate<'a> {
    /// `None` is this node.
    gateway: Option<&'a Gateway>,
    weight: u32,
    /// Nobody knows it of those that the configuration names.
    load: Option<f64>,
    /// The lowest comes first.
    order: (bool, f64),
}

impl Candidate<'_> {
    fn earlier(&self, other: &Self) -> Ordering {
        let ((is_full, waits), (other_is_full, other_waits)) = (self.order, other.order);
        is_full.cmp(&other_is_full).then(waits.total_cmp(&other_waits))
    }

    fn choice(&self) -> Choice {
        self.gateway.cloned().map_or(Choice::Own, Choice::Other)
    }
}

impl Gateway {
    /// As a node's record has it, JSON; `None` if it is none that clients could use.
    pub(crate) fn read(info: &str) -> Option<Self> {
        let gateway: Self = serde_json::from_str(info).ok()?;
        let is_sound = |url: &str| {
            url.len() <= MAX_ADDRESS && url.starts_with("quic://") && url.chars().all(|c| c.is_ascii_graphic())
        };
        let origin_fits = gateway.origin.signal().len() <= MAX_ADDRESS;
        (origin_fits && gateway.quic.as_deref().is_none_or(is_sound)).then_some(gateway)
    }

    /// As a node's record has it.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }

    /// The addresses of its signalling, best first.
    pub(crate) fn signal(&self) -> Vec<String> {
        self.quic.iter().cloned().chain([self.origin.signal()]).collect()
    }
}

impl Gateways {
    pub(crate) fn new(now: Instant, own_boot: u64, fixed: Vec<Gateway>) -> Self {
        Self {
            own_boot,
            fixed,
            nodes: HashMap::new(),
            bus_worked: now,
            has_warned: false,
        }
    }

    /// Something has changed among the nodes' records.
    pub(crate) fn handle_record(&mut self, now: Instant, event: &WatchEvent) {
        match event {
            WatchEvent::Put(entry) => self.put(now, entry),
            WatchEvent::Deleted { key, .. } => self.nodes.retain(|node, _| Key::node(node) != *key),
            WatchEvent::Resync => self.nodes.values_mut().for_each(|known| known.is_stale = true),
            WatchEvent::Synced => self.nodes.retain(|_, known| !known.is_stale),
        }
    }

    /// A life of a node has said that it goes on.
    pub(crate) fn handle_beat(&mut self, now: Instant, beat: &Beat) {
        let Beat { node, boot, .. } = beat;
        if *boot == self.own_boot {
            if self.hears_nothing(now) {
                // The others' heartbeats were not heard either, and that is not their fault.
                self.nodes.values_mut().for_each(|known| known.heard = now);
            }
            self.bus_worked = now;
        } else if let Some(known) = self.nodes.get_mut(node).filter(|known| known.life.boot == *boot) {
            known.heard = now;
            known.said.clone_from(&beat.said);
        }
    }

    /// A life of a node has answered when it was asked whether it goes on.
    pub(crate) fn handle_answer(&mut self, now: Instant, life: &Owner) {
        if let Some(known) = self
            .nodes
            .get_mut(&life.node)
            .filter(|known| known.life.boot == life.boot)
        {
            known.heard = now;
        }
    }

    /// The lives that have been silent for so long that they should be asked whether they are any more.
    pub(crate) fn doubted(&self, now: Instant) -> Vec<Owner> {
        self.silent(now, DOUBTED)
    }

    /// Those among them that are taken for dead if they do not answer.
    pub(crate) fn suspects(&self, now: Instant) -> Vec<Owner> {
        self.silent(now, SUSPECT)
    }

    fn silent(&self, now: Instant, patience: Duration) -> Vec<Owner> {
        let is_silent = |known: &&Known| {
            let patience = if known.takes_more { patience } else { SUSPECT_ENDING };
            !self.hears_nothing(now) && now >= known.heard + patience
        };
        let silent = self.nodes.values().filter(is_silent);
        silent.map(|known| known.life.clone()).collect()
    }

    /// All other nodes that are known.
    pub(crate) fn seen(&self) -> impl Iterator<Item = Seen> {
        self.nodes.values().map(|known| Seen {
            life: known.life.clone(),
            takes_more: known.takes_more,
            heard: known.heard,
            gateway: known.gateway.clone(),
            said: known.said.clone(),
        })
    }

    /// The life of the node whose record stands there.
    pub(crate) fn life_at(&self, record: &Key) -> Option<&Owner> {
        let node = record.as_str().strip_prefix("node.")?;
        self.nodes.get(&NodeId::parse(node).ok()?).map(|known| &known.life)
    }

    /// How many other nodes are known, those among them that have been silent for a moment.
    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// What a life of another node speaks.
    pub(crate) fn speaks(&self, life: &Owner) -> Option<Versions> {
        let known = self.nodes.get(&life.node).filter(|known| known.life.boot == life.boot);
        known.map(|known| known.speaks)
    }

    /// The newest version that all nodes speak, this one included, which speaks `own`; its oldest, if there is none.
    pub(crate) fn spoken_by_all(&self, own: Versions) -> u16 {
        let mut all = self.nodes.values().map(|known| known.speaks);
        let shared = all.try_fold(own, Versions::shared);
        shared.map_or(own.oldest, |shared| shared.newest)
    }

    /// Where media for a node go.
    pub(crate) fn link_of(&self, node: &NodeId) -> Option<SocketAddr> {
        self.nodes.get(node)?.said.link
    }

    /// The other nodes to which sessions may go: those that clients are sent to.
    pub(crate) fn successors(&self, now: Instant) -> Vec<Successor> {
        let welcome = self.nodes.values().filter(|known| self.is_welcome(now, known));
        let successors = welcome.filter_map(|known| {
            Some(Successor {
                life: known.life.clone(),
                gateway: known.gateway.clone()?,
                sessions: known.said.sessions,
            })
        });
        successors.collect()
    }

    /// At most `most` gateways in the order in which a client should try them, as it is drawn, in proportion to their weights.
    /// By chance, of the first two the one with less to do is in front; for a group, those that have room are. Those without
    /// weight only if there is nothing else, and this node in the last resort.
    pub(crate) fn choose(&self, now: Instant, own: &Own, most: usize, mut draw: Draw<'_>) -> Vec<Choice> {
        let by_chance = matches!(draw, Draw::Chance(_));
        let mut candidate = |name: &str, gateway, weight: u32, said: Option<&Said>| {
            let load = said.map(|said| said.load(weight));
            let is_full = !by_chance && load.is_some_and(is_full);
            let waits = draw.waiting_time(name) / f64::from(weight.max(1));
            Candidate {
                gateway,
                weight,
                load,
                order: (is_full, waits),
            }
        };
        let mut all = Vec::new();
        if own.takes_more {
            all.push(candidate(own.node.as_str(), None, own.weight, Some(&own.said)));
        }
        for known in self.nodes.values().filter(|known| self.is_welcome(now, known)) {
            if let Some(gateway) = &known.gateway {
                let name = known.life.node.as_str();
                all.push(candidate(name, Some(gateway), gateway.weight, Some(&known.said)));
            }
        }
        for gateway in &self.fixed {
            all.push(candidate(
                &gateway.origin.to_string(),
                Some(gateway),
                gateway.weight,
                None,
            ));
        }
        if all.iter().any(|it| it.weight > 0) {
            all.retain(|it| it.weight > 0);
        }
        if all.len() > most {
            all.select_nth_unstable_by(most, Candidate::earlier);
            all.truncate(most);
        }
        all.sort_unstable_by(Candidate::earlier);
        if let [first, second, ..] = &all[..]
            && by_chance
            && first
                .load
                .zip(second.load)
                .is_some_and(|(first, second)| first > second)
        {
            all.swap(0, 1);
        }
        let mut choices: Vec<_> = all.iter().map(Candidate::choice).collect();
        if choices.is_empty() {
            choices.push(Choice::Own);
        }
        choices
    }

    fn put(&mut self, now: Instant, entry: &Entry) {
        let node = entry
            .key
            .as_str()
            .strip_prefix("node.")
            .and_then(|node| NodeId::parse(node).ok());
        let (Some(node), Some(record)) = (node, NodeRecord::read(entry)) else {
            return self.warn(&entry.key);
        };
        let NodeRecord {
            epoch,
            boot,
            state,
            speaks,
            info,
        } = record;
        if boot == self.own_boot {
            return;
        }
        if state == NodeState::Fenced {
            self.nodes.remove(&node);
            return;
        }
        let gateway = match (info.is_empty(), Gateway::read(&info)) {
            (true, _) => None,
            (false, Some(gateway)) => Some(gateway),
            (false, None) => {
                self.warn(&entry.key);
                self.nodes.get(&node).and_then(|before| before.gateway.clone())
            }
        };
        let before = self.nodes.remove(&node).filter(|before| before.life.boot == boot);
        if self.nodes.len() >= MAX_NODES {
            return self.warn(&entry.key);
        }
        let (said, heard) = before.map_or((Said::default(), now), |before| (before.said, before.heard));
        let known = Known {
            life: Owner {
                node: node.clone(),
                epoch,
                boot,
            },
            speaks,
            takes_more: state == NodeState::Up,
            gateway,
            said,
            heard,
            is_stale: false,
        };
        self.nodes.insert(node, known);
    }

    fn is_welcome(&self, now: Instant, known: &Known) -> bool {
        known.takes_more && (now < known.heard + SILENT || self.hears_nothing(now))
    }

    /// Whether the bus brings nothing, so that silence says nothing about others.
    fn hears_nothing(&self, now: Instant) -> bool {
        now >= self.bus_worked + SILENT
    }

    fn warn(&mut self, key: &Key) {
        if !std::mem::replace(&mut self.has_warned, true) {
            tracing::warn!(%key, "a node announces what cannot be used, and is passed over; further ones are not reported");
        }
    }
}

#[cfg(test)]
mod tests;
