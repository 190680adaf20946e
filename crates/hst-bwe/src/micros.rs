use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A time, or the span between two: microseconds since some origin, ours or the receiver's. It saturates, for what a
/// receiver says may be absurd.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Micros(i64);

impl Micros {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) const fn new(micros: i64) -> Self {
        Self(micros)
    }

    pub(crate) const fn millis(millis: i64) -> Self {
        Self(millis * 1000)
    }

    pub(crate) const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }

    pub(crate) const fn get(self) -> i64 {
        self.0
    }

    pub(crate) const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    pub(crate) fn as_millis(self) -> f64 {
        self.0 as f64 / 1e3
    }

    pub(crate) fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    pub(crate) fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self(
            seconds
                .saturating_mul(1_000_000)
                .saturating_add(i64::from(duration.subsec_micros())),
        )
    }
}

impl From<Micros> for Duration {
    /// A negative span is none.
    fn from(Micros(micros): Micros) -> Self {
        Self::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
