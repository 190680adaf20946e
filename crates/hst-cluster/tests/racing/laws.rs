//! What must be true whenever all claims of a race are over.

use std::collections::BTreeSet;

use hst_cluster::{Entry, Key, Outcome, Policy, Revision, Verdict};

use crate::world::{Case, Earlier, Racer, World, base};

/// The first law that is broken.
pub(crate) fn hold(case: &Case, world: &World) -> Result<(), String> {
    let end = End::of(world);
    for law in [
        End::no_claim_hangs,
        End::who_holds_a_place_stands_there_or_is_told,
        End::who_is_refused_leaves_nothing_behind,
        End::nobody_else_stands_there,
        End::no_place_is_wasted,
        End::force_and_death_free_a_place,
    ] {
        law(&end, case)?;
    }
    Ok(())
}

struct End<'a> {
    world: &'a World,
    /// Of each login: how its claim ended, and whether it has logged out since.
    outcomes: Vec<(&'a Outcome, bool)>,
    /// The entries of which some claim says that it has put them out.
    evicted: BTreeSet<(&'a Key, Revision)>,
}

impl<'a> End<'a> {
    fn of(world: &'a World) -> Self {
        let outcomes: Vec<(&Outcome, bool)> = world
            .racers
            .iter()
            .filter_map(|racer| match racer {
                Racer::Over { outcome, has_left } => Some((outcome, *has_left)),
                Racer::Claiming(_) => None,
            })
            .collect();
        let evicted = outcomes.iter().flat_map(|(outcome, _)| &outcome.evicted);
        Self {
            world,
            evicted: evicted.map(|entry| (&entry.key, entry.revision)).collect(),
            outcomes,
        }
    }

    /// The places that somebody believes to hold, and whether he has logged out.
    fn holdings(&self) -> impl Iterator<Item = (&Key, Revision, bool)> {
        let winners = self
            .outcomes
            .iter()
            .filter_map(|(outcome, has_left)| match &outcome.verdict {
                Verdict::Claimed { key, revision } => Some((key, *revision, *has_left)),
                _ => None,
            });
        let earlier = self.world.earlier.iter();
        winners.chain(earlier.map(|earlier| (&earlier.key, earlier.revision, earlier.has_left)))
    }

    fn in_places(&self) -> impl Iterator<Item = &Entry> {
        let beneath = base().beneath();
        let entries = self.world.entries.values();
        entries.filter(move |entry| entry.key.as_str().starts_with(beneath.as_str()))
    }

    fn nobody_has_left(&self) -> bool {
        self.holdings().all(|(_, _, has_left)| !has_left)
    }

    fn no_claim_hangs(&self, _: &Case) -> Result<(), String> {
        let gave_up = self
            .outcomes
            .iter()
            .any(|(outcome, _)| outcome.verdict == Verdict::Unavailable);
        law(!gave_up, "a claim gave up though the directory was there")
    }

    /// There are no two of whom each believes to be the one, and none who is put out by mistake.
    fn who_holds_a_place_stands_there_or_is_told(&self, _: &Case) -> Result<(), String> {
        for (key, revision, has_left) in self.holdings() {
            let stands = self.world.stands(key) == Some(revision);
            let is_told = self.evicted.contains(&(key, revision));
            law(!(stands && has_left), format_args!("{key} is held by one who left"))?;
            law(
                !(stands && is_told),
                format_args!("the holder of {key} is put out though he stands there"),
            )?;
            law(
                stands || is_told || has_left,
                format_args!("{key} at {revision:?} is lost and its holder is not told"),
            )?;
        }
        Ok(())
    }

    fn who_is_refused_leaves_nothing_behind(&self, case: &Case) -> Result<(), String> {
        for ((outcome, _), policy) in self.outcomes.iter().zip(&case.policies) {
            if let Verdict::Taken { holders } = &outcome.verdict {
                law(*policy == Policy::Refuse, "a login that insists is refused")?;
                law(
                    holders.len() == usize::from(case.places),
                    "a login is refused though a place is free",
                )?;
            }
        }
        Ok(())
    }

    fn nobody_else_stands_there(&self, _: &Case) -> Result<(), String> {
        for entry in self.in_places() {
            let is_known = self
                .holdings()
                .any(|(key, revision, _)| (key, revision) == (&entry.key, entry.revision));
            law(is_known, format_args!("nobody knows of {entry:?}"))?;
        }
        Ok(())
    }

    /// With one place: exactly one winner.
    fn no_place_is_wasted(&self, case: &Case) -> Result<(), String> {
        let all = case.policies.len() + case.earlier.len();
        let full = usize::from(case.places).min(all);
        let held = self.in_places().count();
        law(held <= usize::from(case.places), "more logins than places")?;
        law(
            held == full || !self.nobody_has_left(),
            format_args!("{held} of {full} places are held"),
        )
    }

    fn force_and_death_free_a_place(&self, case: &Case) -> Result<(), String> {
        let is_full = case.earlier.len() == usize::from(case.places);
        let forced = case.policies.contains(&Policy::Replace) || case.earlier.contains(&Earlier::IsDead);
        let new = self
            .outcomes
            .iter()
            .any(|(outcome, _)| matches!(outcome.verdict, Verdict::Claimed { .. }));
        law(new || !is_full || !forced, "the earlier logins keep all places")
    }
}

fn law(holds: bool, broken: impl ToString) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken.to_string()) }
}
