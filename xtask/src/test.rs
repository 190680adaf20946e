//! `cargo xtask test`: every test of the house.

use std::path::Path;

use crate::{Result, cargo, npm, pip, second_run, system};

/// Runs the tests whose name contains one of `filters`, or all.
pub(crate) fn run(root: &Path, filters: &[&str]) -> Result {
    system::ensure(system::TO_TEST)?;
    npm::AXE.ensure(root)?;
    pip::AIORTC.ensure(root)?;
    pip::NATS.ensure(root)?;
    // The programs come first: the test house starts them. With the tests beside them they share one set of features,
    // so that this builds nothing that the next step would not.
    cargo::run(root, &["build", "--workspace", "--all-targets"])?;
    for command in commands(cargo::has(root, "nextest"), filters) {
        second_run::run(root, &command)?;
    }
    devices(root, filters)
}

/// The tests of devices, of which the workspace builds nothing: they need a sound system to build, and none to run.
fn devices(root: &Path, filters: &[&str]) -> Result {
    if let Err(words) = system::ensure(system::TO_HEAR) {
        println!("devices: left out, because {words}");
        return Ok(());
    }
    let command = ["test", "-p", "hst-devices", "--features", "processing,video", "--"];
    cargo::run(root, &[&command, filters].concat())
}

/// The commands that run the tests, also those that are left out of a quick `cargo test`. cargo-nextest leaves out the examples in documentation, cargo itself does not.
fn commands<'a>(nextest: bool, filters: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut commands: Vec<Vec<&str>> = match nextest {
        true => vec![
            vec![
                "nextest",
                "run",
                "--workspace",
                "--no-fail-fast",
                "--run-ignored",
                "all",
                "--",
            ],
            vec!["test", "--doc", "--workspace", "--no-fail-fast", "--"],
        ],
        false => vec![vec!["test", "--workspace", "--no-fail-fast", "--", "--include-ignored"]],
    };
    for command in &mut commands {
        command.extend(filters);
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_in_documentation_run_under_either_runner() {
        assert_eq!(
            commands(false, &[]),
            [["test", "--workspace", "--no-fail-fast", "--", "--include-ignored"]]
        );
        let with_nextest = commands(true, &["login", "join"]);
        assert_eq!(with_nextest.len(), 2);
        assert_eq!(with_nextest[1][..2], ["test", "--doc"]);
        assert!(with_nextest.iter().all(|command| command.ends_with(&["login", "join"])));
    }
}
