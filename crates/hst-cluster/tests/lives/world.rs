//! A directory, the nodes that use it, and all that can happen next.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    ops::ControlFlow,
};

use hst_cluster::{Entry, Key, Login, NodeId, NodeRecord, Owner, Policy, Revision, Verdict, WriteError, is_dead};

use crate::{
    call::{Answer, Call, Done, PLACE, Question, Running},
    laws,
};

/// What the world allows for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// One a node: how its user claims the place.
    pub(crate) policies: [Option<Policy>; 3],
    /// Writes whose answers are lost; each of them arrives late or never.
    pub(crate) lost: u8,
    /// Lives that are taken for over, rightly or by mistake.
    pub(crate) suspicions: u8,
    /// Nodes that end without a word.
    pub(crate) deaths: u8,
    /// Whether a user who has the place may leave.
    pub(crate) users_leave: bool,
    pub(crate) flaw: Option<Flaw>,
}

/// What would be wrong, for the tests that see it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// A release takes away whatever stands there.
    DeletesBlindly,
    /// A write goes over whatever stands there.
    WritesBlindly,
    /// Who is silent passes for dead, though nobody has declared it.
    TakesOverUnfenced,
    /// No node follows its places.
    NobodyFollows,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct World {
    pub(crate) entries: BTreeMap<Key, Stored>,
    last: u64,
    pub(crate) nodes: Vec<Node>,
    /// Some node that looks after the others; its number is behind theirs.
    fencer: Option<Asking>,
    /// Writes under way of which nobody waits for an answer any more.
    late: Vec<Sent>,
    /// Taken for dead without a fence, which is the flaw.
    silent: Vec<usize>,
    lost: u8,
    suspicions: u8,
    deaths: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// Its present life, as it believes.
    pub(crate) life: Owner,
    /// The place, as it believes to hold it.
    pub(crate) held: Option<Held>,
    pub(crate) wish: Wish,
    pub(crate) policy: Policy,
    asking: Option<Asking>,
    pub(crate) is_gone: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) revision: Revision,
    /// The life that has it.
    pub(crate) life: Owner,
}

/// What the node's user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    /// The place, and he has not yet asked for it.
    Fresh,
    /// The place, when it is free.
    Waiting,
    /// Nothing: he has it, or was put out, or has left.
    Nothing,
}

/// An entry, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) entry: Entry,
    record: Option<NodeRecord>,
    login: Option<Login>,
}

/// A call, with its present question sent and under way for as long as it pleases. That is how a node is paused, too: what
/// others do meanwhile takes as long as any lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asking {
    call: Call,
    running: Running,
    /// The newest of all nodes' records when the call began.
    begun: Option<Revision>,
    sent: Sent,
}

/// A write on its way, of a node or of the fencer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) call: Call,
    pub(crate) question: Question,
    /// What stood where it goes when it was sent.
    pub(crate) before: Option<Revision>,
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

/// What a node has to do, after a look at its record and at the place.
#[derive(Debug)]
enum Duty {
    Ask(Call),
    Lose,
    Note(Revision),
}

impl World {
    pub(crate) fn new(case: &Case) -> Self {
        let mut world = Self {
            entries: BTreeMap::new(),
            last: 0,
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
                if node.asking.is_none() && self.duty(case, node).is_some() {
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
        self.fencer.is_none() && nodes.all(|node| node.asking.is_none() && self.duty(case, node).is_none())
    }

    /// The next world, or the law that is broken on the way.
    pub(crate) fn after(&self, case: &Case, step: Move) -> Result<Self, String> {
        let mut world = self.clone();
        match step {
            Move::Answer(actor) => {
                let asking = world.asking(actor).expect("only who asks is answered");
                let sent = asking.sent.clone();
                let answer = world.apply(case, &sent)?;
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
                world.apply(case, &sent)?;
            }
            Move::Look(at) => match world.duty(case, &world.nodes[at]).expect("there is something to do") {
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
                    Some(Flaw::TakesOverUnfenced) => world.silent.push(at),
                    _ => world.begin(world.nodes.len(), Call::Fence(life)),
                }
            }
        }
        laws::hold_always(case, &world)?;
        Ok(world)
    }

    pub(crate) fn present(&self) -> Option<&Stored> {
        self.entries.get(PLACE)
    }

    pub(crate) fn record(&self, node: &NodeId) -> Option<(&NodeRecord, Revision)> {
        let stored = self
            .entries
            .values()
            .find(|stored| stored.entry.key.as_str().strip_prefix("node.") == Some(node.as_str()))?;
        Some((stored.record.as_ref()?, stored.entry.revision))
    }

    pub(crate) fn is_dead(&self, life: &Owner) -> bool {
        is_dead(self.record(&life.node).map(|(record, _)| record), life)
    }

    fn present_life(&self, node: &NodeId) -> Owner {
        let (record, _) = self.record(node).expect("every node has registered");
        Owner {
            node: node.clone(),
            epoch: record.epoch,
            boot: record.boot,
        }
    }

    /// What follows from the present record and the present entry, as this crate's page asks it of an owner.
    fn duty(&self, case: &Case, node: &Node) -> Option<Duty> {
        if !self.is_dead(&node.life) {
            let login = Login::new(0, node.life.clone());
            let claim = |policy| {
                Some(Duty::Ask(Call::Claim {
                    policy,
                    login: login.clone(),
                }))
            };
            let present = self.present();
            let owner = present.map(Stored::owner);
            let is_own = owner.is_some_and(|owner| owner.boot == node.life.boot);
            let is_free = owner.is_none_or(|owner| self.is_dead(owner));
            return match (&node.held, present) {
                (Some(_), _) if case.flaw == Some(Flaw::NobodyFollows) => None,
                // It was lost, or stands there for an earlier life: it is claimed anew.
                (Some(_), None) => claim(Policy::Refuse),
                (Some(held), Some(_)) if is_own && (held.life != node.life || owner != Some(&node.life)) => {
                    claim(Policy::Refuse)
                }
                (Some(held), Some(Stored { entry, .. })) if is_own => {
                    (entry.revision != held.revision).then_some(Duty::Note(entry.revision))
                }
                (Some(_), Some(_)) => Some(Duty::Lose),
                (None, _) if node.wish == Wish::Fresh => claim(node.policy),
                (None, _) if node.wish == Wish::Waiting && (is_free || is_own) => claim(node.policy),
                // A late write of a user who is gone.
                (None, Some(Stored { entry, .. })) if is_own => Some(Duty::Ask(Call::Release {
                    revision: entry.revision,
                })),
                (None, _) => None,
            };
        }
        let (node, boot) = (node.life.node.clone(), node.life.boot);
        Some(Duty::Ask(Call::Register { node, boot }))
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
        let records = self.entries.values().filter(|stored| stored.record.is_some());
        let begun = records.map(|stored| stored.entry.revision).max();
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
            Question::Put { key, .. } | Question::Delete { key, .. } => self.stands(key),
            Question::Get(_) | Question::List(_) => None,
        };
        let call = call.clone();
        Sent { call, question, before }
    }

    fn stands(&self, key: &Key) -> Option<Revision> {
        self.entries.get(key).map(|stored| stored.entry.revision)
    }

    /// What the directory does with a question, and whether it was lawful.
    fn apply(&mut self, case: &Case, sent: &Sent) -> Result<Answer, String> {
        Ok(match &sent.question {
            Question::Get(key) => {
                let is_silent = |at: &usize| Key::node(&self.nodes[*at].life.node) == *key;
                let is_silent = self.silent.iter().any(is_silent);
                let present = self.entries.get(key).filter(|_| !is_silent);
                Answer::Read(present.map(|stored| stored.entry.clone()))
            }
            Question::List(prefix) => {
                let entries = self.entries.values().map(|stored| &stored.entry);
                let beneath = entries.filter(|entry| entry.key.as_str().starts_with(prefix.as_str()));
                Answer::Listed(beneath.cloned().collect())
            }
            Question::Put { key, expected, .. }
                if self.stands(key) != *expected && case.flaw != Some(Flaw::WritesBlindly) =>
            {
                Answer::Put(Err(WriteError::Conflict))
            }
            Question::Put { key, value, .. } => {
                let entry = Entry {
                    key: key.clone(),
                    value: value.clone(),
                    revision: Revision::new(self.last + 1),
                };
                let new = Stored::new(entry);
                laws::may_write(self, sent, &new)?;
                self.last += 1;
                self.entries.insert(key.clone(), new);
                Answer::Put(Ok(Revision::new(self.last)))
            }
            Question::Delete { key, expected } => {
                let is_expected = self.stands(key) == Some(*expected) || case.flaw == Some(Flaw::DeletesBlindly);
                match self.entries.get(key).filter(|_| is_expected) {
                    None => Answer::Deleted(Err(WriteError::Conflict)),
                    Some(entry) => {
                        laws::may_delete(self, sent, entry)?;
                        self.last += 1;
                        self.entries.remove(key);
                        Answer::Deleted(Ok(()))
                    }
                }
            }
        })
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
                laws::may_end(self, &outcome, &login, begun)?;
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

impl Hash for Stored {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entry.hash(state);
    }
}

impl Stored {
    fn new(entry: Entry) -> Self {
        let is_place = entry.key.as_str() == PLACE;
        Self {
            record: NodeRecord::read(&entry).filter(|_| !is_place),
            login: Login::read(&entry).filter(|_| is_place),
            entry,
        }
    }

    /// Of what stands at the place.
    pub(crate) fn login(&self) -> &Login {
        self.login.as_ref().expect("no other version is here")
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.login().owner
    }
}
