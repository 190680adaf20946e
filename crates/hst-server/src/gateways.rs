use std::{cmp::Ordering, collections::HashMap, net::SocketAddr, time::Duration};

use hst_cluster::{Entry, Key, NodeId, NodeRecord, NodeState, Owner, WatchEvent};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::Origin;

/// How often a node says that it lives.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// A node that has been silent for so long is named to nobody.
pub(crate) const SILENT: Duration = BEAT.saturating_mul(3);
/// One that has been silent for so long is suspected to be dead.
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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    pub(crate) weight: u32,
    pub(crate) sessions: u64,
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

/// Another node.
#[derive(Debug)]
struct Known {
    life: Owner,
    takes_more: bool,
    gateway: Option<Gateway>,
    sessions: u64,
    link: Option<SocketAddr>,
    heard: Instant,
    /// Not told again since the watch began anew.
    is_stale: bool,
}

/// What each node says of itself again and again, to all.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) node: NodeId,
    pub(crate) boot: u64,
    pub(crate) sessions: u64,
    /// Where media of other nodes come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<SocketAddr>,
}

impl Gateway {
    /// As a node's record has it, JSON; `None` if it is none that clients could use.
    fn read(info: &str) -> Option<Self> {
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
            (known.sessions, known.link) = (beat.sessions, beat.link);
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
    pub(crate) fn suspects(&self, now: Instant) -> Vec<Owner> {
        let is_suspect = |known: &&Known| {
            let patience = if known.takes_more { SUSPECT } else { SUSPECT_ENDING };
            !self.hears_nothing(now) && now >= known.heard + patience
        };
        self.nodes
            .values()
            .filter(is_suspect)
            .map(|known| known.life.clone())
            .collect()
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

    /// Where media for a node go.
    pub(crate) fn link_of(&self, node: &NodeId) -> Option<SocketAddr> {
        self.nodes.get(node)?.link
    }

    /// The other nodes to which sessions may go: those that clients are sent to.
    pub(crate) fn successors(&self, now: Instant) -> Vec<Successor> {
        let welcome = self.nodes.values().filter(|known| self.is_welcome(now, known));
        let successors = welcome.filter_map(|known| {
            Some(Successor {
                life: known.life.clone(),
                gateway: known.gateway.clone()?,
                sessions: known.sessions,
            })
        });
        successors.collect()
    }

    /// At most `most` gateways in the order in which a client should try them: by chance, in proportion to their weights,
    /// and of the first two the one with less to do in front. Those without weight only if there is nothing else, and
    /// this node in the last resort.
    pub(crate) fn choose(&self, now: Instant, own: Own, most: usize, seed: u64) -> Vec<Choice> {
        let mut dice = Dice(seed);
        let own_one = own.takes_more.then_some((None, own.weight, Some(own.sessions)));
        let nodes = self.nodes.values().filter(|known| self.is_welcome(now, known));
        let nodes = nodes.filter_map(|known| {
            let gateway = known.gateway.as_ref()?;
            Some((Some(gateway), gateway.weight, Some(known.sessions)))
        });
        let fixed = self.fixed.iter().map(|gateway| (Some(gateway), gateway.weight, None));
        let mut all: Vec<_> = own_one.into_iter().chain(nodes).chain(fixed).collect();
        if all.iter().any(|(_, weight, _)| *weight > 0) {
            all.retain(|(_, weight, _)| *weight > 0);
        }
        // Each draws a waiting time, with its weight as the rate: who is first is as weighted chance has it.
        let mut drawn: Vec<_> = all
            .into_iter()
            .map(|(gateway, weight, sessions)| {
                let rate = f64::from(weight.max(1));
                #[expect(clippy::cast_precision_loss, reason = "a load is compared, not counted")]
                let load = sessions.map(|sessions| sessions as f64 / rate);
                (dice.waiting_time() / rate, load, gateway)
            })
            .collect();
        let sooner = |(one, ..): &(f64, _, _), (other, ..): &(f64, _, _)| one.total_cmp(other);
        if drawn.len() > most {
            drawn.select_nth_unstable_by(most, sooner);
            drawn.truncate(most);
        }
        drawn.sort_unstable_by(sooner);
        if let [(_, Some(first), _), (_, Some(second), _), ..] = drawn[..]
            && first.total_cmp(&second) == Ordering::Greater
        {
            drawn.swap(0, 1);
        }
        let choices = drawn.into_iter().map(|(_, _, gateway)| match gateway {
            Some(gateway) => Choice::Other(gateway.clone()),
            None => Choice::Own,
        });
        let mut choices: Vec<_> = choices.collect();
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
        let said = |before: Known| (before.sessions, before.link, before.heard);
        let (sessions, link, heard) = before.map_or((0, None, now), said);
        let known = Known {
            life: Owner {
                node: node.clone(),
                epoch,
                boot,
            },
            takes_more: state == NodeState::Up,
            gateway,
            sessions,
            link,
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

/// SplitMix64: chance is all that is asked of it.
struct Dice(u64);

impl Dice {
    /// Of exponential distribution, with the rate 1.
    fn waiting_time(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
        let unit = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        -(1.0 - unit).ln()
    }
}

#[cfg(test)]
mod tests;
