//! A second run for tests with a real browser.
//!
//! A browser on a busy machine sometimes fails by itself: it does not start, drops a page, or has its port taken. Those of
//! these tests that fail are run once more, alone; what fails twice has failed. Every other test has one run.

use std::{collections::BTreeSet, path::Path};

use crate::{Result, cargo};

/// The tests with a real browser, as cargo selects them.
const BROWSER_TESTS: [&str; 6] = ["test", "--workspace", "--test", "browser", "--test", "net"];

/// More than this many do not fail by chance.
const MOST: usize = 3;

/// Runs `cargo test` with `args`, and those of its failures that may have come from the browser again.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result {
    let (first, output) = cargo::run_and_listen(root, args)?;
    let failed = failed(&output);
    if first.is_ok() || failed.is_empty() || failed.len() > MOST || !all_have_ended(&output) {
        return first;
    }
    let list = [&BROWSER_TESTS[..], &["--", "--list", "--include-ignored"]].concat();
    let (listed, list) = cargo::run_and_listen(root, &list)?;
    listed?;
    if !failed.is_subset(&listed_tests(&list)) {
        return first;
    }
    println!("xtask: a second run for {failed:?}");
    let again = [&BROWSER_TESTS[..], &["--", "--include-ignored", "--exact"]].concat();
    cargo::run(root, &[again, failed.into_iter().collect()].concat())
}

/// Whether each program of tests came to its end. One that crashed names nobody who failed.
fn all_have_ended(output: &str) -> bool {
    let count = |begin: &str, end: &str| {
        let is_it = |line: &&str| line.starts_with(begin) && line.contains(end);
        output.lines().filter(is_it).count()
    };
    count("running ", " test") == count("test result: ", ".")
}

/// The names of the tests that failed.
fn failed(output: &str) -> BTreeSet<&str> {
    let name = |line| str::strip_suffix(str::strip_prefix(line, "test ")?, " ... FAILED");
    output.lines().filter_map(name).collect()
}

/// The names in what `--list` prints.
fn listed_tests(output: &str) -> BTreeSet<&str> {
    output.lines().filter_map(|line| line.strip_suffix(": test")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_failed_are_told_from_all_others() {
        let output = "running 3 tests\ntest cut::short ... ok\ntest cut::long ... FAILED\ntest src/../README.md - (line 6) ... FAILED\n
            test cut::odd ... ignored\ntest result: FAILED. 1 passed; 2 failed\n";
        assert_eq!(failed(output).len(), 2);
        let browser = listed_tests("cut::short: test\ncut::long: test\n\n2 tests, 0 benchmarks\n");
        assert!(
            !failed(output).is_subset(&browser),
            "an example failed too: no second run"
        );
        assert!(all_have_ended(output));
        assert!(!all_have_ended(
            "running 1 test\ntest it ... ok\ntest result: ok. 1 passed\n\nrunning 2 tests\n"
        ));
        assert_eq!(failed("test cut::long ... FAILED\n"), BTreeSet::from(["cut::long"]));
        assert!(failed("test cut::long ... FAILED\n").is_subset(&browser));
    }
}
