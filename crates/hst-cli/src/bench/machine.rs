//! What the system says about processes; it says nothing outside Linux.

use std::{fs, time::Duration};

use super::BenchError;

/// What a process opens beside its connections.
const OTHER_FILES: usize = 128;
/// How the kernel counts CPU time in `/proc`, whatever it counts inside.
const TICKS_PER_SECOND: u64 = 100;

/// The bytes that a process has filled and that are in memory. What was read of its program is not among them: that grows when
/// something is done for the first time, and whom it is done for has nothing to do with it.
pub(super) fn filled_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// The time for which a process has had a core.
pub(super) fn cpu_time(pid: u32) -> Option<Duration> {
    let [own, system] = cpu_times(pid)?;
    Some(own + system)
}

/// The same, apart: for itself, and in the system.
pub(super) fn cpu_times(pid: u32) -> Option<[Duration; 2]> {
    let ticks = ticks(pid)?;
    // Ticks are too coarse for a server that does little in a second; the scheduler counts in nanoseconds, but does not say what
    // was spent in the system.
    let all = scheduled(pid).filter(|_| ticks != [0, 0]);
    let of_all = |part: u64| all.map(|all| all.mul_f64(part as f64 / ticks.iter().sum::<u64>() as f64));
    Some(ticks.map(|part| of_all(part).unwrap_or(Duration::from_millis(part * 1000 / TICKS_PER_SECOND))))
}

/// In ticks.
fn ticks(pid: u32) -> Option<[u64; 2]> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything, `utime` and `stime` are fields 14 and 15 (proc(5)).
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || fields.next()?.parse().ok();
    Some([next()?, next()?])
}

/// For how long the threads that there are have had a core.
fn scheduled(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let nanos = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    let nanos: u64 = nanos.sum();
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

/// Sees to it early that so many connections fit into this process, and into one that it starts.
pub(super) fn check_open_files(connections: usize) -> Result<(), BenchError> {
    let needed = connections + OTHER_FILES;
    match allowed_open_files() {
        Some(allowed) if allowed < needed => Err(BenchError::OpenFiles { needed, allowed }),
        _ => Ok(()),
    }
}

fn allowed_open_files() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // "unlimited" is no number, and no limit.
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_time() {
        let own = std::process::id();
        assert!(filled_bytes(own).unwrap() > 100_000);
        let before = cpu_time(own).unwrap();
        while cpu_time(own).unwrap() == before {}
        assert_eq!(filled_bytes(u32::MAX), None);
    }

    #[test]
    fn too_many_connections_are_refused_with_advice() {
        check_open_files(1).unwrap();
        let refused = check_open_files(usize::MAX / 2).unwrap_err().to_string();
        assert!(refused.contains("ulimit -n"), "{refused}");
    }
}
