//! The lives of nodes that claim a place, sleep, are declared dead, come back or do not, in every order in which that can
//! happen.
//!
//! The functions are the crate's own: each stops at every request to the directory, and the search decides whose request
//! arrives next. One that waits while others go on is a node that sleeps, for as long as any lease; one whose answer was
//! lost may arrive at any later moment, or never. What a node does by itself, as the crate's page asks it of an owner, is
//! in `world.rs`: it follows its record and its place, and looks at them at any moment.
//!
//! The laws are in `laws.rs`. That they find something is seen in `a_flaw_is_found`, which breaks the world in four ways, and
//! was seen with these changes to the crate, one at a time:
//!
//! | change | what the laws said |
//! |---|---|
//! | a claim takes the entry of its own earlier life for won | a claim is won for another life than its own |
//! | every holder that is judged passes for dead | a living owner is written over without force |
//! | a life goes on when its node registers anew | two living owners hold one place |
//! | a life goes on when it is fenced | a living owner's entry is taken away |
//! | a sweep takes what any life of the node holds | a living owner's entry is taken away |
//!
//! Who is told by whom that he was put out is not looked at here, as each follows his own place: that is `racing`.
//!
//! It is a search of our own because what claims is asynchronous functions, which no library of models runs, and because
//! the one for Rust (`stateright`) sees no unmet promise where two ways lead to one state, which here is everywhere.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]
#![allow(clippy::print_stdout, reason = "how many worlds there are is worth knowing")]

mod call;
mod case;
mod laws;
mod node;
mod store;
mod world;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use hst_cluster::Policy::{self, Refuse, Replace};

use crate::{
    case::{Case, Flaw},
    world::{Move, World},
};

/// Users of two nodes who claim one place, and one life that is declared dead at any moment or not.
const TWO: Case = Case {
    policies: [Some(Refuse), Some(Refuse), None],
    lost: 0,
    suspicions: 1,
    deaths: 0,
    users_leave: false,
    flaw: None,
};

/// Who insists. Either may come first, so their number is all that matters.
const PAIRS: [[Option<Policy>; 3]; 3] = [
    [Some(Refuse), Some(Refuse), None],
    [Some(Refuse), Some(Replace), None],
    [Some(Replace), Some(Replace), None],
];

#[test]
fn a_node_that_sleeps_through_its_own_death_changes_nothing_and_learns_of_it() {
    explore(PAIRS.map(|policies| Case {
        policies,
        lost: 1,
        ..TWO
    }));
}

#[test]
fn a_user_who_leaves_never_takes_away_what_is_anothers_by_now() {
    explore(PAIRS.map(|policies| Case {
        policies,
        users_leave: true,
        ..TWO
    }));
}

#[test]
fn a_write_that_arrives_when_its_user_has_left_does_not_stay() {
    explore(PAIRS.map(|policies| Case {
        policies,
        lost: 2,
        suspicions: 0,
        users_leave: true,
        ..TWO
    }));
}

#[test]
fn what_a_dead_process_held_is_the_next_ones_in_the_end() {
    explore(PAIRS.map(|policies| Case {
        policies,
        deaths: 1,
        ..TWO
    }));
}

#[test]
fn a_life_that_is_over_never_begins_again() {
    explore([Case { suspicions: 2, ..TWO }]);
}

#[test]
fn of_three_nodes_one_has_the_place_in_the_end() {
    let policies = [Some(Refuse), Some(Refuse), Some(Replace)];
    explore([Case { policies, ..TWO }]);
}

#[test]
fn a_flaw_is_found() {
    for (flaw, law) in [
        (Flaw::DeletesBlindly, "was written, and changes it"),
        (Flaw::WritesBlindly, "a living owner is written over without force"),
        (Flaw::TakesOverUnfenced, "a living owner is written over without force"),
        (Flaw::NobodyFollows, "believes to hold the place, and does not"),
    ] {
        let mut search = Search::new(Case {
            users_leave: true,
            flaw: Some(flaw),
            ..TWO
        });
        let found = search.run();
        assert!(
            found.as_ref().is_err_and(|broken| broken.contains(law)),
            "{flaw:?}: {found:?}"
        );
    }
}

fn explore<const N: usize>(cases: [Case; N]) {
    for case in cases {
        let mut search = Search::new(case);
        if let Err(broken) = search.run() {
            panic!("{broken}\nin {case:?}\nafter {:?}", search.path);
        }
        // Otherwise a search that goes nowhere would pass.
        assert!(search.settled > 1, "nothing comes to an end");
        println!(
            "{} worlds, {} of them settled: {case:?}",
            search.known.len(),
            search.settled
        );
    }
}

/// Goes through all worlds that can be reached, each once, however many ways lead there.
struct Search {
    case: Case,
    /// Their fingerprints. Of a million worlds some two have the same with a chance of one to thirty million.
    known: HashSet<u64>,
    settled: usize,
    path: Vec<Move>,
}

impl Search {
    fn new(case: Case) -> Self {
        Self {
            case,
            known: HashSet::new(),
            settled: 0,
            path: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        self.visit(&World::new(&self.case))
    }

    /// Every move uses something up, so each way ends, and it ends in a settled world.
    fn visit(&mut self, world: &World) -> Result<(), String> {
        let mut fingerprint = DefaultHasher::new();
        world.hash(&mut fingerprint);
        if !self.known.insert(fingerprint.finish()) {
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
