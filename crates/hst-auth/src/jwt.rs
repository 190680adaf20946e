//! Signed JSON Web Tokens (RFC 7519, 7515, 8037).
//!
//! The header may say which key (`kid`) but not which algorithm: that belongs to the key, and the header has only to
//! agree. Every date is judged here, because the clock is the caller's.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hst_id::{AppId, GroupId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::{
    AppSecret, Claims, Grants, KeyError, Scope, TokenError, TokenFormat, UnixMillis, json::Object, secrets::Secrets,
};

/// RFC 7518, 3.2: an HMAC key is no shorter than the hash.
const MIN_HMAC_KEY: usize = 32;
const ED25519_PUBLIC_KEY: usize = 32;
const MAX_KEY_ID: usize = 64;
pub(crate) const MAX_TOKEN_ID: usize = 128;
/// The end of the year 9999. A later date is one in milliseconds: a mistake that would make a token immortal.
pub(crate) const LAST_SECOND: u64 = 253_402_300_799;
/// A token that names audiences must name this one among them.
const AUDIENCE: &str = "hst-rtc";

#[derive(Clone)]
pub(crate) struct JwtKey {
    key_id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtKey {
    /// Sixteen bytes are what an App Secret has; it is the one HMAC key that may be this short.
    fn from_app_secret(secret: &AppSecret) -> Self {
        Self {
            key_id: None,
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.as_bytes()),
        }
    }

    pub(crate) fn hs256(key_id: Option<&str>, key: &[u8]) -> Result<Self, KeyError> {
        check_hmac_key(key)?;
        let key = DecodingKey::from_secret(key);
        Ok(Self {
            key_id: checked_key_id(key_id)?,
            algorithm: Algorithm::HS256,
            key,
        })
    }

    pub(crate) fn ed25519(key_id: Option<&str>, public_key: &[u8]) -> Result<Self, KeyError> {
        if public_key.len() != ED25519_PUBLIC_KEY {
            return Err(KeyError::Ed25519PublicKey);
        }
        // The library calls it DER; it takes the raw bytes.
        let key = DecodingKey::from_ed_der(public_key);
        Ok(Self {
            key_id: checked_key_id(key_id)?,
            algorithm: Algorithm::EdDSA,
            key,
        })
    }

    /// What it signed; the header that comes with it has only to agree.
    fn open(&self, header: &Header, token: &str) -> Result<Object, TokenError> {
        if header.algorithm != self.algorithm {
            return Err(TokenError::Rejected);
        }
        let signed = jsonwebtoken::decode(token, &self.key, &self.validation());
        signed.map(|signed| signed.claims).map_err(|_| TokenError::Rejected)
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Everything that the library would check by its own clock or by its own lenience is off, and done below.
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.leeway = 0;
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

pub(crate) fn check_hmac_key(key: &[u8]) -> Result<(), KeyError> {
    if key.len() < MIN_HMAC_KEY {
        return Err(KeyError::ShortHmacKey {
            len: key.len(),
            min: MIN_HMAC_KEY,
        });
    }
    Ok(())
}

pub(crate) fn checked_key_id(key_id: Option<&str>) -> Result<Option<String>, KeyError> {
    match key_id {
        Some(id) if id.is_empty() || id.len() > MAX_KEY_ID || !id.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(KeyError::KeyId)
        }
        id => Ok(id.map(str::to_owned)),
    }
}

/// The key is that of the header's id. Without an id it is a key that has none, or else an App Secret.
pub(crate) fn verify(
    keys: &[JwtKey],
    secrets: &Secrets,
    app: &AppId,
    token: &str,
    now: UnixMillis,
) -> Result<Claims, TokenError> {
    let header = Header::of(token)?;
    let claims = match (keys.iter().find(|key| key.key_id == header.key_id), &header.key_id) {
        (Some(key), _) => key.open(&header, token),
        (None, None) => secrets.open(|secret| JwtKey::from_app_secret(secret).open(&header, token)),
        (None, Some(_)) => Err(TokenError::Rejected),
    }?;
    read(claims, app, now)
}

/// The three fields that a header may have here. `crit`, `zip`, `jku` and whatever else could steer a verifier are
/// refused by being unknown.
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl Header {
    fn of(token: &str) -> Result<Self, TokenError> {
        let (header, rest) = token.split_once('.').ok_or(TokenError::Rejected)?;
        // Three parts; five are an encrypted token.
        if rest.split('.').take(3).count() != 2 {
            return Err(TokenError::Rejected);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Rejected)?;
        let mut header = Object::parse(&header)?;
        let algorithm = header
            .take_text("alg")?
            .and_then(|name| name.parse().ok())
            .ok_or(TokenError::Rejected)?;
        let key_id = header.take_text("kid")?;
        let is_jwt = header
            .take_text("typ")?
            .is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if !is_jwt || !header.is_empty() {
            return Err(TokenError::Rejected);
        }
        Ok(Self { algorithm, key_id })
    }
}

/// Claims that are not ours are left alone (RFC 7519, 4).
fn read(mut object: Object, app: &AppId, now: UnixMillis) -> Result<Claims, TokenError> {
    if object.take_text("iss")?.as_deref() != Some(app.as_str()) || !is_for_us(object.take("aud")) {
        return Err(TokenError::Rejected);
    }
    let user = object.take_text("sub")?.map(|name| UserId::parse(&name)).transpose();
    let group = object.take_text("group")?.map(|name| GroupId::parse(&name)).transpose();
    let (Ok(user), Ok(group)) = (user, group) else {
        return Err(TokenError::Rejected);
    };
    let mut grants = rights(object.take("rights"))?;
    if let Some(user) = &user {
        grants.login = Scope::Only(user.clone());
    }
    if let (Some(group), Scope::Any) = (&group, &grants.join) {
        grants.join = Scope::Only(group.clone());
    }
    // One that is not known cannot be kept, so nobody comes in by it.
    let login = object.take_text("login")?.map(|policy| policy.parse()).transpose();
    let login = login.map_err(|_| TokenError::Rejected)?;
    let id = object.take_text("jti")?;
    if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MAX_TOKEN_ID) {
        return Err(TokenError::Rejected);
    }
    let issued_at = moment(&mut object, "iat")?;
    let starts_at = moment(&mut object, "nbf")?;
    let expires_at = moment(&mut object, "exp")?.ok_or(TokenError::Rejected)?;

    if expires_at <= now {
        return Err(TokenError::Expired);
    }
    if starts_at.is_some_and(|start| now < start) {
        return Err(TokenError::NotYetValid);
    }
    let expires_at = Some(expires_at);
    Ok(Claims {
        app: app.clone(),
        user,
        group,
        grants,
        login,
        issued_at,
        expires_at,
        id,
        format: TokenFormat::Jwt,
    })
}

/// RFC 7519, 4.1.3: who is not among a token's audiences refuses it.
fn is_for_us(audience: Option<Value>) -> bool {
    match audience {
        None => true,
        Some(Value::String(one)) => one == AUDIENCE,
        Some(Value::Array(many)) => many.iter().all(Value::is_string) && many.iter().any(|one| one == AUDIENCE),
        Some(_) => false,
    }
}

/// Without the claim: what every user may. A right of a later version is none that can be used here.
fn rights(claim: Option<Value>) -> Result<Grants, TokenError> {
    let Some(claim) = claim else {
        return Ok(Grants::ordinary());
    };
    let list = claim.as_array().ok_or(TokenError::Rejected)?;
    list.iter().try_fold(Grants::login_only(), |grants, entry| {
        let text = entry.as_str().ok_or(TokenError::Rejected)?;
        Ok(text.parse().map_or(grants.clone(), |right| grants.with(right)))
    })
}

fn moment(object: &mut Object, key: &str) -> Result<Option<UnixMillis>, TokenError> {
    match object.take_integer(key)? {
        Some(seconds) if seconds > LAST_SECOND => Err(TokenError::Rejected),
        seconds => Ok(seconds.map(UnixMillis::from_secs)),
    }
}
