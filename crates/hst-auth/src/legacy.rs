//! The platform's own format: `001`, then the base64 of AES-128-CBC over JSON that is filled up with spaces.
//!
//! The key is the App Secret's 16 characters, the IV is always 00 01 … 0f, and nothing is signed. What keeps a token
//! whole is only that a changed block decrypts to noise, and noise is no JSON; so everything about the JSON is strict.

use aws_lc_rs::{
    cipher::{AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hst_id::{AppId, GroupId, UserId};
use serde_json::Value;
use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use crate::{
    AppSecret, Claims, Grants, Scope, TokenError, TokenFormat, UnixMillis, json::Object, jwt::LAST_SECOND,
    secrets::Secrets,
};

/// Exactly this, with nothing before it.
pub(crate) const PREFIX: &str = "001";

const BLOCK: usize = 16;
const IV: [u8; BLOCK] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// With `=` at the end or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Below this, `et` counts seconds from `ts`; from here on it is a moment in seconds since 1970 …
pub(crate) const FIRST_EPOCH_SECOND: u64 = 1_000_000_000;
/// … up to here; above this it is a moment in milliseconds.
pub(crate) const LAST_EPOCH_SECOND: u64 = 100_000_000_000;
/// What a `ts` in milliseconds can be. A smaller one was cut off at 32 bits by its generator, a larger one is in a finer
/// unit, from which an `et` would count for ever: either says nothing.
const WHOLE_TS: RangeInclusive<u64> = 1_000_000_000_000..=LAST_SECOND * 1000;

/// `body` is the token without its prefix.
pub(crate) fn verify(
    secrets: &Secrets,
    binds_names: bool,
    app: &AppId,
    body: &str,
    now: UnixMillis,
) -> Result<Claims, TokenError> {
    let claims = secrets.open(|secret| read(secret, binds_names, app, body))?;
    match claims.expires_at {
        Some(end) if end <= now => Err(TokenError::Expired),
        _ => Ok(claims),
    }
}

fn read(secret: &AppSecret, binds_names: bool, app: &AppId, body: &str) -> Result<Claims, TokenError> {
    let plain = open(secret, body).ok_or(TokenError::Rejected)?;
    // Both are computed before either is looked at: what failed must not show in the time it takes.
    let is_text = plain.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    let object = Object::parse(&plain);
    if !is_text {
        return Err(TokenError::Rejected);
    }
    let mut object = object?;

    let app_matches = object.take_text("aid")?.as_deref() == Some(app.as_str());
    let (user, login) = named::<UserId>(object.take_text("uid")?, binds_names)?;
    let (group, join) = named::<GroupId>(object.take_text("gid")?, binds_names)?;
    let ends = object.take_integer("et")?.unwrap_or(0);
    let (Some(Value::Number(ts)), Some(Value::Number(_))) = (object.take("ts"), object.take("r")) else {
        return Err(TokenError::Rejected);
    };
    // The format is closed: a key that it does not have is a changed key.
    if !app_matches || !object.is_empty() {
        return Err(TokenError::Rejected);
    }

    let issued_at = ts
        .as_u64()
        .filter(|ts| WHOLE_TS.contains(ts))
        .map(UnixMillis::from_millis);
    Ok(Claims {
        app: app.clone(),
        user,
        group,
        grants: Grants {
            login,
            join,
            ..Grants::ordinary()
        },
        login: None,
        issued_at,
        expires_at: expiry(ends, issued_at)?,
        id: None,
        format: TokenFormat::Legacy001,
    })
}

/// The name written, and how far the bearer's right reaches because of it.
fn named<T: FromStr + Clone>(text: Option<String>, binds: bool) -> Result<(Option<T>, Scope<T>), TokenError> {
    // Generators without a name write nothing, an empty text, or "null"; the hosted token service writes "1".
    let Some(text) = text.filter(|text| !matches!(text.as_str(), "" | "null" | "1")) else {
        return Ok((None, Scope::Any));
    };
    // Noise in the middle of a name is a name once in 2³² times, and merely visible once in 2²³.
    let name: T = text.parse().map_err(|_| TokenError::Rejected)?;
    let scope = if binds { Scope::Only(name.clone()) } else { Scope::Any };
    Ok((Some(name), scope))
}

/// The platform never said what unit `et` has; its size does.
fn expiry(et: u64, issued_at: Option<UnixMillis>) -> Result<Option<UnixMillis>, TokenError> {
    if et == 0 {
        return Ok(None);
    }
    let end = if et < FIRST_EPOCH_SECOND {
        issued_at.and_then(|start| start.checked_add(Duration::from_secs(et)))
    } else if et <= LAST_EPOCH_SECOND {
        Some(UnixMillis::from_secs(et))
    } else {
        Some(UnixMillis::from_millis(et))
    };
    end.map(Some).ok_or(TokenError::Rejected)
}

/// The text of a token's payload, key order and all, as the platform's generators write it.
pub(crate) fn payload(
    app: &AppId,
    group: Option<&GroupId>,
    user: Option<&UserId>,
    ends: Option<u64>,
    issued_at: UnixMillis,
    random: u32,
) -> String {
    // Names are of an alphabet that JSON never escapes.
    let gid = group.map(|group| format!(r#","gid":"{group}""#)).unwrap_or_default();
    let uid = user.map(UserId::as_str).unwrap_or_default();
    let et = ends.map(|ends| format!(r#","et":{ends}"#)).unwrap_or_default();
    let ts = issued_at.as_millis();
    format!(r#"{{"aid":"{app}"{gid},"uid":"{uid}"{et},"ts":{ts},"r":{random}}}"#)
}

pub(crate) fn seal(secret: &AppSecret, payload: &str) -> String {
    let mut bytes = payload.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(BLOCK), b' ');
    EncryptingKey::cbc(aes_key(secret))
        .and_then(|key| key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(FixedLength::from(IV))))
        .expect("whole blocks and a 128-bit IV fit AES-128-CBC");
    format!("{PREFIX}{}", BASE64.encode(bytes))
}

/// `None` if the text is not the base64 of whole blocks; that much its sender knows without asking.
fn open(secret: &AppSecret, body: &str) -> Option<Vec<u8>> {
    // Some generators break lines, and a client that does not encode the token in a URL turns `+` into a space.
    let text: Vec<u8> = body
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n' | b'\t'))
        .map(|byte| if byte == b' ' { b'+' } else { byte })
        .collect();
    let mut bytes = BASE64.decode(text).ok()?;
    if bytes.is_empty() || bytes.len() % BLOCK != 0 {
        return None;
    }
    DecryptingKey::cbc(aes_key(secret))
        .and_then(|key| {
            key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from(IV)))
                .map(|_| ())
        })
        .expect("whole blocks and a 128-bit IV fit AES-128-CBC");
    Some(bytes)
}

fn aes_key(secret: &AppSecret) -> UnboundCipherKey {
    UnboundCipherKey::new(&AES_128, secret.as_bytes()).expect("any 16 bytes are an AES-128 key")
}
