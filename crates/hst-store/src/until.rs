use hst_auth::UnixMillis;

/// How long something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// Up to this moment, at which it holds no more.
    Moment(UnixMillis),
    /// For ever. So does what would end later than the database can say, in 292 million years.
    Forever,
}

impl Until {
    /// Whether it holds no more at `now`.
    pub fn is_over(self, now: UnixMillis) -> bool {
        match self {
            Self::Moment(end) => end <= now,
            Self::Forever => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_the_first_moment_after() {
        let ends = Until::Moment(UnixMillis::from_millis(10));
        assert!(!ends.is_over(UnixMillis::from_millis(9)));
        assert!(ends.is_over(UnixMillis::from_millis(10)));
        assert!(!Until::Forever.is_over(UnixMillis::from_millis(u64::MAX)));
        assert!(ends < Until::Forever);
    }
}
