//! A node gives away all that it has.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use hst_cluster::{
    NodeId,
    pipe::{News, Pipe},
};
use hst_group::server::MemberId;
use tokio::{
    sync::{Mutex, oneshot},
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{HasMoved, Offered, Order, ToGiver, Whereabouts};
use crate::{
    gateways::Successor,
    group::encode,
    groups::Key as GroupKey,
    handle::{SessionHandle, Word},
    hub::Hub,
};

/// How many nodes a session is offered to before it ends here.
const TRIES: usize = 3;
/// How long all may take to go.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);
/// Sessions that are on their way at a time.
const AT_A_TIME: usize = 32;
/// How long the other node may take to prepare.
const PREPARE: Duration = Duration::from_secs(6);
/// How long a session may take to go, once all is prepared.
const GO: Duration = Duration::from_secs(25);
/// How often it is looked whether all is gone.
const LOOK: Duration = Duration::from_millis(50);

/// What came of a drain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Sessions that are at other nodes now.
    pub(crate) moved: usize,
    /// Those that are still here.
    pub(crate) left: usize,
}

/// Where sessions go: those of one group to one node, so that their media cross no more than before.
#[derive(Debug, Default)]
struct Targets {
    by_group: HashMap<GroupKey, NodeId>,
    /// How many have gone where by this.
    sent: HashMap<NodeId, u64>,
}

impl Hub {
    /// Gives everything that is here to other nodes: every session goes on there with its place in its group, without anybody
    /// else noticing, and groups whose home is here go on without this node. Nobody is let in any more, and other nodes name
    /// this one to no client.
    ///
    /// It takes `patience` at most; what could not be moved by then, or where there is no other node, stays here as it is, and
    /// the node works on for it. It may be called again, and waits then until the first is done. Dropped half-way, some sessions have gone and the others stay.
    pub(crate) async fn drain(self: &Arc<Self>, patience: Duration) -> Drained {
        let _turn = self.drains.lock().await;
        let until = Instant::now() + patience;
        let mut drained = Drained::default();
        self.life.leave();
        self.groups.leave();
        if self.fleet.successors().is_empty() {
            drained.left = self.sessions.count().try_into().unwrap_or(usize::MAX);
            return drained;
        }
        self.say_draining().await;
        let targets = Arc::new(Mutex::new(Targets::default()));
        let mut lingering = Vec::new();
        // A second round for those who were about to do something else, and those who have just come.
        for _ in 0..2 {
            let mut waiting: VecDeque<_> = self.sessions.all().into();
            let mut going = JoinSet::new();
            loop {
                while going.len() < AT_A_TIME
                    && let Some(session) = waiting.pop_front()
                {
                    let (hub, targets) = (self.clone(), targets.clone());
                    going.spawn(async move { hub.move_session(session, &targets).await });
                }
                match timeout_at(until, going.join_next()).await {
                    Ok(Some(Ok(Some(HasMoved(rest))))) => {
                        drained.moved += 1;
                        lingering.extend(rest);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break,
                }
            }
        }
        for rest in lingering {
            // An error is its end.
            let _ = timeout_at(until, rest).await;
        }
        // Groups that other nodes have members of go on there.
        while self.groups.count() > 0 && self.sessions.count() == 0 && Instant::now() < until {
            sleep(LOOK).await;
        }
        drained.left = self.sessions.count().try_into().unwrap_or(usize::MAX);
        tracing::info!(moved = drained.moved, left = drained.left, "drained");
        drained
    }

    async fn move_session(self: Arc<Self>, session: SessionHandle, targets: &Mutex<Targets>) -> Option<HasMoved> {
        for _ in 0..TRIES {
            let (tell, told) = oneshot::channel();
            session.tell(Word::Locate(tell)).ok()?;
            let at = timeout(PREPARE, told).await.ok()?.ok()??;
            let group = at.group.as_ref().map(|(group, _)| (at.app.clone(), group.clone()));
            let target = self.choose_target(group.as_ref(), targets).await?;
            if let Some(way) = self.offer_session(&target, at).await
                && let Some(moved) = self.hand_over(&session, target, group.clone(), way).await
            {
                return Some(moved);
            }
            // If it is here still, it is as it was; another node may take it.
            if let Some(group) = &group {
                targets.lock().await.by_group.remove(group);
            }
        }
        None
    }

    async fn hand_over(
        &self,
        session: &SessionHandle,
        target: Successor,
        group: Option<GroupKey>,
        (pipe, number, called): (Pipe, u64, MemberId),
    ) -> Option<HasMoved> {
        let (outcome, is_decided) = oneshot::channel();
        let order = Order {
            to: target.life,
            pipe,
            session: number,
            called,
            group,
            signal: target.gateway.signal(),
            outcome,
        };
        session.tell(Word::HandOver(Box::new(order))).ok()?;
        timeout(GO, is_decided).await.ok()?.ok()
    }

    async fn choose_target(&self, group: Option<&GroupKey>, targets: &Mutex<Targets>) -> Option<Successor> {
        let home = match group {
            Some(group) => self.groups.placement.find(group).await.ok().flatten(),
            None => None,
        };
        let mut targets = targets.lock().await;
        let all = self.fleet.successors();
        let preferred = group.and_then(|group| targets.by_group.get(group).cloned());
        let preferred = preferred.or_else(|| home.map(|home| home.node));
        let by_name = |name: &NodeId| all.iter().find(|it| it.life.node == *name);
        let load = |it: &&Successor| {
            let sent = targets.sent.get(&it.life.node).copied().unwrap_or_default();
            // As whole numbers, so that they can be compared.
            (it.sessions + sent).saturating_mul(1_000) / u64::from(it.gateway.weight.max(1))
        };
        let chosen = preferred
            .as_ref()
            .and_then(by_name)
            .or_else(|| all.iter().min_by_key(load))?
            .clone();
        *targets.sent.entry(chosen.life.node.clone()).or_default() += 1;
        if let Some(group) = group {
            targets.by_group.insert(group.clone(), chosen.life.node.clone());
        }
        Some(chosen)
    }

    /// Has another node prepare for a session. Gives the way on, and how it is called there.
    async fn offer_session(&self, target: &Successor, at: Whereabouts) -> Option<(Pipe, u64, MemberId)> {
        let offered = Offered {
            hands_over: self.fleet.words_with(&target.life),
            from: self.node.owner(),
            app: at.app,
            user: at.user,
            group: at.group,
        };
        let mut pipe = self.node.pipes.connect(&target.life, encode(&offered));
        let answer = async {
            loop {
                match pipe.next().await {
                    News::Message(bytes) => return serde_json::from_slice(&bytes).ok(),
                    News::Delivered(_) => {}
                    News::Ended => return None,
                }
            }
        };
        match timeout(PREPARE, answer).await.ok().flatten() {
            Some(ToGiver::Ready { session, called }) => Some((pipe, session, called)),
            Some(ToGiver::Refused(why)) => {
                tracing::info!(node = %target.life.node, why = why.message, "a session was not taken");
                pipe.close().await;
                None
            }
            _ => {
                pipe.close().await;
                None
            }
        }
    }
}
