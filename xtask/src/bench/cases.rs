//! `hst bench forward`, case for case.

use std::{path::Path, process::Command};

use serde_json::Value;

use super::median;
use crate::Result;

/// Who sends what to how many, as `hst bench` names it and as a reader does.
const CASES: [(&str, &str); 6] = [
    ("1to1", "camera 1 → 1"),
    ("1to10", "camera 1 → 10"),
    ("1to100", "camera 1 → 100"),
    ("10x10", "cameras 10 × 10"),
    ("50x4", "cameras 50 × 4"),
    ("audio", "sound 10 → 500"),
];
/// These are measured with a server on the crate `webrtc`, too, which is this example.
const BESIDE: ([&str; 2], &str) = (["1to10", "1to100"], "examples/forward");
/// Of what the server can carry, so much it gets for the second measurement of delays.
const LOAD: &str = "0.5";

/// What one case has shown: medians over all runs.
#[derive(Debug, Default, Clone)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// As a camera or a speaker sends.
    pub(super) plain: Figures,
    /// With half of what the server can carry.
    pub(super) loaded: Figures,
}

/// What `hst bench forward` says; `None` is what it could not say.
#[derive(Debug, Default, Clone)]
pub(super) struct Figures {
    pub(super) ratio: Option<f64>,
    pub(super) user: Option<f64>,
    pub(super) system: Option<f64>,
    pub(super) speed: Option<f64>,
    pub(super) gbit: Option<f64>,
    pub(super) limit: Option<f64>,
    pub(super) load: Option<f64>,
    pub(super) beside: Option<f64>,
    pub(super) beside_ratio: Option<f64>,
    /// In microseconds, at 50, 99 and 99.9 %.
    pub(super) delays: [Option<f64>; 3],
    pub(super) bytes_per_receiver: Option<f64>,
    pub(super) bytes_per_member: Option<f64>,
    /// In at least one run the clients could not keep up.
    pub(super) is_limited: bool,
}

impl Figures {
    /// Of a packet, in microseconds of the processor.
    pub(super) fn cost(&self) -> Option<f64> {
        Some(self.user? + self.system?)
    }
}

/// Measures every case so often, for so many seconds each.
pub(super) fn measure(programs: &Path, runs: usize, seconds: usize) -> Result<Vec<Case>> {
    let measure = |&(name, label): &(&'static str, &'static str)| {
        let example = programs.join(BESIDE.1);
        let example = example.to_string_lossy();
        let beside: &[&str] = if BESIDE.0.contains(&name) {
            &["--beside", &example]
        } else {
            &[]
        };
        Ok(Case {
            name,
            label,
            plain: figures(programs, name, beside, runs, seconds)?,
            loaded: figures(programs, name, &["--load", LOAD], runs, seconds)?,
        })
    };
    CASES.iter().map(measure).collect()
}

fn figures(programs: &Path, case: &str, more: &[&str], runs: usize, seconds: usize) -> Result<Figures> {
    let seconds = seconds.to_string();
    let args = [
        &["bench", "forward", "--json", "--case", case, "--seconds", &seconds],
        more,
    ]
    .concat();
    println!("+ hst {}, {runs} times", args.join(" "));
    let run = |_| {
        let output = Command::new(programs.join("hst")).args(&args).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("`hst {}` failed: {said}", args.join(" ")).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    Ok(summary(&(0..runs).map(run).collect::<Result<Vec<Value>>>()?))
}

/// The medians of some runs.
fn summary(runs: &[Value]) -> Figures {
    let of = |name: &str| median(runs.iter().filter_map(|run| run[name].as_f64()).collect());
    Figures {
        ratio: of("ratio_to_limit"),
        user: of("server_user_us_per_packet"),
        system: of("server_system_us_per_packet"),
        speed: of("packets_per_second_per_core"),
        gbit: of("gbit_per_second_per_core"),
        limit: of("limit_packets_per_second_per_core"),
        load: of("server_load"),
        beside: of("beside_us_per_packet"),
        beside_ratio: of("beside_ratio"),
        delays: ["delay_us_p50", "delay_us_p99", "delay_us_p999"].map(of),
        bytes_per_receiver: of("bytes_per_receiver"),
        bytes_per_member: of("bytes_per_member"),
        is_limited: runs.iter().any(|run| run["generator_limited"] == true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_three_runs_the_middle_one_counts_and_one_slow_generator_is_told() {
        let run = |ratio: f64, slow: bool| json!({ "ratio_to_limit": ratio, "generator_limited": slow });
        let figures = summary(&[run(0.5, false), run(0.4, true), run(0.9, false)]);
        assert_eq!((figures.ratio, figures.load), (Some(0.5), None));
        assert!(figures.is_limited);
        assert!(!summary(&[run(0.5, false)]).is_limited);
    }
}
