//! Two secrets of one app at once: how a secret is replaced while tokens of the old one are about.

use hst_auth::{AppId, AppKeys, AppSecret, Claims, KeyRing, Scope, TokenError, TokenVerifier, UnixMillis};
use proptest::prelude::*;

use crate::support::{CLAIMS, HEADER, NOW, app, refused, ring, seal_with, seeded, sign};

const NEW: &str = "1234567890123456";
const OLD: &str = "fedcba9876543210";
const OTHER: &str = "another secret!!";

fn secret(text: &str) -> AppSecret {
    AppSecret::parse(text).unwrap()
}

fn both() -> AppKeys {
    AppKeys::from_secret(&secret(NEW)).and_previous(&secret(OLD))
}

fn legacy(secret: &str) -> String {
    seal_with(
        secret,
        r#"{"aid":"testappid","gid":"group1","uid":"user1","ts":1700000000000,"r":42}"#,
    )
}

fn jwt(secret: &str) -> String {
    sign(secret.as_bytes(), HEADER, CLAIMS)
}

fn verify(keys: AppKeys, token: &str) -> Result<Claims, TokenError> {
    ring(keys).verify(&app(), token, NOW)
}

#[test]
fn both_secrets_open_both_formats_and_no_other_secret_does() {
    for token in [legacy, jwt] {
        let alone = verify(AppKeys::from_secret(&secret(OLD)), &token(OLD));
        assert!(alone.is_ok());
        assert_eq!(verify(both(), &token(OLD)), alone);
        assert_eq!(verify(both(), &token(NEW)), alone);
        for keys in [both(), AppKeys::from_secret(&secret(NEW)), AppKeys::new()] {
            refused(
                verify(keys, &token("no such app here")),
                "the secret that fills the gaps",
            );
        }
        refused(
            verify(AppKeys::from_secret(&secret(NEW)), &token(OLD)),
            "the new one alone",
        );
    }
    refused(
        verify(both(), &sign(OTHER.as_bytes(), HEADER, CLAIMS)),
        "another secret",
    );
}

#[test]
fn the_previous_secret_opens_what_the_present_one_opens_and_no_more() {
    for jwt_only in [both().without_001(), {
        let keys = AppKeys::from_secret(&secret(NEW)).without_001();
        keys.and_previous(&secret(OLD))
    }] {
        refused(verify(jwt_only.clone(), &legacy(OLD)), "001 is switched off");
        assert!(verify(jwt_only, &jwt(OLD)).is_ok());
    }
    let own_jwt_key = AppKeys::new()
        .with_001(&secret(NEW))
        .with_hs256(None, &[1; 32])
        .unwrap();
    let own_jwt_key = own_jwt_key.and_previous(&secret(OLD));
    assert!(verify(own_jwt_key.clone(), &legacy(OLD)).is_ok());
    refused(verify(own_jwt_key, &jwt(OLD)), "JWTs have a key of their own");

    let bound = verify(both().bind_001_names(), &legacy(OLD)).unwrap();
    assert!(matches!(bound.grants.login, Scope::Only(_)));
}

#[test]
fn the_last_previous_secret_replaces_the_others() {
    let keys = both().and_previous(&secret("another-secret-2"));
    for token in [legacy, jwt] {
        assert!(verify(keys.clone(), &token("another-secret-2")).is_ok());
        refused(verify(keys.clone(), &token(OLD)), "the one before");
    }
}

#[test]
fn t15_a_forgery_stays_a_bad_token_under_two_secrets() {
    let expired = r#"{"iss":"testappid","exp":1600000000}"#;
    let too_early = r#"{"iss":"testappid","nbf":1700000001,"exp":1700003600}"#;
    let expired_001 = r#"{"aid":"testappid","uid":"u","et":1600000000,"ts":1500000000000,"r":0}"#;
    for known in [NEW, OLD] {
        let signed = |claims| verify(both(), &sign(known.as_bytes(), HEADER, claims));
        assert_eq!(signed(expired), Err(TokenError::Expired));
        assert_eq!(signed(too_early), Err(TokenError::NotYetValid));
        assert_eq!(verify(both(), &seal_with(known, expired_001)), Err(TokenError::Expired));
    }
    for claims in [expired, too_early] {
        refused(verify(both(), &sign(OTHER.as_bytes(), HEADER, claims)), claims);
    }
    refused(verify(both(), &seal_with("another-secret-2", expired_001)), expired_001);
}

#[test]
fn t17_two_secrets_open_no_token_of_another_app() {
    let other = AppId::parse("otherapp").unwrap();
    let ring = KeyRing::from_iter([(app(), both()), (other.clone(), both())]);
    for token in [legacy(NEW), legacy(OLD), jwt(NEW), jwt(OLD)] {
        assert!(ring.verify(&app(), &token, NOW).is_ok());
        refused(ring.verify(&other, &token, NOW), &token);
    }
}

proptest! {
    #![proptest_config(seeded(1_000))]

    /// Two secrets judge as the one does that accepts the token, and as either does if none does.
    #[test]
    fn two_secrets_are_no_more_than_each_alone(
        made_with in prop::sample::select(vec!["1234567890123456", "fedcba9876543210", "cccccccccccccccc"]),
        is_jwt: bool,
        aid in prop::sample::select(vec!["testappid", "testappid", "otherapp"]),
        end in 1_699_999_990u64..1_700_000_010,
        now in 1_699_999_990_000u64..1_700_000_010_000,
        damage in prop::option::of((any::<prop::sample::Index>(), "[A-Za-z0-9+/]")),
    ) {
        let mut token = if is_jwt {
            sign(made_with.as_bytes(), HEADER, &format!(r#"{{"iss":"{aid}","exp":{end}}}"#))
        } else {
            seal_with(made_with, format!(r#"{{"aid":"{aid}","uid":"u","et":{end},"ts":1700000000000,"r":0}}"#))
        };
        if let Some((at, character)) = damage {
            let at = at.index(token.len());
            token.replace_range(at..=at, &character);
        }
        let now = UnixMillis::from_millis(now);
        let alone = |secret: &str| ring(AppKeys::from_secret(&AppSecret::parse(secret).unwrap())).verify(&app(), &token, now);
        let expected = match alone(NEW) {
            Err(TokenError::Rejected) => alone(OLD),
            verdict => verdict,
        };
        prop_assert_eq!(ring(both()).verify(&app(), &token, now), expected);
    }
}
