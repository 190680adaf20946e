use crate::InvalidName;

const MAX_NAME: usize = 128;
const ALPHABET: &str = "letters, digits, '_' and '-'";

/// The one rule of App, User and Group IDs: 1 to 128 of `[A-Za-z0-9_-]`.
fn check(text: &str) -> Result<(), InvalidName> {
    check_with(text, MAX_NAME, ALPHABET, |c| {
        c.is_ascii_alphanumeric() || c == '_' || c == '-'
    })
}

pub(crate) fn check_with(
    text: &str,
    max: usize,
    allowed: &'static str,
    is_allowed: impl Fn(char) -> bool,
) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty { max });
    }
    if text.len() > max {
        return Err(InvalidName::TooLong { len: text.len(), max });
    }
    match text.char_indices().find(|&(_, c)| !is_allowed(c)) {
        Some((at, found)) => Err(InvalidName::Character { found, at, allowed }),
        None => Ok(()),
    }
}

/// A name type: one door in (`parse`), cheap to clone, equal only if its bytes are equal.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) std::sync::Arc<str>);

        impl $name {
            /// The only door: checks the text and keeps it as it is, without any normalisation.
            ///
            /// # Errors
            /// [`InvalidName`] says which rule the text breaks.
            pub fn parse(text: &str) -> Result<Self, $crate::InvalidName> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                Self::parse(&text).map_err(|e| serde::de::Error::custom(format_args!(concat!(stringify!($name), " {}"), e)))
            }
        }
    };
}
pub(crate) use name;

name! {
    /// An application, unique on the platform: 1 to 128 of letters, digits, `_` and `-`.
    AppId, check
}
name! {
    /// A user, unique in his App, named by the App's developer: 1 to 128 of letters, digits, `_` and `-`.
    UserId, check
}
name! {
    /// A group (a room), unique in its App and there as soon as somebody joins it: 1 to 128 of letters,
    /// digits, `_` and `-`.
    GroupId, check
}
name! {
    /// The class of terminal of one login (the platform's `mutexType`): 1 to 128 of letters, digits, `_` and `-`.
    TerminalType, check
}

impl Default for TerminalType {
    /// `web`, the platform's default.
    fn default() -> Self {
        Self("web".into())
    }
}
