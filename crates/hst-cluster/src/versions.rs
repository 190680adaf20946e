use std::fmt;

use serde::{Deserialize, Serialize};

/// The versions of what nodes say to each other that one of them speaks: the oldest, the newest, and all between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Versions {
    /// The first that it speaks.
    pub oldest: u16,
    /// The last.
    pub newest: u16,
}

impl Versions {
    /// Those of a node that does not say what it speaks.
    pub const UNSAID: Self = Self { oldest: 1, newest: 1 };

    /// Whether this one is among them.
    pub fn has(self, version: u16) -> bool {
        (self.oldest..=self.newest).contains(&version)
    }

    /// Those that both speak; `None` if there are none.
    pub fn shared(self, other: Self) -> Option<Self> {
        let shared = Self {
            oldest: self.oldest.max(other.oldest),
            newest: self.newest.min(other.newest),
        };
        (shared.oldest <= shared.newest).then_some(shared)
    }

    pub(crate) fn is_unsaid(&self) -> bool {
        *self == Self::UNSAID
    }
}

/// Those of a node that does not say it.
impl Default for Versions {
    fn default() -> Self {
        Self::UNSAID
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oldest, newest } = self;
        if oldest == newest {
            write!(f, "version {newest}")
        } else {
            write!(f, "versions {oldest} to {newest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(oldest: u16, newest: u16) -> Versions {
        Versions { oldest, newest }
    }

    #[test]
    fn neighbours_share_what_both_speak_and_others_nothing() {
        let shared = |one: Versions, other: Versions| {
            assert_eq!(one.shared(other), other.shared(one));
            one.shared(other)
        };
        assert_eq!(shared(versions(1, 2), versions(2, 3)), Some(versions(2, 2)));
        assert_eq!(shared(versions(1, 4), versions(2, 3)), Some(versions(2, 3)));
        assert_eq!(shared(versions(1, 2), versions(3, 4)), None);
        assert_eq!(shared(versions(1, 5), versions(4, 3)), None, "what no node says");
        assert!(versions(1, 2).has(2) && !versions(1, 2).has(3));
    }

    #[test]
    fn they_are_named_for_people() {
        assert_eq!(versions(2, 2).to_string(), "version 2");
        assert_eq!(versions(1, 2).to_string(), "versions 1 to 2");
    }
}
