//! What of the engine needs no browser, tested in JavaScript (`tests/node`).

use std::process::Command;

/// Needs `node`, which `cargo xtask test` installs where it can.
#[test]
fn the_engine_keeps_its_promises_without_a_browser() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");
    let Ok(output) = Command::new("node").arg("--test").current_dir(folder).output() else {
        println!("node is not installed: {folder} was not tested");
        return;
    };
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(!report.contains(" tests 0\n"), "node found no tests: {report}");
}
