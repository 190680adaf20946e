use hst_id::AppId;

use crate::{AppKeys, Claims, KeyRing, TokenError, UnixMillis};

/// Longer tokens are refused unread. The longest that this crate makes has about 1,000 bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The seam: says what a token grants, or why it opens no door.
///
/// Implementations do not block and look at no clock; `now` is the moment to judge by.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenVerifier: std::fmt::Debug + Send + Sync + 'static {
    /// Judges `token` as presented to `app` at `now`.
    ///
    /// # Errors
    /// See [`TokenError`]. A token that is both forged and expired is [`Rejected`](TokenError::Rejected).
    fn verify(&self, app: &AppId, token: &str, now: UnixMillis) -> Result<Claims, TokenError>;
}

/// Stands in where an app is not known: no key is as much work as an App Secret.
static NOBODYS_KEYS: AppKeys = AppKeys::NONE;

impl TokenVerifier for KeyRing {
    fn verify(&self, app: &AppId, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        let keys = self.keys(app);
        let verdict = if token.len() > MAX_TOKEN_BYTES {
            Err(TokenError::Rejected)
        } else {
            keys.unwrap_or(&NOBODYS_KEYS).verify(app, token, now)
        };
        if keys.is_some() {
            verdict
        } else {
            Err(TokenError::UnknownApp)
        }
    }
}
