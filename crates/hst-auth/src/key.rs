use std::{collections::HashMap, fmt};

use hst_id::AppId;

use crate::{
    AppSecret, Claims, KeyError, TokenError, UnixMillis,
    jwt::{self, JwtKey},
    legacy::{self, LegacyKey},
};

/// The keys of one app, and thereby the token formats that it takes.
///
/// An algorithm belongs to its key: what a token's header claims never chooses one. An app without a `001` key refuses
/// every `001` token.
#[derive(Clone, Default)]
pub struct AppKeys {
    legacy: Option<LegacyKey>,
    jwt: Vec<JwtKey>,
}

impl AppKeys {
    /// No keys: every token is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// What an App Secret alone opens: `001` tokens, and JWTs without a key id signed by HS256 with the secret's
    /// 16 bytes.
    pub fn from_secret(secret: &AppSecret) -> Self {
        Self {
            legacy: None,
            jwt: vec![JwtKey::from_app_secret(secret)],
        }
        .with_001(secret)
    }

    /// Takes the platform's `001` tokens, made with this secret.
    #[must_use]
    pub fn with_001(mut self, secret: &AppSecret) -> Self {
        self.legacy = Some(LegacyKey::new(secret.clone()));
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
        if let Some(key) = &mut self.legacy {
            key.bind_names();
        }
        self
    }

    fn with_jwt(mut self, key: JwtKey) -> Result<Self, KeyError> {
        if self.jwt.iter().any(|other| other.key_id() == key.key_id()) {
            return Err(KeyError::DuplicateKeyId);
        }
        self.jwt.push(key);
        Ok(self)
    }

    pub(crate) fn verify(&self, app: &AppId, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        match token.strip_prefix(legacy::PREFIX) {
            Some(body) => legacy::verify(self.legacy.as_ref(), app, body, now),
            None => jwt::verify(&self.jwt, app, token, now),
        }
    }
}

impl fmt::Debug for AppKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.legacy).entries(&self.jwt).finish()
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
