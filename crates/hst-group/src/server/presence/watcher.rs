use hst_id::UserId;

use super::told::Change;

/// One session that watches.
#[derive(Debug)]
pub(super) struct Watcher {
    /// Whose.
    pub(super) user: UserId,
    pub(super) horizon: Horizon,
}

/// Up to where a watcher has read the pages.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Horizon {
    User(UserId),
    Everybody,
}

/// How much of some changes is for a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    Nothing,
    Part,
    All,
}

impl Watcher {
    /// How much of these changes, which are in the order of names, is for him: those up to his horizon, without his own.
    pub(super) fn share(&self, changes: &[Change]) -> Share {
        let within = match &self.horizon {
            Horizon::User(last) => changes.partition_point(|change| change.user <= *last),
            Horizon::Everybody => changes.len(),
        };
        let is_among = changes.binary_search_by(|change| change.user.cmp(&self.user)).is_ok();
        if within == 0 || (is_among && changes.len() == 1) {
            Share::Nothing
        } else if within == changes.len() && !is_among {
            Share::All
        } else {
            Share::Part
        }
    }
}
