use crate::InvalidValue;

/// A type for a text with a rule: one door in (`parse`), and equal only if the bytes are equal.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The only door: checks the text and keeps it as it is.
            ///
            /// # Errors
            /// [`InvalidValue`](crate::InvalidValue) says which rule the text breaks.
            pub fn parse(text: &str) -> Result<Self, $crate::InvalidValue> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidValue;

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
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }
    };
}
pub(crate) use text;

/// Holds the number of characters against the range.
pub(crate) fn check_characters(text: &str, min: usize, max: usize) -> Result<(), InvalidValue> {
    check_length(text.chars().count(), min, max, "characters")
}

/// Holds the number of bytes against the range.
pub(crate) fn check_bytes(text: &str, min: usize, max: usize) -> Result<(), InvalidValue> {
    check_length(text.len(), min, max, "bytes")
}

fn check_length(len: usize, min: usize, max: usize, unit: &'static str) -> Result<(), InvalidValue> {
    match (min..=max).contains(&len) {
        true => Ok(()),
        false => Err(InvalidValue::Length { len, min, max, unit }),
    }
}

/// Holds every character against the rule, of which `allowed` is the wording.
pub(crate) fn check_all(
    text: &str,
    allowed: &'static str,
    is_allowed: impl Fn(char) -> bool,
) -> Result<(), InvalidValue> {
    match text.chars().all(is_allowed) {
        true => Ok(()),
        false => Err(InvalidValue::Character { allowed }),
    }
}
