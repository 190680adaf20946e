//! `cargo xtask fuzz`: libFuzzer against every parser of the house.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::Result;

/// How long each target is tried, unless it is said.
const SECONDS: u32 = 60;
/// What an input may take before it counts as a find: seconds, and megabytes of memory.
const TIMEOUT: u32 = 5;
const MEMORY: u32 = 2_048;

/// What to try, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options<'a> {
    target: Option<&'a str>,
    seconds: u32,
}

impl<'a> Options<'a> {
    pub(crate) fn parse(args: &[&'a str]) -> Result<Self> {
        let (mut target, mut seconds) = (None, SECONDS);
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            match arg {
                "--seconds" => seconds = args.next().ok_or("--seconds needs a number")?.parse()?,
                name if target.is_none() && !name.starts_with('-') => target = Some(name),
                other => return Err(format!("what is `{other}`?").into()),
            }
        }
        if seconds == 0 {
            return Err("--seconds needs at least 1: libFuzzer takes 0 for no end".into());
        }
        Ok(Self { target, seconds })
    }
}

/// Runs one target, or all of them one after the other; the first find ends it.
pub(crate) fn run(root: &Path, options: &Options<'_>) -> Result {
    let folder = root.join("fuzz");
    let all = targets(&folder)?;
    let some: Vec<&String> = all
        .iter()
        .filter(|name| options.target.is_none_or(|only| only == *name))
        .collect();
    if some.is_empty() {
        return Err(format!("the targets are {}", all.join(", ")).into());
    }
    let mut version = cargo(&folder, &["fuzz", "--version"]);
    if !version.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
        return Err("fuzzing needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`".into());
    }
    // It is no part of the workspace, but what it tries is what the workspace builds.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    for name in some {
        let (corpus, seeds) = (format!("corpus/{name}"), format!("seeds/{name}"));
        fs::create_dir_all(folder.join(&corpus))?;
        let limits = [
            format!("-max_total_time={}", options.seconds),
            format!("-timeout={TIMEOUT}"),
            format!("-rss_limit_mb={MEMORY}"),
        ];
        println!("+ cargo +nightly fuzz run {name}");
        let mut fuzz = cargo(
            &folder,
            &["fuzz", "run", "--fuzz-dir", ".", name, &corpus, &seeds, "--"],
        );
        if !fuzz.args(limits).status()?.success() {
            return Err(
                format!("{name} has found something: see fuzz/artifacts, and make it a seed and a test").into(),
            );
        }
    }
    Ok(())
}

/// Every target, by name.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for file in fs::read_dir(folder.join("fuzz_targets"))? {
        let path = file?.path();
        targets.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    targets.sort();
    Ok(targets)
}

/// The cargo of the toolchain that has the sanitizers, whichever one runs this command.
fn cargo(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").args(args).current_dir(folder);
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_target_or_all_for_as_long_as_it_is_said() {
        let all = Options::parse(&[]).unwrap();
        assert_eq!((all.target, all.seconds), (None, SECONDS));
        let one = Options::parse(&["--seconds", "5", "token"]).unwrap();
        assert_eq!((one.target, one.seconds), (Some("token"), 5));
        for wrong in [
            &["--seconds"][..],
            &["--seconds", "x"],
            &["--seconds", "0"],
            &["a", "b"],
            &["--fast"],
        ] {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
