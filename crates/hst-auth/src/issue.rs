use std::{collections::BTreeSet, fmt, time::Duration};

use aws_lc_rs::{rand, signature::Ed25519KeyPair};
use hst_id::{AppId, GroupId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::{
    AppSecret, IssueError, KeyError, LoginPolicy, Right, UnixMillis,
    jwt::{LAST_SECOND, MAX_TOKEN_ID, check_hmac_key, checked_key_id},
    legacy,
};

/// What a token is to say. The default names nobody and never expires, which only a `001` token can say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenRequest {
    /// The user it is for.
    pub user: Option<UserId>,
    /// The group it is for.
    pub group: Option<GroupId>,
    /// How long it is valid; ends of seconds are rounded up. A JWT must have one.
    pub lifetime: Option<Duration>,
    /// What its bearer may do; `None`: what every user may. For JWTs only.
    pub rights: Option<BTreeSet<Right>>,
    /// What a login by it means to earlier ones of the same user; `None`: what the App says. For JWTs only.
    pub login: Option<LoginPolicy>,
    /// An id by which it can be revoked: 1 to 128 bytes. For JWTs only.
    pub id: Option<String>,
}

/// Makes tokens for one app. It belongs on a server: who holds it can be anybody.
#[derive(Clone)]
pub struct TokenIssuer {
    app: AppId,
    key: IssuingKey,
}

#[derive(Clone)]
enum IssuingKey {
    Legacy(AppSecret),
    Jwt { header: Box<Header>, key: EncodingKey },
}

impl TokenIssuer {
    /// Makes the platform's `001` tokens.
    pub fn legacy_001(app: AppId, secret: &AppSecret) -> Self {
        Self {
            app,
            key: IssuingKey::Legacy(secret.clone()),
        }
    }

    /// Makes JWTs without a key id, signed by HS256 with the App Secret's 16 bytes.
    pub fn jwt(app: AppId, secret: &AppSecret) -> Self {
        Self::signing(app, None, Algorithm::HS256, EncodingKey::from_secret(secret.as_bytes()))
    }

    /// Makes JWTs signed by HS256 with a key of at least 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::ShortHmacKey`], [`KeyError::KeyId`].
    pub fn hs256(app: AppId, key_id: Option<&str>, key: &[u8]) -> Result<Self, KeyError> {
        check_hmac_key(key)?;
        Ok(Self::signing(
            app,
            checked_key_id(key_id)?,
            Algorithm::HS256,
            EncodingKey::from_secret(key),
        ))
    }

    /// Makes JWTs signed by EdDSA, given an Ed25519 private key as PKCS#8 in DER (`openssl genpkey -algorithm
    /// ed25519 -outform DER`).
    ///
    /// # Errors
    /// [`KeyError::Ed25519PrivateKey`], [`KeyError::KeyId`].
    pub fn ed25519(app: AppId, key_id: Option<&str>, pkcs8: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Ed25519PrivateKey)?;
        Ok(Self::signing(
            app,
            checked_key_id(key_id)?,
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(pkcs8),
        ))
    }

    fn signing(app: AppId, key_id: Option<String>, algorithm: Algorithm, key: EncodingKey) -> Self {
        let header = Box::new(Header {
            kid: key_id,
            ..Header::new(algorithm)
        });
        Self {
            app,
            key: IssuingKey::Jwt { header, key },
        }
    }

    /// Makes a token, dated `now`.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub fn issue(&self, request: &TokenRequest, now: UnixMillis) -> Result<String, IssueError> {
        let mut random = [0; 4];
        rand::fill(&mut random).map_err(|_| IssueError::NoRandomness)?;
        self.issue_with(request, now, u32::from_le_bytes(random))
    }

    /// Like [`issue`](Self::issue) with the caller's number for the `r` of a `001` token: the same arguments make the
    /// same token.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub fn issue_with(&self, request: &TokenRequest, now: UnixMillis, random: u32) -> Result<String, IssueError> {
        let TokenRequest {
            user,
            group,
            lifetime,
            rights,
            login,
            id,
        } = request;
        let ends = lifetime.map(|lifetime| end_second(now, lifetime)).transpose()?;
        match &self.key {
            IssuingKey::Legacy(secret) => {
                if rights.is_some() || login.is_some() || id.is_some() {
                    return Err(IssueError::NotIn001);
                }
                // Other numbers would be read as another unit.
                if ends.is_some_and(|ends| !(legacy::FIRST_EPOCH_SECOND..=legacy::LAST_EPOCH_SECOND).contains(&ends)) {
                    return Err(IssueError::Lifetime);
                }
                let payload = legacy::payload(&self.app, group.as_ref(), user.as_ref(), ends, now, random);
                Ok(legacy::seal(secret, &payload))
            }
            IssuingKey::Jwt { header, key } => {
                if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MAX_TOKEN_ID) {
                    return Err(IssueError::TokenId);
                }
                let claims = JwtClaims {
                    iss: &self.app,
                    sub: user.as_ref(),
                    group: group.as_ref(),
                    rights: rights
                        .as_ref()
                        .map(|rights| rights.iter().map(Right::to_string).collect()),
                    login: *login,
                    jti: id.as_deref(),
                    iat: now.as_secs(),
                    exp: ends.ok_or(IssueError::LifetimeRequired)?,
                };
                Ok(jsonwebtoken::encode(header, &claims, key).expect("text signs with a key that was checked"))
            }
        }
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.key {
            IssuingKey::Legacy(_) => "001".to_owned(),
            IssuingKey::Jwt { header, .. } => format!("{:?}", header.alg),
        };
        f.debug_struct("TokenIssuer")
            .field("app", &self.app)
            .field("format", &format)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct JwtClaims<'a> {
    iss: &'a AppId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a GroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<LoginPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    iat: u64,
    exp: u64,
}

fn end_second(now: UnixMillis, lifetime: Duration) -> Result<u64, IssueError> {
    if lifetime.is_zero() {
        return Err(IssueError::Lifetime);
    }
    let end = now.checked_add(lifetime).ok_or(IssueError::Lifetime)?;
    let second = end.as_millis().div_ceil(1000);
    if second > LAST_SECOND {
        Err(IssueError::Lifetime)
    } else {
        Ok(second)
    }
}
