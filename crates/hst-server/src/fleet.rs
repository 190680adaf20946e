use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hst_cluster::{
    Delivery, Message, NodeId, NodeState, Owner, Prefix, RequestError, Subject, Subscription, Unavailable, Watch,
    amend, fence, sweep,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    gateways::{BEAT, Choice, Gateway, Gateways, Own},
    hub::Hub,
    node::Node,
};

/// How long a silent node may take to say that it lives.
const PING_TIMEOUT: Duration = BEAT;

/// This node among all others: it lets them know that it lives, knows who does, and declares dead who does not.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// A lock, because whoever asks Access reads here; held for one look-up.
    gateways: Mutex<Gateways>,
    weight: u32,
}

/// What each node says of itself again and again, to all.
#[derive(Debug, Serialize, Deserialize)]
struct Beat {
    node: NodeId,
    boot: u64,
    sessions: u64,
}

impl Fleet {
    pub(crate) fn new(node: &Node, weight: u32, fixed: Vec<Gateway>) -> Self {
        Self {
            gateways: Mutex::new(Gateways::new(Instant::now(), node.boot, fixed)),
            weight,
        }
    }

    /// Where another node is reached, if it is a gateway.
    pub(crate) fn find(&self, life: &Owner) -> Option<Gateway> {
        self.lock().find(life).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Gateways> {
        // What is known is whole whenever the lock is free.
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// At most `most` gateways, in the order in which a client should try them; never none.
    pub(crate) fn choose_gateways(&self, most: usize) -> Vec<Choice> {
        let own = Own {
            weight: self.fleet.weight,
            sessions: self.sessions.count(),
            takes_more: !self.life.is_draining(),
        };
        let mut seed = [0; 8];
        // Without chance all clients get one order, which is no reason to refuse them.
        let _ = aws_lc_rs::rand::fill(&mut seed);
        self.fleet
            .lock()
            .choose(Instant::now(), own, most, u64::from_le_bytes(seed))
    }

    /// Takes part in the fleet until the server ends. Other nodes send nobody here before it
    /// [is announced](Self::announce_gateway).
    pub(crate) async fn join_fleet(self: &Arc<Self>) -> Result<(), Unavailable> {
        let records = self.node.directory.watch(&Prefix::nodes()).await?;
        let beats = self.node.bus.subscribe(&beats().into()).await?;
        let pings = self.node.bus.subscribe(&Node::pings(&self.node.owner()).into()).await?;
        self.life.spawn(self.clone().follow_records(records));
        self.life.spawn(self.clone().hear_beats(beats));
        self.life.spawn(self.clone().answer_pings(pings));
        self.life.spawn(self.clone().beat());
        Ok(())
    }

    /// Lets the other nodes send clients here.
    pub(crate) async fn announce_gateway(&self, gateway: &Gateway) -> Result<(), Unavailable> {
        let info = gateway.to_text();
        amend(&*self.node.directory, &self.node.owner(), |record| {
            record.info.clone_from(&info)
        })
        .await?;
        Ok(())
    }

    async fn follow_records(self: Arc<Self>, mut records: Box<dyn Watch>) {
        loop {
            let event = tokio::select! {
                event = records.next() => event,
                () = self.life.draining() => return self.leave_fleet().await,
            };
            self.fleet.lock().handle_record(Instant::now(), &event);
        }
    }

    async fn leave_fleet(&self) {
        let owner = self.node.owner();
        let drains = amend(&*self.node.directory, &owner, |record| {
            record.state = NodeState::Draining
        });
        if drains.await.is_err() {
            tracing::warn!("other nodes could not be told that this one is going");
        }
    }

    async fn hear_beats(self: Arc<Self>, mut beats: Box<dyn Subscription>) {
        loop {
            let delivery = tokio::select! {
                delivery = beats.next() => delivery,
                () = self.life.draining() => return,
            };
            // A lost one is followed by the next.
            let Delivery::Message(message) = delivery else { continue };
            if let Ok(Beat { node, boot, sessions }) = serde_json::from_slice(&message.payload) {
                self.fleet.lock().handle_beat(Instant::now(), &node, boot, sessions);
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

    /// Says that this node lives, and looks who does not.
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
                sessions: self.sessions.count(),
            };
            let beat = serde_json::to_vec(&beat).expect("names and numbers are JSON");
            // While the bus is out of reach nobody takes the silence for death.
            let _ = self.node.bus.publish(&beats(), beat.into()).await;
            let suspects = self.fleet.lock().suspects(Instant::now());
            for suspect in suspects {
                self.life.spawn(self.clone().doubt(suspect));
            }
        }
    }

    /// A node is silent: if it does not answer either, it is declared dead, and what it held is free.
    async fn doubt(self: Arc<Self>, life: Owner) {
        let asked = self
            .node
            .bus
            .request(&Node::pings(&life), Bytes::new(), PING_TIMEOUT)
            .await;
        match asked {
            Ok(_) => return self.fleet.lock().handle_answer(Instant::now(), &life),
            Err(RequestError::Unavailable) => return,
            Err(RequestError::NoResponders | RequestError::Timeout) => {}
        }
        let directory = &*self.node.directory;
        match fence(directory, &life).await {
            Ok(true) => tracing::warn!(node = %life.node, "a node is dead: what it held is free"),
            // It has ended by itself, or somebody else has begun anew in its name.
            Ok(false) => return,
            Err(error) => return tracing::warn!(node = %life.node, %error, "a dead node could not be declared so"),
        }
        for held in [Prefix::groups(), Prefix::logins()] {
            if let Err(error) = sweep(directory, &held, &life).await {
                tracing::warn!(node = %life.node, %error, "a dead node seems to hold something still");
            }
        }
    }
}

fn beats() -> Subject {
    Subject::parse("beats").expect("letters are a part")
}

#[cfg(test)]
mod tests {
    use hst_cluster::{Directory as _, Key, memory::MemoryCluster};
    use hst_store::Store;
    use tokio::time::sleep;

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
        hub.choose_gateways(8).iter().any(is_it)
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
    async fn a10_a_killed_node_is_named_for_three_heartbeats_at_most_and_then_loses_what_it_held() {
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
        assert!(held <= BEAT * 3, "{held:?} later");
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
