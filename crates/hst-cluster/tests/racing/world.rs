//! A directory, the logins that race in it, and all that can happen next.

use std::{collections::BTreeMap, num::NonZeroU8, ops::ControlFlow};

use bytes::Bytes;
use hst_cluster::{
    Answer, Claim, Entry, Key, Login, NodeId, NodeRecord, NodeState, Outcome, Owner, Revision, Step, Verdict, Versions,
    WriteError,
};

use crate::races::{Case, Earlier};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) entries: BTreeMap<Key, Entry>,
    last: u64,
    pub(crate) racers: Vec<Racer>,
    pub(crate) earlier: Vec<Holding>,
    lost: u8,
    fence_may_come: bool,
    winners_leave: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Racer {
    Claiming(Claim),
    Over { outcome: Outcome, has_left: bool },
}

/// A place that a login believes to hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Holding {
    pub(crate) key: Key,
    pub(crate) revision: Revision,
    pub(crate) kind: Earlier,
    pub(crate) has_left: bool,
}

/// What happens next, in one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move {
    /// The next step of a login's claim, and its answer.
    Step(usize),
    /// The next step, but the answer is lost.
    AnswerLost(usize),
    /// The next step never reaches the directory.
    RequestLost(usize),
    /// A login that had won logs out.
    WinnerLeaves(usize),
    /// A login that was there before logs out.
    EarlierLeaves(usize),
    /// The node of those that were there before is declared dead.
    Fence,
}

/// Where the places are.
pub(crate) fn base() -> Key {
    Key::parse("login.app.ann.web").unwrap()
}

impl World {
    pub(crate) fn new(case: &Case) -> Self {
        let mut world = Self {
            entries: BTreeMap::new(),
            last: 0,
            racers: Vec::new(),
            earlier: Vec::new(),
            lost: case.lost_answers,
            fence_may_come: case.earlier.contains(&Earlier::Dies),
            winners_leave: case.winners_leave,
        };
        let owner = world.register("old");
        for (place, kind) in (0..).zip(case.earlier.iter().copied()) {
            let key = base().with(&place);
            let login = Login::new(place, owner.clone());
            let revision = world.put(&key, login.to_bytes(), None).unwrap();
            world.earlier.push(Holding {
                key,
                revision,
                kind,
                has_left: false,
            });
        }
        if case.earlier.contains(&Earlier::IsDead) {
            world.fence();
        }
        for (at, policy) in case.policies.iter().enumerate() {
            let owner = world.register(&format!("n{at}"));
            // The same number on every node: only number and boot together name a session.
            let login = Login::new(0, owner);
            let places = NonZeroU8::new(case.places).unwrap();
            world
                .racers
                .push(Racer::Claiming(Claim::new(base(), places, *policy, login)));
        }
        world
    }

    /// Whether every claim is over. Logins may still leave.
    pub(crate) fn is_decided(&self) -> bool {
        self.racers.iter().all(|racer| matches!(racer, Racer::Over { .. }))
    }

    /// All that can happen next.
    pub(crate) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (at, racer) in self.racers.iter().enumerate() {
            match racer {
                Racer::Claiming(claim) => {
                    moves.push(Move::Step(at));
                    let reads = matches!(claim.poll(), ControlFlow::Continue(Step::Get { .. }));
                    if self.lost > 0 && !reads {
                        moves.extend([Move::AnswerLost(at), Move::RequestLost(at)]);
                    }
                }
                Racer::Over { outcome, has_left } => {
                    let has_won = matches!(outcome.verdict, Verdict::Claimed { .. });
                    if self.winners_leave && has_won && !has_left {
                        moves.push(Move::WinnerLeaves(at));
                    }
                }
            }
        }
        for (at, earlier) in self.earlier.iter().enumerate() {
            if earlier.kind == Earlier::Leaves && !earlier.has_left {
                moves.push(Move::EarlierLeaves(at));
            }
        }
        if self.fence_may_come {
            moves.push(Move::Fence);
        }
        moves
    }

    pub(crate) fn after(&self, step: Move) -> Self {
        let mut world = self.clone();
        match step {
            Move::Step(at) => {
                let answer = world.answer(at);
                world.hand(at, answer);
            }
            Move::AnswerLost(at) => {
                world.answer(at);
                world.lose(at);
            }
            Move::RequestLost(at) => world.lose(at),
            Move::WinnerLeaves(at) => {
                if let Racer::Over { outcome, has_left } = &mut world.racers[at] {
                    *has_left = true;
                    if let Verdict::Claimed { key, revision } = outcome.verdict.clone() {
                        world.delete(&key, revision);
                    }
                }
            }
            Move::EarlierLeaves(at) => {
                let earlier = &mut world.earlier[at];
                earlier.has_left = true;
                let (key, revision) = (earlier.key.clone(), earlier.revision);
                world.delete(&key, revision);
            }
            Move::Fence => {
                world.fence_may_come = false;
                world.fence();
            }
        }
        world
    }

    pub(crate) fn stands(&self, key: &Key) -> Option<Revision> {
        self.entries.get(key).map(|entry| entry.revision)
    }

    /// What the directory does with the next step of a login.
    fn answer(&mut self, at: usize) -> Answer {
        let Racer::Claiming(claim) = &self.racers[at] else {
            unreachable!("only a claim that goes on has a step");
        };
        match claim.poll() {
            ControlFlow::Continue(Step::Create { key, value }) => Answer::Written(self.put(&key, value, None)),
            ControlFlow::Continue(Step::Update { key, value, expected }) => {
                Answer::Written(self.put(&key, value, Some(expected)))
            }
            ControlFlow::Continue(Step::Get { key }) => Answer::Read(Ok(self.entries.get(&key).cloned())),
            ControlFlow::Break(_) => unreachable!("it would be over"),
        }
    }

    fn lose(&mut self, at: usize) {
        self.lost -= 1;
        self.hand(at, Answer::Written(Err(WriteError::Unknown)));
    }

    fn hand(&mut self, at: usize, answer: Answer) {
        if let Racer::Claiming(claim) = &mut self.racers[at] {
            claim.handle(answer);
            if let ControlFlow::Break(outcome) = claim.poll() {
                self.racers[at] = Racer::Over {
                    outcome,
                    has_left: false,
                };
            }
        }
    }

    fn put(&mut self, key: &Key, value: Bytes, expected: Option<Revision>) -> Result<Revision, WriteError> {
        if self.stands(key) != expected {
            return Err(WriteError::Conflict);
        }
        self.last += 1;
        let revision = Revision::new(self.last);
        let entry = Entry {
            key: key.clone(),
            value,
            revision,
        };
        self.entries.insert(key.clone(), entry);
        Ok(revision)
    }

    fn delete(&mut self, key: &Key, expected: Revision) {
        if self.stands(key) == Some(expected) {
            self.entries.remove(key);
        }
    }

    fn register(&mut self, node: &str) -> Owner {
        let node = NodeId::parse(node).unwrap();
        let boot = self.last;
        let record = NodeRecord {
            epoch: Revision::OWN,
            boot,
            state: NodeState::Up,
            speaks: Versions::UNSAID,
            info: String::new(),
        };
        let epoch = self.put(&Key::node(&node), record.to_bytes(), None).unwrap();
        Owner { node, epoch, boot }
    }

    fn fence(&mut self) {
        let key = Key::node(&NodeId::parse("old").unwrap());
        let entry = &self.entries[&key];
        let mut record = NodeRecord::read(entry).unwrap();
        record.state = NodeState::Fenced;
        let expected = entry.revision;
        self.put(&key, record.to_bytes(), Some(expected)).unwrap();
    }
}
