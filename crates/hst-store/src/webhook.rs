use std::{fmt, str::FromStr};

use crate::{
    InvalidValue,
    text::{check_all, check_bytes, text},
};

const MAX_URL: usize = 2048;
const MIN_SECRET: usize = 16;
const MAX_SECRET: usize = 128;

/// Where an App's backend is told what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its address.
    pub url: WebhookUrl,
    /// What the news are signed with.
    pub secret: WebhookSecret,
}

text! {
    /// The address of a webhook: `http://` or `https://`, a host, and whatever follows it; at most 2,048 visible ASCII
    /// characters. It has neither a user's name, which would show a password to whoever sees the address, nor a `#`.
    WebhookUrl, check_url
}

fn check_url(text: &str) -> Result<(), InvalidValue> {
    check_bytes(text, 1, MAX_URL)?;
    check_all(text, "visible ASCII without '#' is", |c| {
        c.is_ascii_graphic() && c != '#'
    })?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '\\']).next());
    match authority {
        Some(host) if !host.is_empty() && !host.starts_with(':') && !host.contains('@') => Ok(()),
        _ => Err(InvalidValue::WebhookUrl),
    }
}

/// What the news to a webhook are signed with: 16 to 128 visible ASCII characters.
///
/// It never shows itself: `Debug` prints `Secret(…)`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Box<str>);

impl WebhookSecret {
    /// The only door.
    ///
    /// # Errors
    /// [`InvalidValue::Length`] or [`InvalidValue::Character`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_bytes(text, MIN_SECRET, MAX_SECRET)?;
        check_all(text, "visible ASCII is", |c| c.is_ascii_graphic())?;
        Ok(Self(text.into()))
    }

    /// The secret itself, to sign with.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookSecret {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_names_a_host() {
        for text in [
            "http://a",
            "https://example.org/hook?x=1&y=a@b",
            "http://127.0.0.1:8080/",
            "https://[::1]:443/x",
        ] {
            assert_eq!(WebhookUrl::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "ftp://a",
            "HTTP://a",
            "http://",
            "http:///path",
            "https://:80/",
            "https://user:password@example.org/",
            "https://a b",
            "https://a/#x",
            "https://ä",
            "javascript:x",
            "https://a\r\nHost: b",
            &format!("https://{}", "a".repeat(2048)),
        ] {
            assert!(WebhookUrl::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_has_16_to_128_visible_characters_and_does_not_show_itself() {
        for (len, fits) in [(15, false), (16, true), (128, true), (129, false)] {
            assert_eq!(WebhookSecret::parse(&"x".repeat(len)).is_ok(), fits, "{len}");
        }
        assert!(WebhookSecret::parse("with a space in it").is_err());
        assert_eq!(
            format!("{:?}", WebhookSecret::parse("sixteen-letters-").unwrap()),
            "Secret(…)"
        );
    }
}
