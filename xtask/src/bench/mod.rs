//! `cargo xtask bench`: every figure of the media plane, as a table and as pictures, in docs/performance.md.

mod cases;
mod page;
mod plot;
mod rest;

use std::{fs, path::Path};

use crate::{Result, cargo, system};

/// The page, and where its pictures are.
const PAGE: &str = "docs/performance.md";
const FIGURES: &str = "docs/figures";

/// What may be chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// A short look, with the programs as they are built for daily work; nothing is written.
    quick: bool,
    /// With the programs as they are built for daily work.
    development: bool,
    /// Building everything anew, which takes ten minutes, is timed, too.
    cold_build: bool,
}

impl Options {
    /// Reads `[--quick] [--development] [--cold-build]`.
    pub(crate) fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        for arg in args {
            match *arg {
                "--quick" => options.quick = true,
                "--development" => options.development = true,
                "--cold-build" => options.cold_build = true,
                other => return Err(format!("bench knows no `{other}`: see cargo xtask help").into()),
            }
        }
        Ok(options)
    }

    /// Whether it is the programs as they are released that are measured.
    fn is_released(self) -> bool {
        !self.quick && !self.development
    }
}

/// Measures everything; writes it into the page, unless it was a short look.
pub(crate) fn run(root: &Path, options: Options) -> Result {
    system::ensure(system::TO_BUILD)?;
    let mut build = vec!["build", "--workspace", "--exclude", "xtask", "--bins", "--examples"];
    if options.is_released() {
        build.push("--release");
    }
    cargo::run(root, &build)?;
    let profile = if options.is_released() { "release" } else { "debug" };
    let programs = cargo::target_directory(root)?.join(profile);

    let (runs, seconds) = match options {
        Options { quick: true, .. } => (1, 3),
        Options { development: true, .. } => (3, 4),
        _ => (3, 8),
    };
    let cases = cases::measure(&programs, runs, seconds)?;
    let rest = rest::measure(root, &programs, options)?;
    let how = format!("Medians of {runs} runs of {seconds} s each, with programs of the profile `{profile}`.");
    let section = page::section(&cases, &rest, &how);
    println!("{section}");
    if options.quick {
        println!("bench: a short look is not written down");
        return Ok(());
    }
    let page = root.join(PAGE);
    fs::write(&page, page::with_section(&fs::read_to_string(&page)?, &section)?)?;
    fs::create_dir_all(root.join(FIGURES))?;
    for (name, picture) in plot::all(&cases) {
        fs::write(root.join(FIGURES).join(name), picture)?;
    }
    println!("bench: {PAGE} and {FIGURES} are written");
    Ok(())
}

/// The middle one of some values; `None` of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_look_is_chosen_by_quick() {
        let quick = Options {
            quick: true,
            ..Options::default()
        };
        assert_eq!(Options::parse(&["--quick"]).unwrap(), quick);
        assert_eq!(Options::parse(&[]).unwrap(), Options::default());
        assert!(Options::default().is_released() && !quick.is_released());
        assert!(!Options::parse(&["--development"]).unwrap().is_released());
        assert!(Options::parse(&["--fast"]).is_err());
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
