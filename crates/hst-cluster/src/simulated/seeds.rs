use std::{env, ops::Range};

/// The seeds that a simulation tries: the one that `HST_SIM_SEED` names alone, or as many as `HST_SIM_SEEDS` says, or so many.
///
/// # Panics
/// When one of them is no number.
pub fn seeds(ordinary: u64) -> Range<u64> {
    match seed_alone() {
        Some(seed) => seed..seed + 1,
        None => 0..number("HST_SIM_SEEDS").unwrap_or(ordinary),
    }
}

/// The seed that is to be tried alone, if one is.
///
/// # Panics
/// When it is no number.
pub fn seed_alone() -> Option<u64> {
    number("HST_SIM_SEED")
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
