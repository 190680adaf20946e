//! The guarantees of [`hst_cluster::Claim`], checked in every order in which racing logins can reach the directory.
//!
//! Each test goes through all interleavings of its races: every request of every login at every moment, with answers lost
//! after the write and requests lost before it, and with logins that leave and nodes that die in between. The laws that
//! each end is held to are in `laws.rs`.
//!
//! That the tests can fail was seen with these changes to `Claim`, one at a time:
//!
//! - a lost answer counts as a write that did not happen (`Unknown` → start again, without reading back): a login that
//!   was told it is taken stands in the directory;
//! - an eviction whose answer was lost is not reported once the place has changed hands: the earlier login stays online
//!   beside the winner;
//! - whoever loses a write over an entry writes over the next one without looking: he evicts a login that he never read;
//! - the dead are not looked for: a refused login though the only other one is dead;
//! - the session that is read back is compared by its number alone: two nodes' logins take each other for themselves.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod laws;
mod world;

use std::collections::HashSet;

use hst_cluster::{Policy, Verdict};

use crate::world::{Case, Earlier, Move, Racer, World};

const BOTH: [Policy; 2] = [Policy::Refuse, Policy::Replace];
const EARLIER: [Earlier; 4] = [Earlier::Stays, Earlier::Leaves, Earlier::Dies, Earlier::IsDead];

#[test]
fn two_logins_racing_for_one_place_leave_exactly_one_winner_and_a_loser_who_knows() {
    let mut seen = Seen::default();
    for case in races(2, 1, 2) {
        seen.explore(&case);
    }
    seen.has_seen_every_end();
}

#[test]
fn two_logins_racing_for_two_places_never_hold_more_than_two_and_never_fight_over_a_free_one() {
    let mut seen = Seen::default();
    for case in races(2, 2, 1) {
        seen.explore(&case);
    }
    seen.has_seen_every_end();
}

#[test]
fn three_logins_racing_for_one_place_leave_exactly_one_winner_and_losers_who_know() {
    let mut seen = Seen::default();
    for case in races(3, 1, 1) {
        seen.explore(&case);
    }
    seen.has_seen_every_end();
}

#[test]
fn three_logins_racing_for_two_places_leave_exactly_two_winners() {
    let mut seen = Seen::default();
    for case in races(3, 2, 1) {
        seen.explore(&case);
    }
    seen.has_seen_every_end();
}

/// Every mix of policies and of what was there before, for so many logins and places, with at most so many lost answers.
fn races(logins: u32, places: u8, lost: u8) -> Vec<Case> {
    let mut cases = Vec::new();
    for mix in 0..1usize << logins {
        let policies: Vec<Policy> = (0..logins).map(|login| BOTH[mix >> login & 1]).collect();
        // Who comes in what order is explored anyway, so mixes that differ in order alone are one.
        if !policies.is_sorted_by_key(|policy| *policy as u8) {
            continue;
        }
        for earlier in 0..=places {
            for kind in EARLIER.into_iter().take(if earlier == 0 { 1 } else { EARLIER.len() }) {
                for winners_leave in [false, true] {
                    cases.push(Case {
                        places,
                        policies: policies.clone(),
                        earlier: vec![kind; usize::from(earlier)],
                        winners_leave,
                        lost,
                    });
                }
            }
        }
    }
    cases
}

/// What came to pass, in any of the races.
#[derive(Debug, Default)]
struct Seen {
    states: usize,
    winner: bool,
    refusal: bool,
    eviction: bool,
    win_by_a_lost_answer: bool,
}

impl Seen {
    fn explore(&mut self, case: &Case) {
        let mut search = Search {
            case,
            seen: self,
            known: HashSet::new(),
            path: Vec::new(),
        };
        search.visit(World::new(case));
        let states = search.known.len();
        self.states += states;
    }

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

    /// Otherwise a search that goes nowhere would pass.
    fn has_seen_every_end(&self) {
        println!("{self:?}");
        assert!(
            self.winner && self.refusal && self.eviction && self.win_by_a_lost_answer,
            "{self:?}"
        );
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
                panic!("{broken}\nin {:?}\nafter {:#?}\nat {world:#?}", self.case, self.path);
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
