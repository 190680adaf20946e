//! Lives of nodes that claim, pause, are declared dead, and come back, in every order in which that can happen.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod call;
mod laws;
mod world;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use hst_cluster::Policy::{Refuse, Replace};

use crate::world::{Case, Flaw, Move, World};

fn case(policies: &[hst_cluster::Policy]) -> Case {
    Case {
        policies: policies.to_vec(),
        lost: 1,
        suspicions: 1,
        deaths: 0,
        users_leave: true,
        flaw: None,
    }
}

#[test]
fn two_nodes() {
    for policies in [[Refuse, Refuse], [Refuse, Replace], [Replace, Replace]] {
        let begun = std::time::Instant::now();
        let mut search = Search::new(case(&policies));
        let r = search.explore();
        println!("{policies:?} {} {} {:?} {r:?}", search.known.len(), search.settled, begun.elapsed());
    }
}

/// Goes through all worlds that can be reached, each once, however many ways lead there.
struct Search {
    case: Case,
    /// Their fingerprints: of a million worlds two have the same with a chance of one to thirty million.
    known: HashSet<u64>,
    settled: usize,
    path: Vec<Move>,
}

impl Search {
    fn new(case: Case) -> Self {
        Self { case, known: HashSet::new(), settled: 0, path: Vec::new() }
    }

    fn explore(&mut self) -> Result<(), String> {
        self.visit(&World::new(&self.case)).map_err(|broken| format!("{broken}\nafter {:?}", self.path))
    }

    fn visit(&mut self, world: &World) -> Result<(), String> {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        if !self.known.insert(hasher.finish()) {
            return Ok(());
        }
        if world.is_settled(&self.case) {
            self.settled += 1;
            laws::hold_in_the_end(world)?;
        }
        for step in world.moves(&self.case) {
            self.path.push(step);
            self.visit(&world.after(&self.case, step)?)?;
            self.path.pop();
        }
        Ok(())
    }
}
