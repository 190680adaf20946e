//! The machine is faster at one time than at another, for seconds or for minutes. So a server and the limit are measured in turns, and
//! each of the server's is compared to the limit just before and just behind it.

use std::time::{Duration, Instant};

use hst_load::Crowd;
use tokio::time::sleep;

use super::{
    case::Shape,
    limit,
    measure::{Served, spent},
};
use crate::error::CliError;

/// How long a turn takes: no longer than the machine stays as it is, and a publisher may pause without having gone.
const TURN: Duration = Duration::from_millis(500);
/// What was sent last has arrived after this, and was reported.
const TAIL: Duration = Duration::from_millis(100);

/// What a server did for a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Its processor time: its own, and the system's for it.
    pub(super) cpu: Option<[Duration; 2]>,
    /// For how long was sent.
    pub(super) elapsed: Duration,
    /// What came of that.
    packets: u64,
}

/// What a packet took in a turn, in seconds of a processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// Of the server; `None` where nobody says it.
    pub(super) server: Option<f64>,
    /// At the limit, just before and just behind it.
    limits: [f64; 2],
}

impl Turn {
    /// What it took at the limit.
    pub(super) fn limit(&self) -> f64 {
        self.limits.iter().sum::<f64>() / 2.0
    }

    /// How fast the server was, of how fast the machine could be.
    pub(super) fn ratio(&self) -> Option<f64> {
        Some(self.limit() / self.server?)
    }
}

impl Stretch {
    const NONE: Self = Self {
        cpu: Some([Duration::ZERO; 2]),
        elapsed: Duration::ZERO,
        packets: 0,
    };

    /// Has clients send for so long, and then only take what comes.
    pub(super) async fn measure(crowds: &[Crowd], server: &Served, length: Duration) -> Self {
        let received = || crowds.iter().map(Crowd::received).sum::<u64>();
        let all = |tell: fn(&Crowd)| crowds.iter().for_each(tell);
        let (before, already, begun) = (server.cpu(), received(), Instant::now());
        all(Crowd::count);
        sleep(length).await;
        all(Crowd::listen);
        let elapsed = begun.elapsed();
        sleep(TAIL).await;
        Self {
            cpu: spent(before, server.cpu()),
            elapsed,
            packets: received().saturating_sub(already),
        }
    }

    /// What each packet took, in seconds.
    fn cost(&self) -> Option<f64> {
        let all = self.cpu?.iter().sum::<Duration>();
        (self.packets > 0).then(|| all.as_secs_f64() / self.packets as f64)
    }

    /// Both together.
    fn and(self, other: Self) -> Self {
        Self {
            cpu: self
                .cpu
                .zip(other.cpu)
                .map(|(one, other)| [0, 1].map(|of| one[of] + other[of])),
            elapsed: self.elapsed + other.elapsed,
            packets: self.packets + other.packets,
        }
    }
}

/// Measures the server so often that it is measured for this long: all of it, and each turn.
pub(super) async fn take(
    crowds: &[Crowd; 2],
    server: &Served,
    shape: &Shape,
    length: Duration,
) -> Result<(Stretch, Vec<Turn>), CliError> {
    let [front, hall] = crowds;
    front.listen();
    sleep(TAIL).await;
    // Who only receives counts already when the first packet leaves.
    hall.count();
    sleep(TAIL).await;
    let mut before = limit::beside(shape, TURN).await?;
    let (mut whole, mut turns) = (Stretch::NONE, Vec::new());
    while whole.elapsed < length {
        let stretch = Stretch::measure(crowds, server, TURN).await;
        let behind = limit::beside(shape, TURN).await?;
        turns.push(Turn {
            server: stretch.cost(),
            limits: [before, behind],
        });
        before = behind;
        whole = whole.and(stretch);
    }
    Ok((whole, turns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_compared_to_the_limit_around_it() {
        let limits = [2e-6, 4e-6];
        let turn = |server| Turn { server, limits };
        assert_eq!(turn(Some(4e-6)).ratio(), Some(0.75));
        assert_eq!(turn(None).ratio(), None);
    }

    #[test]
    fn all_turns_together_are_what_was_measured() {
        let stretch = |millis: u64, packets| Stretch {
            cpu: Some([1, 2].map(|part| Duration::from_millis(part * millis))),
            elapsed: TURN,
            packets,
        };
        assert_eq!(stretch(10, 0).cost(), None, "of nothing there is no cost");
        let whole = Stretch::NONE.and(stretch(10, 100)).and(stretch(30, 300));
        assert_eq!(
            (whole.cpu, whole.elapsed),
            (Some([40, 80].map(Duration::from_millis)), 2 * TURN)
        );
        assert_eq!(whole.cost(), Some(0.12 / 400.0));
    }
}
