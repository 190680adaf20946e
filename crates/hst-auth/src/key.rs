use std::{collections::HashMap, time::Duration};

use hst_id::AppId;

use crate::{
    AppSecret, Claims, KeyError, TokenError, UnixMillis,
    jwt::{self, JwtKey},
    legacy,
    secrets::Secrets,
};

/// The keys of one app, and thereby the token formats that it takes.
///
/// An algorithm belongs to its key: what a token's header claims never chooses one. An app without a `001` key refuses
/// every `001` token.
#[derive(Debug, Clone, Default)]
pub struct AppKeys {
    legacy: Secrets,
    binds_001_names: bool,
    /// For JWTs without a key id; then no key of `jwt` is without one.
    jwt_secrets: Secrets,
    jwt: Vec<JwtKey>,
    longest_life: Option<Duration>,
}

impl AppKeys {
    pub(crate) const NONE: Self = Self {
        legacy: Secrets::NONE,
        binds_001_names: false,
        jwt_secrets: Secrets::NONE,
        jwt: Vec::new(),
        longest_life: None,
    };

    /// No keys: every token is refused.
    pub fn new() -> Self {
        Self::NONE
    }

    /// What an App Secret alone opens: `001` tokens, and JWTs without a key id signed by HS256 with the secret's
    /// 16 bytes.
    pub fn from_secret(secret: &AppSecret) -> Self {
        Self {
            jwt_secrets: Secrets::of(secret),
            ..Self::NONE
        }
        .with_001(secret)
    }

    /// Takes the platform's `001` tokens, made with this secret.
    #[must_use]
    pub fn with_001(mut self, secret: &AppSecret) -> Self {
        self.legacy = Secrets::of(secret);
        self
    }

    /// Takes no `001` tokens any more.
    #[must_use]
    pub fn without_001(mut self) -> Self {
        self.legacy = Secrets::NONE;
        self
    }

    /// Takes what this earlier App Secret opens as well, wherever the present one is taken: until every backend has the
    /// new one.
    ///
    /// There is one earlier secret at most, the last one given.
    #[must_use]
    pub fn and_previous(mut self, secret: &AppSecret) -> Self {
        self.legacy.set_previous(secret);
        self.jwt_secrets.set_previous(secret);
        self
    }

    /// Takes JWTs signed by HS256 with this key of at least 32 bytes, under this key id or none.
    ///
    /// # Errors
    /// [`KeyError::ShortHmacKey`], [`KeyError::KeyId`], [`KeyError::DuplicateKeyId`].
    pub fn with_hs256(self, key_id: Option<&str>, key: &[u8]) -> Result<Self, KeyError> {
        self.with_jwt(JwtKey::hs256(key_id, key)?)
    }

    /// Takes JWTs signed by EdDSA (Ed25519), given the 32 bytes of the public key, under this key id or none.
    ///
    /// # Errors
    /// [`KeyError::Ed25519PublicKey`], [`KeyError::KeyId`], [`KeyError::DuplicateKeyId`].
    pub fn with_ed25519(self, key_id: Option<&str>, public_key: &[u8]) -> Result<Self, KeyError> {
        self.with_jwt(JwtKey::ed25519(key_id, public_key)?)
    }

    /// Holds the bearer of a `001` token to the user and the group that it names.
    ///
    /// The platform itself does not, and its token service names nobody (`""`, `"null"` and `"1"` bind to nothing).
    /// A JWT that names somebody always binds him.
    #[must_use]
    pub fn bind_001_names(mut self) -> Self {
        self.binds_001_names = true;
        self
    }

    /// Refuses every token that would be good for longer than this from the moment it is shown, such as one that never
    /// expires. Without it there is no limit.
    #[must_use]
    pub fn with_longest_life(mut self, longest: Duration) -> Self {
        self.longest_life = Some(longest);
        self
    }

    fn with_jwt(mut self, key: JwtKey) -> Result<Self, KeyError> {
        let is_taken = match key.key_id() {
            None if !self.jwt_secrets.is_none() => true,
            key_id => self.jwt.iter().any(|other| other.key_id() == key_id),
        };
        if is_taken {
            return Err(KeyError::DuplicateKeyId);
        }
        self.jwt.push(key);
        Ok(self)
    }

    pub(crate) fn verify(&self, app: &AppId, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        let claims = match token.strip_prefix(legacy::PREFIX) {
            Some(body) => legacy::verify(&self.legacy, self.binds_001_names, app, body, now),
            None => jwt::verify(&self.jwt, &self.jwt_secrets, app, token, now),
        }?;
        match self.longest_life.map(|longest| now.checked_add(longest)) {
            Some(Some(last)) if claims.expires_at.is_none_or(|end| end > last) => Err(TokenError::Rejected),
            _ => Ok(claims),
        }
    }
}

/// The keys of every app: the verifier of a server that knows its apps.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    apps: HashMap<AppId, AppKeys>,
}

impl KeyRing {
    /// Knows no app.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an app, or gives it other keys; answers those it had.
    pub fn insert(&mut self, app: AppId, keys: AppKeys) -> Option<AppKeys> {
        self.apps.insert(app, keys)
    }

    /// Forgets an app; answers the keys it had.
    pub fn remove(&mut self, app: &AppId) -> Option<AppKeys> {
        self.apps.remove(app)
    }

    pub(crate) fn keys(&self, app: &AppId) -> Option<&AppKeys> {
        self.apps.get(app)
    }
}

impl FromIterator<(AppId, AppKeys)> for KeyRing {
    fn from_iter<I: IntoIterator<Item = (AppId, AppKeys)>>(apps: I) -> Self {
        Self {
            apps: apps.into_iter().collect(),
        }
    }
}
