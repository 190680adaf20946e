//! The ways beside UDP: they are begun one after the other where UDP brings nothing, and given up where it does.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use str0m::{Candidate, net::Transmit};
use tokio::time::Instant;

use crate::{
    order::{Order, PipeId},
    way::{Given, Plan, Way},
};

/// How long each way has before the next one is begun beside it, as for connections in general (RFC 8305 section 5).
const STEP: Duration = Duration::from_millis(250);
/// When all are begun anew after none of them has led anywhere.
const RETRY: Duration = Duration::from_secs(1);
/// The most ways that are tried; those behind them are the least wanted.
const MAX_PLANS: usize = 8;

/// The ladder of ways that are worse than UDP, best first.
///
/// As soon as the other side has answered over one, those that are worse are closed: so what is heard at all is heard
/// over the way in use, and a way that has died is noticed.
#[derive(Debug)]
pub(crate) struct Detours {
    plans: Vec<Plan>,
    /// The next of them to begin, and when.
    next: usize,
    due: Option<Instant>,
    sought: Instant,
    /// Whether the other side has answered, over UDP or one of these.
    is_settled: bool,
    begun: BTreeMap<PipeId, Begun>,
    last: u32,
    /// Drained after every call, so it holds what one call gives rise to.
    orders: VecDeque<Order>,
}

#[derive(Debug)]
struct Begun {
    rank: usize,
    way: Way,
}

impl Detours {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            plans: Vec::new(),
            next: 0,
            due: None,
            sought: now,
            is_settled: false,
            begun: BTreeMap::new(),
            last: 0,
            orders: VecDeque::new(),
        }
    }

    /// A way to the other side is looked for from now on, first over UDP. What there was is given up.
    pub(crate) fn seek(&mut self, now: Instant) {
        self.close();
        self.plans.clear();
        self.sought = now;
        self.is_settled = false;
    }

    /// These ways there are, best first.
    pub(crate) fn plan(&mut self, now: Instant, mut plans: Vec<Plan>) {
        plans.truncate(MAX_PLANS);
        self.plans = plans;
        self.next = 0;
        self.due = (!self.is_settled && !self.plans.is_empty()).then(|| now.max(self.sought + STEP));
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ways = self.begun.values().filter_map(|begun| begun.way.deadline());
        ways.chain(self.due).min()
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.begin(now);
        }
        for (&pipe, begun) in &mut self.begun {
            begun.way.handle_timeout(now, pipe, &mut self.orders);
        }
    }

    fn begin(&mut self, now: Instant) {
        let Some(plan) = self.plans.get(self.next) else {
            self.due = None;
            return;
        };
        self.last += 1;
        let pipe = PipeId(self.last);
        tracing::debug!(?plan, "another way is tried");
        self.orders.push_back(Order::Open {
            pipe,
            dial: plan.dial(),
        });
        let begun = Begun {
            rank: self.next,
            way: Way::new(plan.clone()),
        };
        self.begun.insert(pipe, begun);
        self.next += 1;
        self.due = (self.next < self.plans.len()).then_some(now + STEP);
    }

    /// A pipe stands; this is our end of it.
    pub(crate) fn opened(&mut self, now: Instant, pipe: PipeId, local: SocketAddr) -> Given {
        let Some(begun) = self.begun.get_mut(&pipe) else {
            return Given::default();
        };
        Given {
            pair: begun.way.opened(now, local, pipe, &mut self.orders),
            datagram: None,
        }
    }

    /// A message has come over a pipe.
    pub(crate) fn receive(&mut self, now: Instant, pipe: PipeId, bytes: Vec<u8>) -> Given {
        let Some(begun) = self.begun.get_mut(&pipe) else {
            return Given::default();
        };
        begun.way.receive(now, bytes, pipe, &mut self.orders)
    }

    /// The other side has answered over UDP, or over a pipe: gives up what is worse. Returns our candidates there.
    pub(crate) fn heard(&mut self, over: Option<PipeId>) -> Vec<Candidate> {
        let rank = match over {
            None => None,
            Some(pipe) => match self.begun.get(&pipe) {
                Some(begun) => Some(begun.rank),
                None => return Vec::new(),
            },
        };
        self.is_settled = true;
        self.due = None;
        let worse = self.begun.extract_if(.., |_, begun| Some(begun.rank) > rank);
        let orders = &mut self.orders;
        let lost = worse.filter_map(|(pipe, begun)| begun.way.close(pipe, orders));
        lost.collect()
    }

    /// A pipe has ended by itself, or never stood. Returns our candidate there.
    ///
    /// If it was the last one, all begin anew; and whatever is next need not wait for it any more.
    pub(crate) fn ended(&mut self, now: Instant, pipe: PipeId) -> Option<Candidate> {
        let begun = self.begun.remove(&pipe)?;
        if self.begun.is_empty() && self.due.is_none() {
            self.due = Some(now + if self.is_settled { STEP } else { RETRY });
            self.next = 0;
            self.is_settled = false;
        } else if self.due.is_some() {
            self.due = Some(now);
        }
        begun.way.candidate()
    }

    /// Takes a datagram that has to go over one of these ways; gives back one that has not.
    pub(crate) fn send(&mut self, transmit: Transmit) -> Option<Transmit> {
        let takes = |(_, begun): &(&PipeId, &mut Begun)| begun.way.leads(&transmit);
        match self.begun.iter_mut().find(takes) {
            Some((&pipe, begun)) => {
                begun.way.send(&transmit, pipe, &mut self.orders);
                None
            }
            None => Some(transmit),
        }
    }

    /// Gives up all of them.
    pub(crate) fn close(&mut self) {
        self.due = None;
        for (pipe, begun) in std::mem::take(&mut self.begun) {
            begun.way.close(pipe, &mut self.orders);
        }
    }

    pub(crate) fn poll_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }
}
