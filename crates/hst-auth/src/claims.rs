use hst_id::{AppId, GroupId, UserId};
use serde::Serialize;

use crate::{Grants, UnixMillis};

/// What a genuine token says.
///
/// `user` and `group` are the names written in it; whether its bearer is held to them is said by
/// [`grants`](Self::grants) alone, because the platform's own tokens name a user without binding him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The app it was made for.
    pub app: AppId,
    /// The user it names, if that is a user's name.
    pub user: Option<UserId>,
    /// The group it names, if that is a group's name.
    pub group: Option<GroupId>,
    /// What its bearer may do.
    pub grants: Grants,
    /// When it was made; `None` if it does not say, or says it in a unit that was cut off by a 32-bit generator.
    pub issued_at: Option<UnixMillis>,
    /// The first moment at which it is no longer valid; `None`: never.
    pub expires_at: Option<UnixMillis>,
    /// The token's own id (`jti`), by which it can be revoked.
    pub id: Option<String>,
    /// How it was written.
    pub format: TokenFormat,
}

/// How a token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum TokenFormat {
    /// The platform's own: encrypted, not signed.
    #[serde(rename = "001")]
    Legacy001,
    /// A signed JSON Web Token (RFC 7519).
    #[serde(rename = "jwt")]
    Jwt,
}
