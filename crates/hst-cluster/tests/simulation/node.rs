//! A node that does what this crate's page asks of an owner, and nothing else: no server is here.
//! Its time is that of the simulation (`start_paused = true`).

use std::{collections::BTreeMap, num::NonZeroU8, time::Duration};

use bytes::Bytes;
use hst_cluster::{
    Bus, Claim, Delivery, Directory, Entry, Key, Login, Message, NodeId, NodeRecord, NodeState, Owner, Policy, Prefix,
    Revision, Subject, Subscription, Unavailable, Verdict, Versions, WatchEvent, claim, fence, is_dead, register,
    release,
    simulated::{Dice, SimulatedNode},
    sweep, withdraw,
};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until, timeout_at},
};

use crate::ledger::Ledger;

/// Between two beats.
const BEAT: Duration = Duration::from_secs(1);
/// Without a beat another node is suspected.
const SILENCE: Duration = Duration::from_secs(4);
/// What an answer to a ping may take.
const PING: Duration = Duration::from_secs(1);
/// Places for which users come.
const PLACES: u64 = 3;

/// What others see of a node after each round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) life: Option<Owner>,
    pub(crate) held: BTreeMap<Key, Revision>,
    /// What it believes of the directory.
    pub(crate) replica: BTreeMap<Key, Entry>,
}

pub(crate) struct Node {
    id: NodeId,
    boot: u64,
    cluster: SimulatedNode,
    ledger: Ledger,
    dice: Dice,
    /// Until when users come and go, and processes sleep.
    busy_until: Instant,
    sessions: u64,
    life: Option<Owner>,
    held: BTreeMap<Key, Held>,
    replica: BTreeMap<Key, Entry>,
    is_synced: bool,
    beats: BTreeMap<NodeId, Instant>,
    asleep_until: watch::Sender<Instant>,
}

struct Held {
    login: Login,
    revision: Revision,
}

impl Node {
    pub(crate) fn new(number: usize, cluster: SimulatedNode, ledger: Ledger, dice: Dice, busy_until: Instant) -> Self {
        Self {
            id: NodeId::parse(&format!("n{number}")).unwrap(),
            boot: number as u64,
            cluster,
            ledger,
            dice,
            busy_until,
            sessions: 0,
            life: None,
            held: BTreeMap::new(),
            replica: BTreeMap::new(),
            is_synced: false,
            beats: BTreeMap::new(),
            asleep_until: watch::Sender::new(Instant::now()),
        }
    }

    /// Its beats, and its answers to who asks whether it lives. They wait for nothing but a sleep of the process.
    pub(crate) fn heart(&self) -> impl Future<Output = ()> + Send + use<> {
        let (id, cluster, asleep_until) = (self.id.clone(), self.cluster.clone(), self.asleep_until.subscribe());
        async move {
            loop {
                // The bus may be out of reach.
                if let Ok(pings) = cluster.subscribe(&pings(&id).into()).await {
                    beat(&id, &cluster, pings, &asleep_until).await;
                }
                sleep(BEAT).await;
            }
        }
    }

    /// Until it is dropped. Where the cluster is not yet reached, it begins again.
    pub(crate) async fn run(mut self, pictures: watch::Sender<Picture>) {
        loop {
            let _ = self.live(&pictures).await;
            sleep(BEAT).await;
        }
    }

    async fn live(&mut self, pictures: &watch::Sender<Picture>) -> Result<(), Unavailable> {
        self.is_synced = false;
        let mut changes = self.cluster.watch(&Prefix::all()).await?;
        self.replica.clear();
        let mut beats = self.cluster.subscribe(&beats().beneath().into()).await?;
        let mut ticks = ticks();
        loop {
            tokio::select! {
                biased;
                change = changes.next() => self.note(change),
                beat = beats.next() => self.hear(beat),
                _ = ticks.tick() => self.round(&mut *beats).await,
            }
            pictures.send_replace(self.picture());
        }
    }

    fn picture(&self) -> Picture {
        Picture {
            life: self.life.clone(),
            held: self
                .held
                .iter()
                .map(|(key, held)| (key.clone(), held.revision))
                .collect(),
            replica: if self.is_synced {
                self.replica.clone()
            } else {
                BTreeMap::new()
            },
        }
    }

    fn note(&mut self, change: WatchEvent) {
        match change {
            WatchEvent::Put(entry) => {
                self.replica.insert(entry.key.clone(), entry);
            }
            WatchEvent::Deleted { key, .. } => {
                self.replica.remove(&key);
            }
            WatchEvent::Synced => self.is_synced = true,
            WatchEvent::Resync => {
                self.replica.clear();
                self.is_synced = false;
            }
        }
    }

    fn hear(&mut self, beat: Delivery) {
        // What is missing is followed by the next.
        if let Delivery::Message(Message { payload, .. }) = beat {
            let node = NodeId::parse(std::str::from_utf8(&payload).unwrap()).unwrap();
            self.beats.insert(node, Instant::now());
        }
    }

    /// What there is to do each second.
    async fn round(&mut self, beats: &mut dyn Subscription) {
        self.see_to_own_life().await;
        let Some(life) = self.life.clone() else { return };
        self.see_to_places(&life).await;
        // What has come meanwhile is heard before anybody is suspected.
        while let Ok(beat) = timeout_at(Instant::now(), beats.next()).await {
            self.hear(beat);
        }
        self.see_to_others().await;
        if Instant::now() < self.busy_until {
            match self.dice.below(10) {
                0..4 => self.a_user_comes(&life).await,
                4..6 => self.a_user_leaves().await,
                6 => self.nap().await,
                _ => {}
            }
        }
        self.ledger.catch_up();
    }

    /// The process sleeps, and so does its heart.
    async fn nap(&mut self) {
        let length = Duration::from_millis(self.dice.throw() % 9000);
        let until = (Instant::now() + length).min(self.busy_until);
        self.asleep_until.send_replace(until);
        sleep_until(until).await;
    }

    async fn see_to_own_life(&mut self) {
        let is_over = match &self.life {
            None => true,
            Some(life) => {
                let record = self.replica.get(&Key::node(&self.id)).filter(|_| self.is_synced);
                record.is_some_and(|entry| {
                    let record = NodeRecord::read(entry).unwrap();
                    // An older record, from before the registration, says nothing.
                    entry.revision >= life.epoch && is_dead(Some(&record), life)
                })
            }
        };
        if is_over && let Ok(epoch) = register(&self.cluster, &self.id, self.boot, Versions::UNSAID).await {
            let (node, boot) = (self.id.clone(), self.boot);
            self.life = Some(Owner { node, epoch, boot });
        }
    }

    /// Whoever has lost a place goes, and what has no owner is taken away or claimed anew.
    async fn see_to_places(&mut self, life: &Owner) {
        if !self.is_synced {
            return;
        }
        for key in places() {
            let stands = self.replica.get(&key).cloned();
            let own = stands
                .as_ref()
                .and_then(Login::read)
                .filter(|login| login.owner.boot == self.boot);
            let Some(held) = self.held.get(&key) else {
                if let (Some(entry), Some(left_behind)) = (stands, own) {
                    self.ledger.ends(&left_behind, &key);
                    let _ = release(&self.cluster, &key, entry.revision).await;
                }
                continue;
            };
            let is_whole =
                held.login.owner == *life && stands.as_ref().map(|entry| entry.revision) == Some(held.revision);
            if is_whole {
                continue;
            }
            // The replica may be late, so the directory is asked.
            let Ok(present) = self.cluster.get(&key).await else {
                continue;
            };
            let is_another = present.as_ref().is_some_and(|entry| {
                let login = Login::read(entry).unwrap();
                !login.is_same_session(&held.login)
            });
            if is_another {
                self.ledger.ends(&held.login, &key);
                self.held.remove(&key);
                continue;
            }
            let mut login = held.login.clone();
            login.owner = life.clone();
            self.claim(&key, login, Policy::Refuse).await;
        }
    }

    /// Whoever is silent and does not answer is declared dead.
    async fn see_to_others(&mut self) {
        let now = Instant::now();
        let records: Vec<Entry> = self
            .replica
            .values()
            .filter(|entry| entry.key.as_str().starts_with("node."))
            .cloned()
            .collect();
        for entry in records {
            let record = NodeRecord::read(&entry).unwrap();
            let node = NodeId::parse(entry.key.as_str().trim_start_matches("node.")).unwrap();
            let heard = *self.beats.entry(node.clone()).or_insert(now);
            if node == self.id || record.state == NodeState::Fenced || now - heard < SILENCE {
                continue;
            }
            if self.cluster.request(&pings(&node), Bytes::new(), PING).await.is_ok() {
                continue;
            }
            let (epoch, boot) = (record.epoch, record.boot);
            let life = Owner { node, epoch, boot };
            if fence(&self.cluster, &life).await == Ok(true) {
                let _ = sweep(&self.cluster, &Prefix::logins(), &life).await;
            }
        }
    }

    async fn a_user_comes(&mut self, life: &Owner) {
        let key = place(self.dice.throw() % PLACES);
        if self.held.contains_key(&key) {
            return;
        }
        let policy = if self.dice.comes_to_pass(300) {
            Policy::Replace
        } else {
            Policy::Refuse
        };
        self.sessions += 1;
        let login = Login::new(self.sessions, life.clone());
        self.claim(&key, login, policy).await;
    }

    async fn a_user_leaves(&mut self) {
        let Some((key, held)) = self.held.pop_first() else {
            return;
        };
        self.ledger.ends(&held.login, &key);
        let _ = release(&self.cluster, &key, held.revision).await;
    }

    async fn claim(&mut self, key: &Key, login: Login, policy: Policy) {
        let is_anew = self.held.contains_key(key);
        if !is_anew {
            self.ledger.claims(&login, policy);
        }
        let base = Key::parse(key.as_str().strip_suffix(".0").unwrap()).unwrap();
        let attempt = Claim::new(base.clone(), NonZeroU8::MIN, policy, login.clone());
        match claim(&self.cluster, attempt).await.verdict {
            Verdict::Claimed { revision, .. } => {
                self.ledger.holds(&login.owner, key, revision);
                self.held.insert(key.clone(), Held { login, revision });
            }
            // It still believes in what it holds, and tries again.
            Verdict::Unavailable if is_anew => {}
            verdict => {
                self.held.remove(key);
                self.ledger.ends(&login, key);
                if verdict == Verdict::Unavailable {
                    let _ = withdraw(&self.cluster, &base, NonZeroU8::MIN, &login).await;
                }
            }
        }
    }
}

async fn beat(
    id: &NodeId,
    cluster: &SimulatedNode,
    mut pings: Box<dyn Subscription>,
    asleep_until: &watch::Receiver<Instant>,
) {
    let mut ticks = ticks();
    loop {
        let ping = tokio::select! {
            biased;
            ping = pings.next() => Some(ping),
            _ = ticks.tick() => None,
        };
        let awake = *asleep_until.borrow();
        sleep_until(awake).await;
        // What cannot be sent is lost.
        let _ = match ping {
            Some(Delivery::Message(Message { reply: Some(reply), .. })) => cluster.publish(&reply, Bytes::new()).await,
            Some(_) => Ok(()),
            None => cluster.publish(&beats().with(id), id.as_str().to_owned().into()).await,
        };
    }
}

/// One that comes late is not made up for.
fn ticks() -> Interval {
    let mut ticks = interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn places() -> impl Iterator<Item = Key> {
    (0..PLACES).map(place)
}

fn place(number: u64) -> Key {
    Key::parse("login.app.ann").unwrap().with(&number).with(&0)
}

fn beats() -> Subject {
    Subject::parse("beat").unwrap()
}

fn pings(node: &NodeId) -> Subject {
    Subject::parse("ping").unwrap().with(node)
}
