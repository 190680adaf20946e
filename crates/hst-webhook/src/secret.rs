use std::{fmt, str::FromStr};

use aws_lc_rs::{hmac, rand};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::WebhookError;

const PREFIX: &str = "whsec_";
/// What the convention allows.
const MIN_LEN: usize = 24;
const MAX_LEN: usize = 64;
/// As long as the hash: a longer one is no stronger.
const RANDOM_LEN: usize = 32;

/// What an endpoint and the platform share: the key of HMAC-SHA256, 24 to 64 bytes.
///
/// It never shows itself: `Debug` prints `WebhookSecret(…)`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// `whsec_` and the key as base64: the form in which receivers' libraries take it.
    ///
    /// # Errors
    /// [`WebhookError::SecretMalformed`], [`WebhookError::SecretLength`].
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let base64 = text.strip_prefix(PREFIX).ok_or(WebhookError::SecretMalformed)?;
        let key = STANDARD.decode(base64).map_err(|_| WebhookError::SecretMalformed)?;
        if !(MIN_LEN..=MAX_LEN).contains(&key.len()) {
            return Err(WebhookError::SecretLength { len: key.len() });
        }
        Ok(Self(key))
    }

    /// A new one, out of the randomness of the operating system.
    ///
    /// # Errors
    /// [`WebhookError::NoRandomness`].
    pub fn random() -> Result<Self, WebhookError> {
        let mut key = vec![0; RANDOM_LEN];
        rand::fill(&mut key).map_err(|_| WebhookError::NoRandomness)?;
        Ok(Self(key))
    }

    /// The secret as [`WebhookSecret::parse`] takes it, to be shown to the endpoint's owner and to nobody else.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    pub(crate) fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl FromStr for WebhookSecret {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for len in 0..=80 {
            let parsed = WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode(vec![7; len])));
            match (24..=64).contains(&len) {
                true => assert!(parsed.is_ok(), "{len}"),
                false => assert_eq!(parsed, Err(WebhookError::SecretLength { len })),
            }
        }
    }

    #[test]
    fn what_is_not_written_as_a_secret_is_refused() {
        let base64 = STANDARD.encode([7; 32]);
        for text in [
            "",
            "whsec_?",
            &base64,
            &format!("whpk_{base64}"),
            &format!("whsec_{base64} "),
            &format!("whsec_{}", base64.trim_end_matches('=')),
        ] {
            assert_eq!(
                WebhookSecret::parse(text),
                Err(WebhookError::SecretMalformed),
                "{text:?}"
            );
        }
    }

    #[test]
    fn random_secrets_differ_and_can_be_written_down() {
        let [one, two] = [WebhookSecret::random().unwrap(), WebhookSecret::random().unwrap()];
        assert_ne!(one, two);
        assert_eq!(WebhookSecret::parse(&one.reveal()), Ok(one));
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = WebhookSecret::random().unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
    }
}
