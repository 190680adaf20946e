use std::{
    io::{self, Write as _},
    time::Duration,
};

use serde::Serialize;

/// Prints figures, an object: as JSON in one line, or as a table with a line for each of its members.
pub(super) fn print(figures: &impl Serialize, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::to_string(figures)?);
    }
    // In between are the braces' own lines; a value that is not known is no line.
    let text = serde_json::to_string_pretty(figures)?;
    for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        let name = name.trim().trim_matches('"').replace('_', " ");
        writeln!(out, "{name:<32}{}", value.trim_end_matches(','))?;
    }
    Ok(())
}

/// Milliseconds with three digits behind the point.
pub(super) fn millis(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3)
}

/// The middle one, or that between the two in the middle; `None` of none.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[low], values[high]))
}

/// Three digits behind the point.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// How long at most `percent` of the times are; 0 of none.
pub(super) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    permille(times, percent * 10)
}

/// The same by the thousand.
pub(super) fn permille(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * share).div_ceil(1000);
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&mut times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&mut times[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&mut [], 50), Duration::ZERO);
    }

    #[test]
    fn half_of_the_values_are_below_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
