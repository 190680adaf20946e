use hst_id::{AppId, GroupId, UserId};
use serde::Serialize;

use crate::{Grants, LoginPolicy, UnixMillis, legacy};

/// What a genuine token says.
///
/// `user` and `group` are the names written in it; whether its bearer is held to them is said by
/// [`grants`](Self::grants) alone, because the platform's own tokens name a user without binding him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The app it was made for.
    pub app: AppId,
    /// The user it names; `None`: nobody.
    pub user: Option<UserId>,
    /// The group it names; `None`: none.
    pub group: Option<GroupId>,
    /// What its bearer may do.
    pub grants: Grants,
    /// What a login by it means to earlier ones of the same user; `None`: what its App says.
    pub login: Option<LoginPolicy>,
    /// When it was made, by its maker's clock: exact to the second in a JWT (rounded down), to the millisecond in a
    /// `001` token. `None` if it does not say, or says what is no date in milliseconds: generators that count in 32 bits
    /// cut off the upper half.
    pub issued_at: Option<UnixMillis>,
    /// The first moment at which it is no longer valid; `None`: never.
    pub expires_at: Option<UnixMillis>,
    /// The token's own id (`jti`), by which it can be revoked.
    pub id: Option<String>,
    /// How it was written.
    pub format: TokenFormat,
}

impl Claims {
    /// Whether it was made before `moment`: what a revocation of all that was made before then asks, whatever the time
    /// is now. A token that does not say when it was made may be as old as any.
    pub fn made_before(&self, moment: UnixMillis) -> bool {
        self.issued_at.is_none_or(|made| made < moment)
    }
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

impl TokenFormat {
    /// How this text is read, whether it is a token or not.
    pub fn of(token: &str) -> Self {
        if token.starts_with(legacy::PREFIX) {
            Self::Legacy001
        } else {
            Self::Jwt
        }
    }
}
