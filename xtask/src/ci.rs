//! `cargo xtask check` and `cargo xtask ci`: what must hold before a change comes in.

use std::path::Path;

use crate::{Result, cargo, layers, test, tidy, types};

/// Everything that runs no test, the quick things first.
pub(crate) fn check(root: &Path) -> Result {
    cargo::run(root, &["fmt", "--all", "--check"])?;
    layers::run(root)?;
    tidy::run(root)?;
    types::check(root)?;
    if cargo::has(root, "deny") {
        cargo::run(root, &["deny", "check", "licenses", "bans", "sources"])?;
    } else {
        println!("deny: left out, because cargo-deny is not installed (`cargo install --locked cargo-deny`)");
    }
    cargo::run(
        root,
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    )
}

/// The checks, then the tests.
pub(crate) fn run(root: &Path) -> Result {
    check(root)?;
    test::run(root, &[])
}
