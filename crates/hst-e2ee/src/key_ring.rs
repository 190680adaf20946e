use std::collections::VecDeque;

use crate::GroupKey;

/// How many keys are kept: the one in use, and those before it for frames that come late. The oldest gives way.
pub const KEPT_KEYS: usize = 4;
/// How many steps a key that is ahead of ours is looked for by ratcheting.
pub const RATCHET_WINDOW: u8 = 8;

/// The keys of a group by their numbers, which count up and begin at 0 again after 255.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    /// The one in use is the last.
    keys: VecDeque<(u8, GroupKey)>,
}

impl KeyRing {
    /// Puts a key to use; one of the same number is forgotten, and so is the oldest of too many.
    pub fn set(&mut self, id: u8, key: GroupKey) {
        self.keys.retain(|(other, _)| *other != id);
        self.keys.push_back((id, key));
        if self.keys.len() > KEPT_KEYS {
            self.keys.pop_front();
        }
    }

    /// The key in use.
    pub fn current(&self) -> Option<(u8, &GroupKey)> {
        self.keys.back().map(|(id, key)| (*id, key))
    }

    /// Whether a key of this number is kept.
    pub fn contains(&self, id: u8) -> bool {
        self.keys.iter().any(|(other, _)| *other == id)
    }

    /// The key of a number: one that is kept, or one that the key in use becomes within [`RATCHET_WINDOW`] steps.
    pub fn find(&self, id: u8) -> Option<GroupKey> {
        if let Some((_, key)) = self.keys.iter().find(|(other, _)| *other == id) {
            return Some(key.clone());
        }
        let (current, key) = self.current()?;
        let steps = id.wrapping_sub(current);
        (steps <= RATCHET_WINDOW).then(|| (0..steps).fold(key.clone(), |key, _| key.ratcheted()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> GroupKey {
        GroupKey::from_bytes(&[byte; 16]).unwrap()
    }

    #[test]
    fn a_few_old_keys_are_kept_and_the_oldest_gives_way() {
        let mut ring = KeyRing::default();
        assert_eq!(ring.current(), None);
        for id in 0..=4 {
            ring.set(id, key(id));
        }
        assert_eq!(ring.current(), Some((4, &key(4))));
        assert_eq!([0, 1, 4].map(|id| ring.find(id)), [None, Some(key(1)), Some(key(4))]);
        ring.set(4, key(9));
        assert_eq!(
            [4, 1].map(|id| ring.find(id)),
            [Some(key(9)), Some(key(1))],
            "of one number there is one"
        );
    }

    #[test]
    fn a_key_that_is_ahead_is_found_and_one_that_is_far_ahead_is_not() {
        let mut ring = KeyRing::default();
        ring.set(254, key(1));
        assert_eq!(ring.find(255), Some(key(1).ratcheted()));
        assert_eq!(ring.find(0), Some(key(1).ratcheted().ratcheted()), "0 comes behind 255");
        assert!(ring.find(6).is_some());
        assert_eq!(ring.find(7), None);
        assert_eq!(ring.find(253), None, "nobody goes back");
    }
}
