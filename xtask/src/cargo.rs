//! Running cargo.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::Result;

/// Runs `cargo ARGS` in the workspace and shows what it says.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result {
    println!("+ cargo {}", args.join(" "));
    let status = command(root, args).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`cargo {}` failed ({status})", args.join(" ")).into()),
    }
}

/// Whether `cargo NAME` is there.
pub(crate) fn has(root: &Path, name: &str) -> bool {
    let mut command = command(root, &[name, "--version"]);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The manifests of the workspace, as `cargo metadata` tells them.
pub(crate) fn metadata(root: &Path) -> Result<Value> {
    let mut command = command(root, &["metadata", "--no-deps", "--format-version", "1"]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("`cargo metadata` failed".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory(root: &Path) -> Result<PathBuf> {
    match metadata(root)?["target_directory"].as_str() {
        Some(path) => Ok(path.into()),
        None => Err("`cargo metadata` names no target directory".into()),
    }
}

fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root);
    command
}
