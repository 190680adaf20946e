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
const MAX_PLANS: usize = 10;

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

/// A way that has come to its end by itself.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Our candidate there.
    pub(crate) candidate: Option<Candidate>,
    pub(crate) was_in_use: bool,
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

    /// Time has passed. Returns what has come to its end.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Lost> {
        if self.due.is_some_and(|due| due <= now) {
            self.begin(now);
        }
        let Self { begun, orders, .. } = self;
        let over = begun
            .iter_mut()
            .filter_map(|(&pipe, begun)| begun.way.handle_timeout(now, orders).then_some(pipe));
        let over: Vec<_> = over.collect();
        over.into_iter().filter_map(|pipe| self.end(now, pipe)).collect()
    }

    fn begin(&mut self, now: Instant) {
        let Some(plan) = self.plans.get(self.next) else {
            self.due = None;
            return;
        };
        self.last += 1;
        let pipe = PipeId(self.last);
        tracing::debug!(?plan, "another way is tried");
        let way = Way::begin(plan.clone(), pipe, &mut self.orders);
        let rank = self.next;
        self.begun.insert(pipe, Begun { rank, way });
        self.next += 1;
        self.due = (self.next < self.plans.len()).then_some(now + STEP);
    }

    /// A pipe stands; this is our end of it.
    pub(crate) fn opened(&mut self, now: Instant, pipe: PipeId, local: SocketAddr) -> Given {
        let begun = self.begun.get_mut(&pipe);
        begun.map_or_else(Given::default, |it| it.way.opened(now, local, &mut self.orders))
    }

    /// A message has come over a pipe.
    pub(crate) fn receive(&mut self, now: Instant, pipe: PipeId, bytes: Vec<u8>) -> Given {
        let begun = self.begun.get_mut(&pipe);
        begun.map_or_else(Given::default, |it| it.way.receive(now, bytes, &mut self.orders))
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
        let lost = worse.filter_map(|(_, begun)| begun.way.close(orders));
        lost.collect()
    }

    /// A way has come to its end by itself.
    ///
    /// Where none is left that could lead to the other side, all begin anew; and whatever is next need not wait for it any
    /// more. The one in use is not replaced: the other side would go on to send there for a long time.
    pub(crate) fn end(&mut self, now: Instant, pipe: PipeId) -> Option<Lost> {
        let begun = self.begun.remove(&pipe)?;
        let was_in_use = self.is_settled && self.begun.is_empty();
        if !self.is_settled {
            if self.due.is_some() {
                self.due = Some(now);
            } else if self.begun.is_empty() {
                self.next = 0;
                self.due = Some(now + RETRY);
            }
        }
        Some(Lost {
            candidate: begun.way.close(&mut self.orders),
            was_in_use,
        })
    }

    /// Takes a datagram for these places if it has to go over one of these ways; says whether.
    pub(crate) fn send(&mut self, transmit: &Transmit, to: &[SocketAddr]) -> bool {
        let begun = self.begun.values_mut().find(|begun| begun.way.leads(transmit));
        let is_ours = begun.is_some();
        if let Some(begun) = begun {
            begun.way.send(&transmit.contents, to, &mut self.orders);
        }
        is_ours
    }

    /// Sends a datagram for these places over this very way.
    pub(crate) fn send_over(&mut self, pipe: PipeId, bytes: &[u8], to: &[SocketAddr]) {
        if let Some(begun) = self.begun.get_mut(&pipe) {
            begun.way.send(bytes, to, &mut self.orders);
        }
    }

    /// Gives up all of them.
    pub(crate) fn close(&mut self) {
        self.due = None;
        for begun in std::mem::take(&mut self.begun).into_values() {
            begun.way.close(&mut self.orders);
        }
    }

    pub(crate) fn poll_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        order::Dial,
        relay::{Carrier, Relay, RelayAddress},
    };

    fn addr(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    fn plans() -> Vec<Plan> {
        let tcp = "candidate:1 1 tcp 1518280447 192.0.2.1 7882 typ host tcptype passive";
        let relay = Relay {
            address: RelayAddress {
                host: "192.0.2.9".into(),
                port: 3478,
                carrier: Carrier::Udp,
            },
            credentials: hst_turn::Credentials {
                username: "1:ann".into(),
                password: "x".into(),
            },
        };
        let peers = vec![addr(7882)];
        vec![
            Plan::Tcp(Candidate::from_sdp_string(tcp).unwrap()),
            Plan::Relay { relay, peers },
        ]
    }

    /// What is asked for, in short.
    fn orders(detours: &mut Detours) -> Vec<String> {
        let short = |order| match order {
            Order::Open {
                pipe,
                dial: Dial::Server(_),
            } => format!("tcp {}", pipe.0),
            Order::Open {
                pipe,
                dial: Dial::Relay(_),
            } => format!("relay {}", pipe.0),
            Order::Send { pipe, .. } => format!("send {}", pipe.0),
            Order::Close { pipe } => format!("close {}", pipe.0),
        };
        std::iter::from_fn(|| detours.poll_order()).map(short).collect()
    }

    fn seeking() -> (Detours, Instant) {
        let now = Instant::now();
        let mut detours = Detours::new(now);
        detours.seek(now);
        detours.plan(now, plans());
        (detours, now)
    }

    #[test]
    fn each_way_has_its_time_before_the_next_is_begun_and_udp_has_it_first() {
        let (mut detours, now) = seeking();
        detours.handle_timeout(now + STEP - Duration::from_millis(1));
        assert!(orders(&mut detours).is_empty());
        detours.handle_timeout(now + STEP);
        assert_eq!(orders(&mut detours), ["tcp 1"]);
        detours.handle_timeout(now + 2 * STEP);
        assert_eq!(orders(&mut detours), ["relay 2"]);
        assert_eq!(detours.deadline(), None);
    }

    #[test]
    fn what_udp_has_answered_before_the_answer_came_makes_all_others_idle() {
        let now = Instant::now();
        let mut detours = Detours::new(now);
        detours.seek(now);
        detours.heard(None);
        detours.plan(now + STEP, plans());
        assert_eq!(detours.deadline(), None);
    }

    #[test]
    fn who_answers_ends_all_ways_that_are_worse_and_none_that_is_better() {
        let (mut detours, now) = seeking();
        detours.handle_timeout(now + STEP);
        detours.handle_timeout(now + 2 * STEP);
        detours.opened(now, PipeId(1), addr(5000));
        orders(&mut detours);
        detours.heard(Some(PipeId(2)));
        assert!(orders(&mut detours).is_empty());
        assert!(
            detours.heard(Some(PipeId(1))).is_empty(),
            "the relay had no candidate yet"
        );
        assert_eq!(orders(&mut detours), ["close 2"]);
        assert_eq!(detours.heard(None).len(), 1);
        assert_eq!(orders(&mut detours), ["close 1"]);
        assert_eq!(detours.deadline(), None);
    }

    #[test]
    fn a_way_that_fails_makes_room_for_the_next_at_once_and_when_all_have_failed_they_begin_anew() {
        let (mut detours, now) = seeking();
        detours.handle_timeout(now + STEP);
        assert!(!detours.end(now + STEP, PipeId(1)).unwrap().was_in_use);
        detours.handle_timeout(now + STEP);
        assert_eq!(orders(&mut detours), ["tcp 1", "close 1", "relay 2"]);
        detours.end(now + STEP, PipeId(2));
        assert_eq!(detours.deadline(), Some(now + STEP + RETRY));
        detours.handle_timeout(now + STEP + RETRY);
        assert_eq!(orders(&mut detours), ["close 2", "tcp 3"]);
    }

    #[test]
    fn the_end_of_the_way_in_use_is_told_and_nothing_begins_by_itself() {
        let (mut detours, now) = seeking();
        detours.handle_timeout(now + STEP);
        detours.opened(now, PipeId(1), addr(5000));
        detours.heard(Some(PipeId(1)));
        assert!(detours.end(now + RETRY, PipeId(1)).unwrap().was_in_use);
        assert_eq!(detours.deadline(), None);
        assert!(detours.end(now + RETRY, PipeId(1)).is_none(), "it is told once");
    }
}
