//! Running cargo.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use serde_json::Value;

use crate::Result;

/// Runs `cargo ARGS` in the workspace and shows what it says.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result {
    println!("+ cargo {}", args.join(" "));
    verdict(args, command(root, args).status()?)
}

/// Runs it like [`run`], and keeps what it says on standard output: how it ended, and that.
pub(crate) fn run_and_listen(root: &Path, args: &[&str]) -> Result<(Result, String)> {
    println!("+ cargo {}", args.join(" "));
    let mut child = command(root, args).stdout(Stdio::piped()).spawn()?;
    let mut output = Vec::new();
    let mut said = BufReader::new(child.stdout.take().expect("standard output is piped"));
    loop {
        let start = output.len();
        if said.read_until(b'\n', &mut output)? == 0 {
            break;
        }
        io::stdout().write_all(&output[start..])?;
    }
    let verdict = verdict(args, child.wait()?);
    Ok((verdict, String::from_utf8_lossy(&output).into_owned()))
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

fn verdict(args: &[&str], status: ExitStatus) -> Result {
    match status.success() {
        true => Ok(()),
        false => Err(format!("`cargo {}` failed ({status})", args.join(" ")).into()),
    }
}

fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root);
    command
}
