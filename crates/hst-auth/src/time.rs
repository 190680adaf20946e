use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::Serialize;

/// A moment as milliseconds since 1970-01-01 UTC: the unit of the platform's tokens.
///
/// This crate never looks at a clock; the caller hands over his own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970; moments too far away to be counted become the last one that can be.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The moment `later` after this one; `None` if it can't be counted.
    pub fn checked_add(self, later: Duration) -> Option<Self> {
        self.0.checked_add(u64::try_from(later.as_millis()).ok()?).map(Self)
    }
}

impl From<SystemTime> for UnixMillis {
    /// A clock that stands before 1970 reads as 1970.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_and_early_moments_are_clamped_not_wrapped() {
        assert_eq!(UnixMillis::from_secs(u64::MAX).as_millis(), u64::MAX);
        assert_eq!(
            UnixMillis::from(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).as_millis(),
            0
        );
        assert_eq!(
            UnixMillis::from(SystemTime::UNIX_EPOCH + Duration::from_millis(1999)).as_secs(),
            1
        );
        assert_eq!(
            UnixMillis::from_millis(1).checked_add(Duration::from_millis(u64::MAX)),
            None
        );
    }
}
