use std::{
    io::{self, Write},
    time::Duration,
};

use hst_rtc::UserId;

use super::summary::{Carried, Summary};

/// One line on the terminal, written over each second.
#[derive(Debug)]
pub(super) struct Progress {
    is_on: bool,
}

impl Progress {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on }
    }

    pub(super) fn show(&self, since: Duration, members: &[UserId], summary: &Summary) {
        if !self.is_on {
            return;
        }
        let seconds = since.as_secs();
        let (sent, received) = (rate(summary.sent()), rate(summary.received()));
        let others = members.len();
        let worst = worst(summary);
        // A terminal that cannot be written to is no reason to leave the group.
        let _ = write!(
            io::stderr(),
            "\r\x1b[2K{:02}:{:02}  {others} others  sending {sent} kb/s  receiving {received} kb/s{worst}",
            seconds / 60,
            seconds % 60,
        );
    }

    pub(super) fn finish(&self) {
        if self.is_on {
            let _ = writeln!(io::stderr());
        }
    }
}

/// The media that somebody may complain of first.
fn worst(summary: &Summary) -> String {
    let flowing = summary
        .sent()
        .iter()
        .chain(summary.received())
        .filter(|it| it.bits_per_second > 0);
    let qualities = flowing.filter_map(|it| Some((&it.key, it.quality?)));
    let worst = qualities.min_by(|(_, one), (_, other)| one.score.total_cmp(&other.score));
    worst.map_or_else(String::new, |(key, it)| {
        format!("  quality {:.1} ({}: {key})", it.score, it.reason)
    })
}

fn rate(carried: &[Carried]) -> u64 {
    carried.iter().map(|c| c.bits_per_second).sum::<u64>() / 1000
}
