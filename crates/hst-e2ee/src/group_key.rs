use std::{fmt, num::NonZeroU32};

use aws_lc_rs::pbkdf2;

use crate::{
    KeyError, SframeKey,
    sframe::{KEY_LEN, hkdf},
};

/// The fewest bytes of a key.
pub const MIN_KEY_LEN: usize = 16;
/// How often a passphrase is hashed: some tenths of a second for who knows it, years for who guesses a good one.
pub const PASSPHRASE_ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("not zero");

/// The secret that the members of a group share. Nobody encrypts with it: each member's key is derived of it.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupKey([u8; 32]);

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupKey(..)")
    }
}

impl GroupKey {
    /// Of bytes that nobody can guess.
    ///
    /// # Errors
    /// [`KeyError::TooShort`].
    pub fn from_bytes(key: &[u8]) -> Result<Self, KeyError> {
        if key.len() < MIN_KEY_LEN {
            return Err(KeyError::TooShort);
        }
        Ok(Self(hkdf(key, b"hst-e2ee 1 group key")))
    }

    /// Of a passphrase that people tell each other, by PBKDF2-HMAC-SHA256 (RFC 8018) with the name of the group in its
    /// salt. Takes some tenths of a second.
    ///
    /// # Errors
    /// [`KeyError::NoPassphrase`].
    pub fn from_passphrase(passphrase: &str, group: &str) -> Result<Self, KeyError> {
        if passphrase.is_empty() {
            return Err(KeyError::NoPassphrase);
        }
        let salt = format!("hst-e2ee 1 passphrase {group}");
        let mut key = [0; 32];
        let (hash, passphrase) = (pbkdf2::PBKDF2_HMAC_SHA256, passphrase.as_bytes());
        pbkdf2::derive(hash, PASSPHRASE_ROUNDS, salt.as_bytes(), passphrase, &mut key);
        Ok(Self(key))
    }

    /// The next key that everybody makes of this one, and of which nobody makes this one.
    #[must_use]
    pub fn ratcheted(&self) -> Self {
        Self(hkdf(&self.0, b"hst-e2ee 1 ratchet"))
    }

    /// The key of one sender. Its number is a part of it, so no two senders, and no two lives of one, ever share a key.
    pub(crate) fn of_sender(&self, group: &str, user: &str, kid: u64) -> SframeKey {
        let mut info = format!("hst-e2ee 1 sender {group}/{user}/").into_bytes();
        info.extend_from_slice(&kid.to_be_bytes());
        SframeKey::derive(kid, &hkdf::<KEY_LEN>(&self.0, &info))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show() {
        let key = GroupKey::from_bytes(&[7; 16]).unwrap();
        assert_eq!(
            format!("{key:?} {:?}", key.of_sender("g", "u", 9)),
            "GroupKey(..) SframeKey { kid: 9, .. }"
        );
    }

    #[test]
    fn what_can_be_guessed_is_no_key() {
        assert_eq!(GroupKey::from_bytes(&[7; 15]), Err(KeyError::TooShort));
        assert_eq!(GroupKey::from_passphrase("", "g"), Err(KeyError::NoPassphrase));
    }
}
