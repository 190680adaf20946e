use std::sync::Arc;

use axum::extract::State;
use hst_auth::UnixMillis;
use hst_id::UserId;
use hst_store::{Revocation, TokenId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Done, Outcome, ok},
    body::Body,
    named::NamedApp,
    params::some_parsed,
    problem::{Code, Problem},
};
use crate::{apps::now, http::Web};

/// Which tokens are taken back: `token` alone, or `user` or `issued_before` or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRevocation {
    /// The one with this id (`jti`), whenever it was issued.
    #[serde(default, deserialize_with = "some_parsed")]
    #[schema(value_type = Option<String>)]
    token: Option<TokenId>,
    /// Those by which this user logs in.
    #[schema(value_type = Option<String>)]
    user: Option<UserId>,
    /// Those that were issued before this moment, in milliseconds since 1970, which has not to be in the future; for a
    /// `user` it is now if it is not said.
    issued_before: Option<u64>,
}

impl NewRevocation {
    fn revocation(self) -> Result<(Revocation, UnixMillis), Problem> {
        let now = now();
        let before = self.issued_before.map_or(now, UnixMillis::from_millis);
        // It could not be undone: everybody would be kept out until then, whatever token he is given.
        if before > now {
            let message = "issued_before: this moment is in the future";
            return Err(Problem::new(Code::ArgumentInvalid, message));
        }
        match (self.token, self.user, self.issued_before) {
            (Some(token), None, None) => Ok((Revocation::Token(token), now)),
            (None, Some(user), _) => Ok((Revocation::User(user), before)),
            (None, None, Some(_)) => Ok((Revocation::Everyone, before)),
            (None, None, None) => {
                let message = "token, user or issued_before is wanted";
                Err(Problem::new(Code::ArgumentMissing, message))
            }
            (Some(_), ..) => {
                let message = "token stands alone: it is taken back whoever used it, whenever it was issued";
                Err(Problem::new(Code::ArgumentInvalid, message))
            }
        }
    }
}

/// Takes tokens back: nobody logs in or comes back by them any more, and sessions that began with them end.
///
/// A token that does not say when it was issued counts as older than any moment, and a JWT's `iat` counts whole seconds.
#[utoipa::path(
    post,
    path = "/v1/apps/{app}/revocations",
    tag = "Users",
    params(("app" = String, Path)),
    request_body = NewRevocation,
    responses((status = 200, body = Answer<Done>)),
)]
pub(super) async fn revoke_tokens(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    Body(new): Body<NewRevocation>,
) -> Outcome {
    let (what, before) = new.revocation()?;
    web.hub.registry.revoke(app.id.clone(), what, before).await?;
    ok(Done {})
}
