use std::{collections::BTreeSet, fmt, str::FromStr};

use hst_id::{GroupId, MediaType, UserId};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// How far a grant reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope<T> {
    /// Nowhere.
    None,
    /// To this and nothing else.
    Only(T),
    /// Everywhere.
    Any,
}

impl<T: PartialEq> Scope<T> {
    /// Whether it reaches `target`.
    pub fn covers(&self, target: &T) -> bool {
        match self {
            Self::None => false,
            Self::Only(one) => one == target,
            Self::Any => true,
        }
    }
}

/// What the bearer of a token may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// As whom he may log in.
    pub login: Scope<UserId>,
    /// Which group he may join.
    pub join: Scope<GroupId>,
    /// Which media he may publish in it.
    #[serde(serialize_with = "with_names")]
    pub publish: Scope<BTreeSet<MediaType>>,
    /// Whether he may receive what others publish.
    pub subscribe: bool,
    /// Whether he may send messages.
    pub message: bool,
    /// Whether he may act on others: remove them, end the group.
    pub admin: bool,
}

impl Grants {
    /// Everything that an ordinary user does, as anybody and anywhere in the app; no administration.
    pub fn ordinary() -> Self {
        Self {
            login: Scope::Any,
            join: Scope::Any,
            publish: Scope::Any,
            subscribe: true,
            message: true,
            admin: false,
        }
    }

    /// A login as anybody, and nothing after it.
    pub fn login_only() -> Self {
        Self {
            login: Scope::Any,
            join: Scope::None,
            publish: Scope::None,
            subscribe: false,
            message: false,
            admin: false,
        }
    }

    /// Adds one right; joining reaches to any group.
    #[must_use]
    pub fn with(mut self, right: Right) -> Self {
        match right {
            Right::Join => self.join = Scope::Any,
            Right::Publish => self.publish = Scope::Any,
            Right::PublishOnly(media_type) => match &mut self.publish {
                Scope::None => self.publish = Scope::Only([media_type].into()),
                Scope::Only(types) => {
                    types.insert(media_type);
                }
                Scope::Any => {}
            },
            Right::Subscribe => self.subscribe = true,
            Right::Message => self.message = true,
            Right::Admin => self.admin = true,
        }
        self
    }

    /// Whether he may log in as `user`.
    pub fn may_login(&self, user: &UserId) -> bool {
        self.login.covers(user)
    }

    /// Whether he may join `group`.
    pub fn may_join(&self, group: &GroupId) -> bool {
        self.join.covers(group)
    }

    /// Whether he may publish media of this type.
    pub fn may_publish(&self, media_type: MediaType) -> bool {
        match &self.publish {
            Scope::None => false,
            Scope::Only(types) => types.contains(&media_type),
            Scope::Any => true,
        }
    }
}

/// One entry of a JWT's `rights`, as text: `join`, `publish`, `publish:audio` (`video`, `screen`, `data`, `board`),
/// `subscribe`, `message`, `admin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Right {
    /// Join the token's group, or any if it names none.
    Join,
    /// Publish media of every type.
    Publish,
    /// Publish media of this type.
    PublishOnly(MediaType),
    /// Receive what others publish.
    Subscribe,
    /// Send messages.
    Message,
    /// Act on others.
    Admin,
}

/// A text that names no right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no such right: there are join, publish, publish:audio|video|screen|data|board, subscribe, message, admin")]
pub struct UnknownRight;

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "join" => Self::Join,
            "publish" => Self::Publish,
            "subscribe" => Self::Subscribe,
            "message" => Self::Message,
            "admin" => Self::Admin,
            _ => {
                let name = text.strip_prefix("publish:").ok_or(UnknownRight)?;
                let media_type = MediaType::ALL.into_iter().find(|t| t.as_str() == name);
                Self::PublishOnly(media_type.ok_or(UnknownRight)?)
            }
        })
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Join => f.write_str("join"),
            Self::Publish => f.write_str("publish"),
            Self::PublishOnly(media_type) => write!(f, "publish:{media_type}"),
            Self::Subscribe => f.write_str("subscribe"),
            Self::Message => f.write_str("message"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

/// Media types by the names that rights use, not by the platform's numbers.
fn with_names<S: Serializer>(publish: &Scope<BTreeSet<MediaType>>, to: S) -> Result<S::Ok, S::Error> {
    match publish {
        Scope::None => Scope::None,
        Scope::Only(types) => Scope::Only(types.iter().map(|t| t.as_str()).collect::<Vec<_>>()),
        Scope::Any => Scope::Any,
    }
    .serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_reads_back_from_its_text() {
        let mut rights = vec![
            Right::Join,
            Right::Publish,
            Right::Subscribe,
            Right::Message,
            Right::Admin,
        ];
        rights.extend(MediaType::ALL.map(Right::PublishOnly));
        for right in rights {
            assert_eq!(right.to_string().parse(), Ok(right));
        }
        for text in [
            "",
            "Join",
            "publish:",
            "publish:all",
            "publish:1",
            "join ",
            "admin,join",
        ] {
            assert_eq!(text.parse::<Right>(), Err(UnknownRight), "{text:?}");
        }
    }

    #[test]
    fn rights_add_up_and_never_narrow() {
        let grants = Grants::login_only()
            .with(Right::PublishOnly(MediaType::Audio))
            .with(Right::PublishOnly(MediaType::Video));
        assert!(grants.may_publish(MediaType::Audio) && grants.may_publish(MediaType::Video));
        assert!(!grants.may_publish(MediaType::ScreenShare));

        let all = grants.with(Right::Publish).with(Right::PublishOnly(MediaType::Audio));
        assert!(MediaType::ALL.into_iter().all(|t| all.may_publish(t)));
    }

    #[test]
    fn a_scope_is_closed_open_or_exactly_one() {
        let (a, b) = (GroupId::parse("a").unwrap(), GroupId::parse("b").unwrap());
        let in_a = Grants {
            join: Scope::Only(a.clone()),
            ..Grants::ordinary()
        };
        assert!(in_a.may_join(&a) && !in_a.may_join(&b));
        assert!(Grants::ordinary().may_join(&b) && !Grants::login_only().may_join(&b));
    }
}
