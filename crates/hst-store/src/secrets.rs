use std::time::Duration;

use hst_auth::{AppSecret, UnixMillis};

/// The secrets of an App: the one in force, and for a while the one before it, so that backends can change over one
/// after the other. There are never more than two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSecrets {
    current: AppSecret,
    previous: Option<(AppSecret, UnixMillis)>,
}

impl AppSecrets {
    /// One secret.
    pub fn new(current: AppSecret) -> Self {
        Self {
            current,
            previous: None,
        }
    }

    /// With the one before, and the moment at which that is valid no more.
    #[must_use]
    pub fn with_previous(mut self, previous: AppSecret, until: UnixMillis) -> Self {
        self.previous = Some((previous, until));
        self
    }

    /// The secret in force: what new tokens are made with.
    pub fn current(&self) -> &AppSecret {
        &self.current
    }

    /// The secret before it, whether its time is over or not, and the moment at which it is valid no more.
    pub fn previous(&self) -> Option<(&AppSecret, UnixMillis)> {
        self.previous.as_ref().map(|(secret, until)| (secret, *until))
    }

    /// What a token may be made with at `now`: the secret in force, then the one before it if its time is not over.
    pub fn valid_at(&self, now: UnixMillis) -> impl Iterator<Item = &AppSecret> {
        let previous = self.previous().filter(|&(_, until)| now < until);
        [&self.current].into_iter().chain(previous.map(|(secret, _)| secret))
    }

    /// Puts `next` in force; the present one stays valid for `keep_for`, and the one before that no more.
    pub(crate) fn rotated(self, next: AppSecret, keep_for: Duration, now: UnixMillis) -> Self {
        if keep_for.is_zero() {
            // Forgotten: a clock that is set back must not bring it to life.
            return Self::new(next);
        }
        let until = now.checked_add(keep_for).unwrap_or(UnixMillis::from_millis(u64::MAX));
        Self::new(next).with_previous(self.current, until)
    }

    /// The secret in force alone.
    pub(crate) fn without_previous(self) -> Self {
        Self::new(self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_secret_is_valid_up_to_its_moment() {
        let secret = |text| AppSecret::parse(text).unwrap();
        let (old, new) = (secret("aaaaaaaaaaaaaaaa"), secret("bbbbbbbbbbbbbbbb"));
        let now = UnixMillis::from_millis(4);
        let secrets = AppSecrets::new(old.clone()).rotated(new.clone(), Duration::from_millis(6), now);
        let valid_at = |millis| secrets.valid_at(UnixMillis::from_millis(millis)).collect::<Vec<_>>();
        assert_eq!(valid_at(9), [&new, &old]);
        assert_eq!(valid_at(10), [&new]);
        assert!(!format!("{secrets:?}").contains("aaaa"));

        let at_once = AppSecrets::new(old).rotated(new.clone(), Duration::ZERO, now);
        assert_eq!(at_once, AppSecrets::new(new));
    }
}
