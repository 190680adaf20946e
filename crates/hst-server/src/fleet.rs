use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hst_cluster::{
    Delivery, Key, Message, NodeId, NodeRecord, NodeState, Owner, Prefix, RequestError, Subject, Subscription,
    Unavailable, Watch, WatchEvent, amend, fence, is_dead, is_dead_by, sweep,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    beat::{BEAT, Beat, Said},
    draw::Draw,
    gateways::{Choice, Gateway, Gateways, Own, Seen, Successor},
    holdings::Holdings,
    hub::Hub,
    node::Node,
    sweeping::Sweeping,
    versions::SPOKEN,
};

/// How long a silent node may take to say that it lives.
const PING_TIMEOUT: Duration = BEAT;
/// When nobody listens any more where a node should, it is asked again after this time.
const CONFIRM: Duration = Duration::from_millis(500);
/// How often it is looked whether a node has become silent.
const LOOK: Duration = Duration::from_millis(250);

/// The nodes that there are, this one among them: who lives, where they are reached, and who is to be declared dead.
#[derive(Debug)]
pub(crate) struct Fleet {
    node: Node,
    /// What this node holds.
    pub(crate) holdings: Arc<Holdings>,
    sweeping: Arc<Sweeping>,
    /// A lock, because whoever asks Access reads here; held for one look-up.
    gateways: Mutex<Gateways>,
    weight: u32,
    /// What this node has announced, to be said again when its life begins anew.
    announced: OnceLock<String>,
    /// Where media of other nodes come in, if they may.
    pub(crate) link: OnceLock<SocketAddr>,
}

impl Fleet {
    pub(crate) fn new(node: &Node, holdings: Arc<Holdings>, weight: u32, fixed: Vec<Gateway>) -> Arc<Self> {
        Arc::new(Self {
            node: node.clone(),
            sweeping: Sweeping::new(node.clone(), holdings.life.clone()),
            holdings,
            gateways: Mutex::new(Gateways::new(Instant::now(), node.boot, fixed)),
            weight,
            announced: OnceLock::new(),
            link: OnceLock::new(),
        })
    }

    /// How many nodes there are, this one included.
    pub(crate) fn count(&self) -> usize {
        1 + self.lock().count()
    }

    /// All other nodes that are known.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.lock().seen().collect()
    }

    /// What this node has announced of itself.
    pub(crate) fn own_gateway(&self) -> Option<Gateway> {
        Gateway::read(self.announced.get()?)
    }

    /// The other nodes to which sessions may go.
    pub(crate) fn successors(&self) -> Vec<Successor> {
        self.lock().successors(Instant::now())
    }

    /// The newest version that both this node and a life of another speak. As long as it is not known here what that one
    /// speaks, it is the oldest: whoever does not speak it refuses, and is asked again.
    pub(crate) fn words_with(&self, life: &Owner) -> u16 {
        let speaks = self.lock().speaks(life).unwrap_or_default();
        speaks.shared(SPOKEN).map_or(SPOKEN.oldest, |shared| shared.newest)
    }

    /// The newest version that all nodes speak: what came with it may be said to everybody, and be registered.
    pub(crate) fn spoken_by_all(&self) -> u16 {
        self.lock().spoken_by_all(SPOKEN)
    }

    /// Where media for a node go, as far as it has said so.
    pub(crate) fn link_of(&self, node: &str) -> Option<SocketAddr> {
        self.lock().link_of(&NodeId::parse(node).ok()?)
    }

    /// Whether a life of another node is over. It is asked: if nobody is there to answer, or it has been silent for long,
    /// it is declared dead, and what it held is free.
    pub(crate) async fn is_over(&self, life: &Owner) -> bool {
        let mut asked = self.ping(life).await;
        if asked == Err(RequestError::NoResponders) {
            // It may be about to change its connection to the bus.
            sleep(CONFIRM).await;
            asked = self.ping(life).await;
        }
        match asked {
            Ok(_) => self.lock().handle_answer(Instant::now(), life),
            Err(RequestError::NoResponders) => return self.bury(life).await,
            Err(RequestError::Timeout) => {
                let is_silent = self.lock().suspects(Instant::now()).contains(life);
                return is_silent && self.bury(life).await;
            }
            Err(RequestError::Unavailable) => {}
        }
        false
    }

    async fn ping(&self, life: &Owner) -> Result<Bytes, RequestError> {
        let subject = Node::pings(life);
        self.node.bus.request(&subject, Bytes::new(), PING_TIMEOUT).await
    }

    async fn bury(&self, life: &Owner) -> bool {
        let (directory, node) = (&*self.node.directory, &life.node);
        match fence(directory, life).await {
            Ok(true) => tracing::warn!(%node, "a node is dead: what it held is free"),
            // It has ended by itself, or has begun anew.
            Ok(false) => return true,
            Err(error) => {
                tracing::warn!(%node, %error, "a dead node could not be declared so");
                return false;
            }
        }
        for held in [Prefix::groups(), Prefix::logins()] {
            if let Err(error) = sweep(directory, &held, life).await {
                tracing::warn!(%node, %error, "a dead node seems to hold something still");
            }
        }
        true
    }

    /// A life of another node may be over by what the directory says: then nobody waits for it any more.
    fn let_go(&self, event: &WatchEvent) {
        let (key, entry) = match event {
            WatchEvent::Put(entry) => (&entry.key, Some(entry)),
            WatchEvent::Deleted { key, .. } => (key, None),
            WatchEvent::Resync => return self.sweeping.come_later(),
            WatchEvent::Synced => return,
        };
        let known = self.lock().life_at(key).cloned();
        if let Some(life) = known.filter(|life| is_dead_by(entry, life)) {
            self.node.pipes.bury(&life);
            self.sweeping.come_later();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gateways> {
        // What is known is whole whenever the lock is free.
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// At most `most` gateways, in the order in which a client should try them; never none. Who names the group that he is
    /// going to join is sent where its other members are, who did so too.
    pub(crate) fn choose_gateways(&self, most: usize, group: Option<&str>) -> Vec<Choice> {
        let own = Own {
            node: self.node.name.clone(),
            weight: self.fleet.weight,
            said: self.said(),
            takes_more: !self.life.is_leaving(),
        };
        let draw = group.map_or_else(|| Draw::Chance(seed()), Draw::Group);
        self.fleet.lock().choose(Instant::now(), &own, most, draw)
    }

    /// How this node is.
    pub(crate) fn said(&self) -> Said {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let links = self.groups.links();
        Said {
            sessions: self.sessions.count(),
            groups: count(self.groups.count()),
            home_groups: count(self.groups.count_homes()),
            media: self.groups.media_load(),
            link: self.fleet.link.get().copied(),
            links: links
                .into_iter()
                .filter(|it| it.link.is_some())
                .map(|it| it.node.to_string())
                .collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Takes part in the fleet until the server ends. Other nodes send nobody here before it
    /// [is announced](Self::announce_gateway).
    pub(crate) async fn join_fleet(self: &Arc<Self>) -> Result<(), Unavailable> {
        let (directory, bus) = (&self.node.directory, &self.node.bus);
        let records = directory.watch(&Prefix::nodes()).await?;
        let beats = bus.subscribe(&beats().into()).await?;
        let pings = bus.subscribe(&Node::pings(&self.node.owner()).into()).await?;
        self.life.spawn(self.clone().follow_records(records));
        self.fleet.sweeping.come_later();
        self.life.spawn(self.clone().hear_beats(beats));
        self.life.spawn(self.clone().answer_pings(pings));
        self.life.spawn(self.clone().beat());
        self.life.spawn(self.clone().watch_over());
        Ok(())
    }

    /// Lets the other nodes send clients here.
    pub(crate) async fn announce_gateway(&self, gateway: &Gateway) -> Result<(), Unavailable> {
        let info = self.fleet.announced.get_or_init(|| gateway.to_text());
        self.amend_own(|record| record.info.clone_from(info)).await
    }

    async fn amend_own(&self, change: impl Fn(&mut NodeRecord) + Send) -> Result<(), Unavailable> {
        // One that is over by others' words begins anew, and says it again.
        amend(&*self.node.directory, &self.node.owner(), change)
            .await
            .map(|_| ())
    }

    async fn follow_records(self: Arc<Self>, mut records: Box<dyn Watch>) {
        loop {
            let event = tokio::select! {
                event = records.next() => event,
                () = self.life.draining() => break,
            };
            self.look_at_own(&event).await;
            self.fleet.let_go(&event);
            self.fleet.lock().handle_record(Instant::now(), &event);
        }
        self.say_draining().await;
    }

    /// Has the other nodes send nobody here any more.
    pub(crate) async fn say_draining(&self) {
        let said = self.amend_own(|record| record.state = NodeState::Draining).await;
        if said.is_err() {
            tracing::warn!("other nodes could not be told that this one is going");
        }
    }

    /// Takes note of what the directory says of this node itself.
    async fn look_at_own(&self, event: &WatchEvent) {
        let WatchEvent::Put(entry) = event else { return };
        let own = self.node.owner();
        let record = NodeRecord::read(entry).filter(|_| entry.key == Key::node(&own.node));
        let Some(record) = record else { return };
        if record.boot != own.boot {
            tracing::error!(node = %own.node, "another process has begun in the name of this node: end one of them");
        } else if is_dead(Some(&record), &own) {
            self.begin_anew().await;
        }
    }

    /// Others have declared this node dead while it was out of reach: it begins another life, and keeps what nobody has
    /// taken meanwhile.
    async fn begin_anew(&self) {
        tracing::warn!("this node was declared dead, and begins anew");
        let begin = async || {
            self.node.begin_anew().await?;
            match self.fleet.announced.get() {
                Some(info) => self.amend_own(|record| record.info.clone_from(info)).await,
                None => Ok(()),
            }
        };
        while begin().await.is_err() {
            tokio::select! {
                () = sleep(BEAT) => {}
                () = self.life.draining() => return,
            }
        }
        self.fleet.holdings.assert_all();
    }

    async fn hear_beats(self: Arc<Self>, mut beats: Box<dyn Subscription>) {
        loop {
            let delivery = tokio::select! {
                delivery = beats.next() => delivery,
                () = self.life.draining() => return,
            };
            // A lost one is followed by the next.
            let Delivery::Message(message) = delivery else { continue };
            if let Ok(beat) = serde_json::from_slice(&message.payload) {
                self.fleet.lock().handle_beat(Instant::now(), &beat);
            }
        }
    }

    async fn answer_pings(self: Arc<Self>, mut pings: Box<dyn Subscription>) {
        loop {
            let delivery = tokio::select! {
                delivery = pings.next() => delivery,
                () = self.life.draining() => return,
            };
            if let Delivery::Message(Message { reply: Some(reply), .. }) = delivery {
                // Who asks and hears nothing asks again.
                let _ = self.node.bus.publish(&reply, Bytes::new()).await;
            }
        }
    }

    /// Says again and again that this node lives.
    async fn beat(self: Arc<Self>) {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.life.draining() => return,
            }
            let beat = Beat {
                node: self.node.name.clone(),
                boot: self.node.boot,
                said: self.said(),
            };
            let beat = serde_json::to_vec(&beat).expect("names and numbers are JSON");
            // While the bus is out of reach nobody takes the silence for death.
            let _ = self.node.bus.publish(&beats(), beat.into()).await;
        }
    }

    /// Looks who has become silent, and asks whether he lives: each in a task of its own, one at a time.
    async fn watch_over(self: Arc<Self>) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut asked, mut answered) = (HashSet::new(), JoinSet::new());
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                Some(life) = answered.join_next() => {
                    if let Ok(life) = life {
                        asked.remove(&life);
                    }
                    continue;
                }
                () = self.life.draining() => return,
            }
            let doubted = self.fleet.lock().doubted(Instant::now());
            for life in doubted {
                if asked.insert(life.clone()) {
                    let fleet = self.fleet.clone();
                    answered.spawn(async move {
                        fleet.is_over(&life).await;
                        life
                    });
                }
            }
        }
    }
}

/// Without chance all clients get one order, which is no reason to refuse them.
fn seed() -> u64 {
    let mut seed = [0; 8];
    let _ = aws_lc_rs::rand::fill(&mut seed);
    u64::from_le_bytes(seed)
}

fn beats() -> Subject {
    Subject::parse("beats").expect("letters are a part")
}

#[cfg(test)]
mod tests {
    use hst_cluster::{Directory as _, memory::MemoryCluster};
    use hst_store::Store;

    use super::*;
    use crate::life::Lifeline;

    async fn node(cluster: &MemoryCluster, name: &str) -> (Lifeline, Arc<Hub>) {
        let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
        let node = Node::join(directory, bus, NodeId::parse(name).unwrap()).await.unwrap();
        let (lifeline, hub) = Hub::in_memory_as(node, Vec::new(), Store::in_memory().unwrap());
        hub.join_fleet().await.unwrap();
        let gateway = Gateway {
            origin: format!("http://{name}").parse().unwrap(),
            quic: None,
            weight: 100,
        };
        hub.announce_gateway(&gateway).await.unwrap();
        (lifeline, hub)
    }

    fn names(hub: &Hub, name: &str) -> bool {
        let is_it = |choice: &Choice| matches!(choice, Choice::Other(gateway) if gateway.origin.host() == name);
        hub.choose_gateways(8, None).iter().any(is_it)
    }

    /// How long it takes until this is no more.
    async fn lasts(mut this: impl AsyncFnMut() -> bool) -> Duration {
        let since = Instant::now();
        while this().await {
            // tidy: allowed, because time is virtual
            sleep(Duration::from_millis(10)).await;
            assert!(since.elapsed() < BEAT * 60, "it lasts for ever");
        }
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a10_a_killed_node_is_named_no_longer_and_loses_what_it_held_within_2500_ms() {
        let cluster = MemoryCluster::default();
        let (_lifeline, one) = node(&cluster, "one").await;
        let (other_lifeline, other) = node(&cluster, "other").await;
        lasts(async || !names(&one, "other") || !names(&other, "one")).await;
        // tidy: allowed, because time is virtual
        sleep(BEAT * 30).await;
        assert!(names(&one, "other") && names(&other, "one"));

        let held = Key::parse("login.app.ann.web.0").unwrap();
        let login = hst_cluster::Login::new(1, other.node.owner());
        cluster.create(&held, login.to_bytes()).await.unwrap();
        drop((other_lifeline, other));
        let named = lasts(async || names(&one, "other")).await;
        assert!(named <= BEAT * 3, "{named:?}");
        let held = lasts(async || cluster.get(&held).await.unwrap().is_some()).await;
        assert!(named + held <= BEAT * 5 / 2, "{named:?} and {held:?} later");
    }

    #[tokio::test(start_paused = true)]
    async fn every_node_lists_all_nodes_and_says_which_are_ending_or_silent() {
        let cluster = MemoryCluster::default();
        let (_lifeline, one) = node(&cluster, "one").await;
        let (other_lifeline, other) = node(&cluster, "other").await;
        let states = |hub: &Hub| -> Vec<_> {
            let nodes = hub.nodes();
            nodes
                .iter()
                .map(|it| (it.life.node.to_string(), it.state.as_str()))
                .collect()
        };
        lasts(async || states(&one).len() < 2 || states(&other).len() < 2).await;
        for hub in [&one, &other] {
            assert_eq!(states(hub), [("one".to_owned(), "up"), ("other".to_owned(), "up")]);
        }
        // tidy: allowed, because time is virtual
        sleep(BEAT * 2).await;
        let nodes = one.nodes();
        assert_eq!(nodes[1].said, other.said(), "it says so itself");
        assert_eq!(nodes[1].origin.as_deref(), Some("http://other"));

        drop(other);
        let ending = tokio::spawn(other_lifeline.end(Duration::from_secs(10)));
        lasts(async || states(&one)[1].1 == "up").await;
        assert_eq!(states(&one)[1].1, "draining");
        ending.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a10_a_draining_node_is_named_for_a_second_at_most() {
        let cluster = MemoryCluster::default();
        let (_lifeline, one) = node(&cluster, "one").await;
        let (other_lifeline, other) = node(&cluster, "other").await;
        lasts(async || !names(&one, "other")).await;
        drop(other);
        let ending = tokio::spawn(other_lifeline.end(Duration::from_secs(10)));
        let named = lasts(async || names(&one, "other")).await;
        assert!(named < Duration::from_secs(1), "{named:?}");
        ending.await.unwrap();
    }
}
