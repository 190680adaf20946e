//! The guarantees of [`hst_cluster::Claim`], checked in every order in which racing logins can reach the directory.
//!
//! Each test goes through all interleavings of its races: every request of every login at every moment, with answers lost
//! after the write and requests lost before it, and with logins that leave and nodes that die in between. The laws that
//! each end is held to are in `laws.rs`.
//!
//! That the tests can fail was seen with these changes to `Claim`, one at a time:
//!
//! | change | what the laws said |
//! |---|---|
//! | a create whose answer was lost is not read back, but refused | nobody knows of the entry |
//! | an update whose answer was lost is not read back, but tried again | a holder is lost and not told |
//! | whoever finds that a lost update did happen does not report whom it put out | a holder is lost and not told |
//! | and neither does he once the place has changed hands again | a holder is lost and not told |
//! | the holder is reported although a lost update did not happen | he is put out though he stands there |
//! | a conflict passes for success | a holder is lost and not told |
//! | a place that was left between create and read counts as held | a login is refused though a place is free |
//! | nobody looks whether an owner is dead | the earlier logins keep all places |
//! | whoever insists writes over the first place without looking at the second | 1 of 2 places are held |
//! | sessions are compared by their number without the boot | a holder is lost and not told |
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod laws;
mod races;
mod world;

use std::collections::HashSet;

use hst_cluster::Verdict;

use crate::{
    races::{Case, Races},
    world::{Move, Racer, World},
};

#[test]
fn two_logins_racing_for_one_place_leave_exactly_one_winner_and_a_loser_who_knows() {
    explore(Races {
        logins: 2,
        places: 1,
        lost_answers: 2,
        winners_leave: true,
    });
}

#[test]
fn two_logins_racing_for_two_places_never_hold_more_than_two_and_never_fight_over_a_free_one() {
    explore(Races {
        logins: 2,
        places: 2,
        lost_answers: 2,
        winners_leave: true,
    });
}

#[test]
fn three_logins_racing_for_one_place_leave_exactly_one_winner_and_losers_who_know() {
    explore(Races {
        logins: 3,
        places: 1,
        lost_answers: 1,
        winners_leave: true,
    });
}

#[test]
fn three_logins_racing_for_two_places_leave_exactly_two_winners() {
    explore(Races {
        logins: 3,
        places: 2,
        lost_answers: 1,
        winners_leave: false,
    });
}

fn explore(races: Races) {
    let mut seen = Seen::default();
    for case in races.cases() {
        Search {
            case: &case,
            seen: &mut seen,
            known: HashSet::new(),
            path: Vec::new(),
        }
        .visit(World::new(&case));
    }
    // Otherwise a search that goes nowhere would pass.
    let everything = seen.winner && seen.refusal && seen.eviction && seen.win_by_a_lost_answer;
    assert!(everything, "{seen:?}");
}

/// What came to pass, in any of the races.
#[derive(Debug, Default)]
struct Seen {
    winner: bool,
    refusal: bool,
    eviction: bool,
    win_by_a_lost_answer: bool,
}

impl Seen {
    fn note(&mut self, world: &World, path: &[Move]) {
        for (at, racer) in world.racers.iter().enumerate() {
            let Racer::Over { outcome, .. } = racer else { continue };
            let has_won = matches!(outcome.verdict, Verdict::Claimed { .. });
            self.winner |= has_won;
            self.refusal |= matches!(outcome.verdict, Verdict::Taken { .. });
            self.eviction |= !outcome.evicted.is_empty();
            self.win_by_a_lost_answer |= has_won
                && path
                    .iter()
                    .any(|step| matches!(step, Move::AnswerLost(lost) if *lost == at));
        }
    }
}

/// Goes through all worlds that can be reached, each once, however many ways lead there.
struct Search<'a> {
    case: &'a Case,
    seen: &'a mut Seen,
    known: HashSet<World>,
    path: Vec<Move>,
}

impl Search<'_> {
    fn visit(&mut self, world: World) {
        if self.known.contains(&world) {
            return;
        }
        if world.is_decided() {
            self.seen.note(&world, &self.path);
            if let Err(broken) = laws::hold(self.case, &world) {
                panic!("{broken}\nin {:?}\nafter {:?}\nat {world:#?}", self.case, self.path);
            }
        }
        for step in world.moves() {
            self.path.push(step);
            self.visit(world.after(step));
            self.path.pop();
        }
        self.known.insert(world);
    }
}
