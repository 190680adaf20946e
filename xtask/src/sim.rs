//! `cargo xtask sim`: the clusters in a storm, and whole nodes in one, with more seeds than an ordinary test has.

use std::path::Path;

use crate::{Result, cargo};

/// Seeds, unless it is said how many: within some minutes.
const SEEDS: u64 = 2_000;

/// Runs the simulations. A seed that fails is named, and how to try it alone.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result {
    let seeds = format!("env.HST_SIM_SEEDS='{}'", seeds(args)?);
    for (room, program, name) in [
        ("hst-cluster", "simulation", ""),
        ("hst-server", "server", "simulation"),
    ] {
        let test = ["test", "-p", room, "--test", program, "--config", &seeds];
        cargo::run(root, &[&test[..], &["--", name, "--nocapture"]].concat())?;
    }
    Ok(())
}

fn seeds(args: &[&str]) -> Result<u64> {
    match args {
        [] => Ok(SEEDS),
        ["--seeds", number] => match number.parse()? {
            0 => Err("--seeds needs at least 1".into()),
            seeds => Ok(seeds),
        },
        ["--seeds"] => Err("--seeds needs a number".into()),
        [other, ..] => Err(format!("what is `{other}`?").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_seeds_as_it_is_said() {
        assert_eq!(seeds(&[]).unwrap(), SEEDS);
        assert_eq!(seeds(&["--seeds", "5"]).unwrap(), 5);
        for wrong in [&["--seeds"][..], &["--seeds", "x"], &["--seeds", "0"], &["5"]] {
            assert!(seeds(wrong).is_err(), "{wrong:?}");
        }
    }
}
