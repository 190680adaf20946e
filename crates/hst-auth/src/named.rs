use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hst_id::{AppId, UserId};

use crate::{MAX_TOKEN_BYTES, json::Object};

/// Whom a token names, before anybody has judged it: enough to know whose keys to judge it by, and nothing to rely on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Named {
    /// The App that it says it was made for.
    pub app: Option<AppId>,
    /// The user that it says it was made for.
    pub user: Option<UserId>,
}

impl Named {
    /// The names in a token. A `001` token is encrypted and tells none, and neither does what is no token.
    pub fn in_token(token: &str) -> Self {
        let claims = |token: &str| {
            let claims = token.split('.').nth(1)?;
            Object::parse(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
        };
        let Some(mut claims) = Some(token).filter(|it| it.len() <= MAX_TOKEN_BYTES).and_then(claims) else {
            return Self::default();
        };
        let mut text = |name| claims.take_text(name).ok().flatten();
        Self {
            app: text("iss").and_then(|name| AppId::parse(&name).ok()),
            user: text("sub").and_then(|name| UserId::parse(&name).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{AppSecret, TokenIssuer, TokenRequest, UnixMillis};

    #[test]
    fn a_signed_token_names_whom_it_was_made_for_and_nothing_else_does() {
        let (app, user) = (AppId::parse("app").unwrap(), UserId::parse("ann").unwrap());
        let secret = AppSecret::parse("0123456789abcdef").unwrap();
        let request = TokenRequest {
            user: Some(user.clone()),
            lifetime: Some(Duration::from_secs(60)),
            ..TokenRequest::default()
        };
        let now = UnixMillis::from_secs(1_700_000_000);
        let jwt = TokenIssuer::jwt(app.clone(), &secret).issue(&request, now).unwrap();
        let named = Named::in_token(&jwt);
        assert_eq!((named.app, named.user), (Some(app.clone()), Some(user)));

        let legacy = TokenIssuer::legacy_001(app, &secret).issue(&request, now).unwrap();
        for silent in [&legacy, "", "a.b.c", &"a.".repeat(MAX_TOKEN_BYTES), "e30.e30.e30"] {
            assert_eq!(Named::in_token(silent), Named::default(), "{silent}");
        }
    }
}
