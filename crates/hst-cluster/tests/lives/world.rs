//! The directory, the nodes that use it, and all that can happen next.

use std::ops::ControlFlow;

use hst_cluster::{NodeId, Owner, Revision, Verdict};

use crate::{
    call::{Answer, Call, Done, Question, Running},
    case::{Case, Flaw},
    laws,
    node::{Duty, Held, Node, Wish},
    store::{Sent, Store},
};

#[derive(Debug, Clone, Hash)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) nodes: Vec<Node>,
    /// Some node that looks after the others; its number is behind theirs.
    fencer: Option<Asking>,
    /// Writes under way of which nobody waits for an answer any more.
    late: Vec<Sent>,
    /// Taken for dead without a fence, which is the flaw.
    silent: Vec<NodeId>,
    lost: u8,
    suspicions: u8,
    deaths: u8,
}

/// A call, with its present question sent and under way for as long as it pleases. That is how a node is paused, too: what
/// others do meanwhile takes as long as any lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asking {
    call: Call,
    running: Running,
    /// The newest of all nodes' records when the call began.
    begun: Option<Revision>,
    sent: Sent,
}

/// What happens next, in one moment. Actors are the nodes by their numbers, and the fencer behind them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move {
    /// An actor's question arrives, and its answer.
    Answer(usize),
    /// Its answer is lost, and the write is still under way.
    Lose(usize),
    /// A write whose answer was lost arrives after all.
    ArriveLate(usize),
    /// A node looks at what it follows, and does what there is to do.
    Look(usize),
    /// The user leaves.
    Leave(usize),
    /// The process ends without a word.
    Die(usize),
    /// The fencer takes the node's present life for over.
    Suspect(usize),
}

impl World {
    pub(crate) fn new(case: &Case) -> Self {
        let mut world = Self {
            store: Store::default(),
            nodes: Vec::new(),
            fencer: None,
            late: Vec::new(),
            silent: Vec::new(),
            lost: case.lost,
            suspicions: case.suspicions,
            deaths: case.deaths,
        };
        for (boot, policy) in (1..).zip(case.policies.into_iter().flatten()) {
            let node = NodeId::parse(&format!("n{boot}")).unwrap();
            let call = Call::Register {
                node: node.clone(),
                boot,
            };
            let epoch = Revision::OWN;
            world.nodes.push(Node {
                life: Owner { node, epoch, boot },
                held: None,
                wish: Wish::Fresh,
                policy,
                asking: None,
                is_gone: false,
            });
            let at = world.nodes.len() - 1;
            world.begin(at, call);
            while world.nodes[at].asking.is_some() {
                world = world.after(case, Move::Answer(at)).expect("nobody else is there");
            }
        }
        world
    }

    pub(crate) fn moves(&self, case: &Case) -> Vec<Move> {
        let mut moves = Vec::new();
        for actor in 0..=self.nodes.len() {
            if let Some(asking) = self.asking(actor) {
                moves.push(Move::Answer(actor));
                if self.lost > 0 && asking.sent.question.is_write() {
                    moves.push(Move::Lose(actor));
                }
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            if !node.is_gone {
                if node.asking.is_none() && node.duty(&self.store, case.flaw).is_some() {
                    moves.push(Move::Look(at));
                }
                if case.users_leave && node.asking.is_none() && node.held.is_some() {
                    moves.push(Move::Leave(at));
                }
                if self.deaths > 0 {
                    moves.push(Move::Die(at));
                }
            }
            if self.suspicions > 0 && self.fencer.is_none() {
                moves.push(Move::Suspect(at));
            }
        }
        moves.extend((0..self.late.len()).map(Move::ArriveLate));
        moves
    }

    /// Whether nothing is under way but writes that may never arrive, and no node has anything to do.
    pub(crate) fn is_settled(&self, case: &Case) -> bool {
        let mut nodes = self.nodes.iter().filter(|node| !node.is_gone);
        self.fencer.is_none() && nodes.all(|node| node.asking.is_none() && node.duty(&self.store, case.flaw).is_none())
    }

    /// The next world, or the law that is broken on the way.
    pub(crate) fn after(&self, case: &Case, step: Move) -> Result<Self, String> {
        let mut world = self.clone();
        match step {
            Move::Answer(actor) => {
                let asking = world.asking(actor).expect("only who asks is answered");
                let sent = asking.sent.clone();
                let answer = world.store.apply(case.flaw, &world.silent, &sent)?;
                world.hand(actor, answer)?;
            }
            Move::Lose(actor) => {
                let sent = world.asking(actor).expect("only who asks waits").sent.clone();
                let unknown = sent.question.unknown();
                world.lost -= 1;
                world.late.push(sent);
                world.hand(actor, unknown)?;
            }
            Move::ArriveLate(at) => {
                let sent = world.late.remove(at);
                world.store.apply(case.flaw, &world.silent, &sent)?;
            }
            Move::Look(at) => match world.nodes[at]
                .duty(&world.store, case.flaw)
                .expect("there is something to do")
            {
                Duty::Ask(call) => world.begin(at, call),
                Duty::Lose => world.nodes[at].held = None,
                Duty::Note(revision) => {
                    if let Some(held) = &mut world.nodes[at].held {
                        held.revision = revision;
                    }
                }
            },
            Move::Leave(at) => {
                let held = world.nodes[at].held.take().expect("only who has it leaves");
                let revision = held.revision;
                world.begin(at, Call::Release { revision });
            }
            Move::Die(at) => {
                world.deaths -= 1;
                let node = &mut world.nodes[at];
                (node.is_gone, node.held, node.wish) = (true, None, Wish::Nothing);
                let under_way = node.asking.take().map(|asking| asking.sent);
                world.late.extend(under_way.filter(|sent| sent.question.is_write()));
            }
            Move::Suspect(at) => {
                world.suspicions -= 1;
                let life = world.present_life(&world.nodes[at].life.node);
                match case.flaw {
                    Some(Flaw::TakesOverUnfenced) => world.silent.push(life.node),
                    _ => world.begin(world.nodes.len(), Call::Fence(life)),
                }
            }
        }
        laws::hold_always(case, &world)?;
        Ok(world)
    }

    fn present_life(&self, node: &NodeId) -> Owner {
        let (record, _) = self.store.record(node).expect("every node has registered");
        Owner {
            node: node.clone(),
            epoch: record.epoch,
            boot: record.boot,
        }
    }

    fn asking(&self, actor: usize) -> Option<&Asking> {
        match self.nodes.get(actor) {
            Some(node) => node.asking.as_ref(),
            None => self.fencer.as_ref(),
        }
    }

    fn asking_mut(&mut self, actor: usize) -> &mut Option<Asking> {
        match self.nodes.get_mut(actor) {
            Some(node) => &mut node.asking,
            None => &mut self.fencer,
        }
    }

    fn begin(&mut self, actor: usize, call: Call) {
        let running = Running::new(call.clone());
        let begun = self.store.newest_record();
        // Nobody asks for it of other calls, and so they differ less.
        let begun = begun.filter(|_| matches!(call, Call::Claim { .. }));
        if let ControlFlow::Continue(question) = running.poll() {
            let sent = self.send(&call, question);
            *self.asking_mut(actor) = Some(Asking {
                call,
                running,
                begun,
                sent,
            });
        }
    }

    fn send(&self, call: &Call, question: Question) -> Sent {
        let before = match &question {
            Question::Put { key, .. } | Question::Delete { key, .. } => self.store.stands(key),
            Question::Get(_) | Question::List(_) => None,
        };
        let call = call.clone();
        Sent { call, question, before }
    }

    fn hand(&mut self, actor: usize, answer: Answer) -> Result<(), String> {
        let mut asking = self.asking_mut(actor).take().expect("only who asks is answered");
        asking.running.handle(answer);
        match asking.running.poll() {
            ControlFlow::Continue(question) => {
                asking.sent = self.send(&asking.call, question);
                *self.asking_mut(actor) = Some(asking);
                Ok(())
            }
            ControlFlow::Break(done) => self.finish(actor, asking.call, asking.begun, done),
        }
    }

    fn finish(&mut self, actor: usize, call: Call, begun: Option<Revision>, done: Done) -> Result<(), String> {
        match (call, done) {
            (Call::Register { .. }, Done::Registered(epoch)) => self.nodes[actor].life.epoch = epoch,
            (Call::Claim { login, .. }, Done::Claimed(outcome)) => {
                laws::may_end(&self.store, &outcome, &login, begun)?;
                let node = &mut self.nodes[actor];
                let life = login.owner;
                node.held = None;
                match outcome.verdict {
                    Verdict::Claimed { revision, .. } => {
                        node.held = Some(Held { revision, life });
                        node.wish = Wish::Nothing;
                    }
                    _ if node.wish == Wish::Fresh => node.wish = Wish::Waiting,
                    _ => {}
                }
            }
            (Call::Fence(life), Done::Fenced(true)) => self.begin(actor, Call::Sweep(life)),
            _ => {}
        }
        Ok(())
    }
}
