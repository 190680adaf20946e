//! Tokens made by hand, so that they can be wrong in every way that the issuer refuses.

use aws_lc_rs::{
    cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey},
    hmac,
    iv::FixedLength,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hst_auth::{AppId, AppKeys, AppSecret, Claims, KeyRing, TokenError, TokenVerifier, UnixMillis};
use proptest::test_runner::{Config, RngSeed};

pub(crate) const APP: &str = "testappid";
pub(crate) const SECRET: &str = "1234567890123456";
pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);

/// An ordinary header, and claims that are good at [`NOW`].
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
pub(crate) const CLAIMS: &str = r#"{"iss":"testappid","sub":"user1","group":"group1","exp":1700003600}"#;

pub(crate) fn app() -> AppId {
    AppId::parse(APP).unwrap()
}

pub(crate) fn secret() -> AppSecret {
    AppSecret::parse(SECRET).unwrap()
}

pub(crate) fn ring(keys: AppKeys) -> KeyRing {
    KeyRing::from_iter([(app(), keys)])
}

/// What an app with just its App Secret answers at `NOW`.
pub(crate) fn verify(token: &str) -> Result<Claims, TokenError> {
    verify_at(token, NOW)
}

pub(crate) fn verify_at(token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
    ring(AppKeys::from_secret(&secret())).verify(&app(), token, now)
}

/// AES-128-CBC with the format's IV over exactly these bytes, which must be whole blocks.
pub(crate) fn encrypt(secret: &str, plain: &[u8]) -> Vec<u8> {
    let key = EncryptingKey::cbc(UnboundCipherKey::new(&AES_128, secret.as_bytes()).unwrap()).unwrap();
    let iv: [u8; 16] = std::array::from_fn(|i| i as u8);
    let mut bytes = plain.to_vec();
    key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(FixedLength::from(iv)))
        .unwrap();
    bytes
}

/// A `001` token around these bytes, filled up with spaces.
pub(crate) fn seal(plain: impl AsRef<[u8]>) -> String {
    seal_with(SECRET, plain)
}

pub(crate) fn seal_with(secret: &str, plain: impl AsRef<[u8]>) -> String {
    let mut plain = plain.as_ref().to_vec();
    plain.resize(plain.len().next_multiple_of(16), b' ');
    legacy_token(&encrypt(secret, &plain))
}

pub(crate) fn legacy_token(cipher: &[u8]) -> String {
    format!("001{}", STANDARD.encode(cipher))
}

pub(crate) fn cipher_of(token: &str) -> Vec<u8> {
    STANDARD.decode(&token[3..]).unwrap()
}

/// A JWT of these two texts, signed by HMAC-SHA256 with these bytes whatever the header says.
pub(crate) fn sign(key: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A JWT with an ordinary header, signed with the App Secret.
pub(crate) fn jwt(claims: &str) -> String {
    sign(SECRET.as_bytes(), HEADER, claims)
}

pub(crate) fn refused(verdict: Result<Claims, TokenError>, what: &str) {
    assert_eq!(verdict, Err(TokenError::Rejected), "{what}");
}

/// The same cases in every run.
pub(crate) fn seeded(cases: u32) -> Config {
    Config {
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}
