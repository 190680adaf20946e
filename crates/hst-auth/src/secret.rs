use std::{fmt, str::FromStr};

use crate::KeyError;

/// An app's secret, as the platform's console shows it: exactly 16 visible ASCII characters.
///
/// It never shows itself: `Debug` prints `Secret(…)`, there is no `Display`, and [`reveal`](Self::reveal) is a word to
/// look for.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSecret([u8; 16]);

impl AppSecret {
    /// The only door.
    ///
    /// # Errors
    /// [`KeyError::AppSecretLength`] or [`KeyError::AppSecretCharacter`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = text
            .as_bytes()
            .try_into()
            .map_err(|_| KeyError::AppSecretLength { len: text.len() })?;
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(KeyError::AppSecretCharacter);
        }
        Ok(Self(bytes))
    }

    /// The secret itself: for where it is kept, and for whom it belongs to.
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.0).expect("visible ASCII is UTF-8")
    }

    /// Whether it is printed on a page for everybody to read: a server that others can reach has no use for it.
    pub fn is_sample(&self) -> bool {
        SAMPLES.contains(&&self.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Work for tokens that no secret can open; what it opens is never handed out.
    pub(crate) const fn nobodys() -> Self {
        Self(*b"no such app here")
    }
}

/// The secrets of examples: of these pages, and of the platform's.
const SAMPLES: [&[u8; 16]; 5] = [
    b"1234567890123456",
    b"0123456789abcdef",
    b"42de63b19db7fda7",
    b"6577543f6604bbaf",
    b"de549e8b80697e4d",
];

impl FromStr for AppSecret {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sixteen_visible_characters() {
        assert_eq!(
            AppSecret::parse("42de63b19db7fda7").unwrap().reveal(),
            "42de63b19db7fda7"
        );
        for len in (0..=64).filter(|&len| len != 16) {
            assert_eq!(
                AppSecret::parse(&"a".repeat(len)),
                Err(KeyError::AppSecretLength { len })
            );
        }
        for text in ["42de63b1 db7fda7", "42de63b19db7fda\n", "42de63b19db7fd\u{e9}"] {
            assert_eq!(AppSecret::parse(text), Err(KeyError::AppSecretCharacter), "{text:?}");
        }
    }

    #[test]
    fn l8_a_secret_that_is_printed_somewhere_is_known_as_a_sample() {
        // Where these pages print one, it must be among them.
        let pages = [
            include_str!("../README.md"),
            include_str!("../../../README.md"),
            include_str!("../../../docs/tokens.md"),
        ];
        let words = pages
            .iter()
            .flat_map(|page| page.split(|c: char| !c.is_ascii_alphanumeric()));
        let secrets: Vec<AppSecret> = words
            .filter(|word| word.bytes().all(|b| b.is_ascii_hexdigit()))
            .filter_map(|word| AppSecret::parse(word).ok())
            .collect();
        assert!(secrets.len() > 2);
        assert!(secrets.iter().all(AppSecret::is_sample));
        assert!(!AppSecret::parse("42de63b19db7fda8").unwrap().is_sample());
    }

    #[test]
    fn t19_a_secret_does_not_show_itself() {
        let secret = AppSecret::parse("42de63b19db7fda7").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
