use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use hst_id::{AppId, GroupId, TerminalType, UserId};

use crate::{InvalidKey, NodeId};

/// What is a part of a [`Key`] or [`Subject`] as it is: a name of the platform, or a number.
///
/// Names that may hold other characters, such as a `MediaId`, are none: no wildcard, dot, blank or control character
/// ever comes into a key.
pub trait Part: fmt::Display + sealed::Sealed {}

/// Lets nobody else declare a type to be safe.
mod sealed {
    pub trait Sealed {}
}

macro_rules! parts {
    ($($name:ty),*) => {
        $(
            impl sealed::Sealed for $name {}
            impl Part for $name {}
        )*
    };
}
parts!(AppId, UserId, GroupId, TerminalType, NodeId, u64);

/// Parts joined by dots. There are two kinds, so that nobody takes one for the other.
macro_rules! dotted {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parts joined by dots, each 1 to 128 of `[A-Za-z0-9_-]`.
            ///
            /// # Errors
            /// [`InvalidKey`] says which part breaks which rule.
            pub fn parse(text: &str) -> Result<Self, InvalidKey> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// One part longer.
            #[must_use]
            pub fn with(&self, part: &impl Part) -> Self {
                Self(format!("{self}.{part}").into())
            }

            /// Whatever has all of these parts in front and at least one more.
            pub fn beneath(&self) -> Prefix {
                Prefix(format!("{self}.").into())
            }

            /// The parts with their dots.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidKey;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        // Equal and ordered as its text is, which is what `Borrow` asks for.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

dotted! {
    /// Where an entry of the directory is: parts joined by dots, each 1 to 128 of `[A-Za-z0-9_-]`.
    ///
    /// ```
    /// use hst_cluster::Key;
    /// use hst_id::{AppId, GroupId};
    ///
    /// let key = Key::parse("group")?.with(&AppId::parse("app")?).with(&GroupId::parse("room-1")?);
    /// assert_eq!(key.as_str(), "group.app.room-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Key
}

dotted! {
    /// Where messages of the bus are heard: parts joined by dots, each 1 to 128 of `[A-Za-z0-9_-]`.
    Subject
}

impl Key {
    /// The record of a node.
    pub fn node(node: &NodeId) -> Self {
        Self(format!("node.{node}").into())
    }

    /// What the place of a group lies beneath: a group is held by one node as a login is by one session.
    pub fn group(app: &AppId, group: &GroupId) -> Self {
        Self(format!("group.{app}.{group}").into())
    }

    /// What the logins of a user with one type of terminal lie beneath; [`Claim`](crate::Claim) numbers the places.
    pub fn login(app: &AppId, user: &UserId, terminal: &TerminalType) -> Self {
        Self(format!("login.{app}.{user}.{terminal}").into())
    }
}

/// All names with the same parts in front and at least one more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// Every name.
    pub fn all() -> Self {
        Self("".into())
    }

    /// The records of all nodes.
    pub fn nodes() -> Self {
        Self("node.".into())
    }

    /// The places of all logins.
    pub fn logins() -> Self {
        Self("login.".into())
    }

    /// The places of all groups.
    pub fn groups() -> Self {
        Self("group.".into())
    }

    /// What each of the names begins with: the parts, each with a dot behind it; empty for every name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str) -> Result<(), InvalidKey> {
    for (part, name) in text.split('.').enumerate() {
        // The rule is that of the platform's names, so that each of them is a part as it is.
        AppId::parse(name).map_err(|why| InvalidKey { part, why })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hst_id::InvalidName;

    use super::*;

    #[test]
    fn a_broken_part_is_named() {
        let refused = |text| Key::parse(text).unwrap_err();
        assert_eq!(refused("").why, InvalidName::Empty { max: 128 });
        assert_eq!(refused("a..b").part, 1);
        assert_eq!(refused("a.").part, 1);
        assert_eq!(
            refused("a.b.*").to_string(),
            "its part 2 has '*' at byte 0: only letters, digits, '_' and '-' are allowed"
        );
    }

    #[test]
    fn the_floors_of_the_directory_are_apart() {
        // An App named like a floor has its logins on their own floor all the same.
        let (app, user) = (AppId::parse("node").unwrap(), UserId::parse("n1").unwrap());
        let login = Key::login(&app, &user, &TerminalType::default());
        assert_eq!(login.as_str(), "login.node.n1.web");
        assert_eq!(Key::node(&NodeId::parse("n1").unwrap()).as_str(), "node.n1");
        assert_eq!(login.with(&0).beneath().as_str(), "login.node.n1.web.0.");
    }
}
