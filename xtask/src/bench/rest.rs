//! What else a server costs: its start, its memory, its size, and building it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Options, median};
use crate::{Result, cargo, system};

/// How often a server is started.
const STARTS: usize = 10;
/// How many receivers come and go, of which nothing may stay.
const CYCLES: &str = "10000";
const FEW_CYCLES: &str = "1000";
const MB: f64 = 1e6;

/// Each line of the table: what it is, and its figure.
pub(super) type Rest = Vec<(String, String)>;

pub(super) fn measure(root: &Path, programs: &Path, options: Options) -> Result<Rest> {
    let mut rest = Rest::new();
    let mut add = |what: &str, figure: String| rest.push((what.to_owned(), figure));

    let starts = (0..STARTS).map(|_| start(programs)).collect::<Result<Vec<_>>>()?;
    let (times, sizes): (Vec<_>, Vec<_>) = starts.into_iter().unzip();
    if let Some(time) = median(times) {
        add("server start to ready", format!("{time:.0} ms"));
    }
    if let Some(size) = median(sizes.into_iter().flatten().collect()) {
        add(
            "memory of a server with nobody there (resident)",
            format!("{:.1} MB", size / MB),
        );
    }
    let cycles = if options.is_released() { CYCLES } else { FEW_CYCLES };
    let churn = churn(programs, cycles)?;
    if let Some(growth) = churn["growth"].as_f64() {
        let figure = format!("{growth:.3} times");
        add(
            &format!("memory after {cycles} receivers have come and gone, second half to first"),
            figure,
        );
    }
    if options.is_released() {
        for name in ["hst-server", "hst"] {
            let (full, stripped) = sizes_of(&programs.join(name))?;
            let figure = format!("{:.1} MB, {:.1} MB", full / MB, stripped / MB);
            add(&format!("size of `{name}` as released, and stripped"), figure);
        }
    }
    if options.cold_build {
        let took = cold_build(root)?.as_secs();
        add(
            "building both programs from nothing (development profile)",
            format!("{} min {} s", took / 60, took % 60),
        );
    }
    Ok(rest)
}

/// Starts a server: how many milliseconds until it says that it listens, and its memory then.
fn start(programs: &Path) -> Result<(f64, Option<f64>)> {
    let program = programs.join("hst-server").to_string_lossy().into_owned();
    let arguments = ["--dev", "--json", "--bind", "127.0.0.1:0", "--node-ip", "127.0.0.1"];
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut line = String::new();
    let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let memory = resident(child.id());
    child.kill()?;
    child.wait()?;
    match read {
        Some(Ok(_)) if line.contains("ready") => Ok((took, memory)),
        _ => Err(format!("{program} did not start").into()),
    }
}

/// The bytes of a process in memory, where the system tells.
fn resident(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

fn churn(programs: &Path, cycles: &str) -> Result<serde_json::Value> {
    let args = ["bench", "churn", "--json", "--cycles", cycles];
    println!("+ hst {}", args.join(" "));
    let output = Command::new(programs.join("hst")).args(args).output()?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err(format!("`hst bench churn` failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The bytes of a program, and without what only a debugger reads.
fn sizes_of(program: &Path) -> Result<(f64, f64)> {
    let stripped = std::env::temp_dir().join(format!("hst-stripped-{}", std::process::id()));
    let (from, to) = (program.to_string_lossy(), stripped.to_string_lossy());
    system::run(Path::new("."), "strip", &["-o", &to, &from])?;
    let sizes = (
        fs::metadata(program)?.len() as f64,
        fs::metadata(&stripped)?.len() as f64,
    );
    fs::remove_file(stripped)?;
    Ok(sizes)
}

/// How long it takes to build the programs where nothing was built before.
fn cold_build(root: &Path) -> Result<Duration> {
    let folder = cargo::target_directory(root)?.join("cold");
    let target = folder.to_string_lossy();
    let begun = Instant::now();
    cargo::run(
        root,
        &["build", "--bin", "hst-server", "--bin", "hst", "--target-dir", &target],
    )?;
    let took = begun.elapsed();
    fs::remove_dir_all(&folder)?;
    Ok(took)
}
