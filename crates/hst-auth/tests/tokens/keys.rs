use hst_auth::{
    AppKeys, AppSecret, KeyError, KeyRing, TokenError, TokenIssuer, TokenVerifier, mock::MockTokenVerifier,
};

use crate::support::{CLAIMS, NOW, SECRET, app, jwt, ring, seal, secret};

#[test]
fn t3_weak_hmac_keys_are_refused_before_any_token_is_seen() {
    for len in 0..32 {
        let error = KeyError::ShortHmacKey { len, min: 32 };
        assert_eq!(AppKeys::new().with_hs256(None, &vec![1; len]).unwrap_err(), error);
        assert_eq!(TokenIssuer::hs256(app(), None, &vec![1; len]).unwrap_err(), error);
    }
    assert!(AppKeys::new().with_hs256(None, &[1; 32]).is_ok());
}

#[test]
fn t12_ed25519_keys_of_any_other_length_are_refused() {
    for len in (0..=128).filter(|&len| len != 32) {
        assert_eq!(
            AppKeys::new().with_ed25519(None, &vec![1; len]).unwrap_err(),
            KeyError::Ed25519PublicKey
        );
    }
    for len in 0..=128 {
        assert_eq!(
            TokenIssuer::ed25519(app(), None, &vec![1; len]).unwrap_err(),
            KeyError::Ed25519PrivateKey
        );
    }
}

#[test]
fn t12_an_ed25519_key_that_is_no_point_opens_nothing_and_breaks_nothing() {
    let message = "eyJhbGciOiJFZERTQSJ9.e30";
    for byte in 0..=255 {
        let keys = ring(AppKeys::new().with_ed25519(None, &[byte; 32]).unwrap());
        for signature in [String::new(), "A".repeat(86), "_".repeat(85) + "w"] {
            let token = format!("{message}.{signature}");
            assert_eq!(keys.verify(&app(), &token, NOW), Err(TokenError::Rejected), "{byte}");
        }
    }
}

/// There is no switch that skips a check: who configures nothing lets nobody in.
#[test]
fn t10_no_keys_let_nobody_in() {
    for keys in [
        AppKeys::new(),
        AppKeys::default(),
        AppKeys::new().and_previous(&secret()),
        AppKeys::from_secret(&secret()).without_001(),
    ] {
        let legacy = seal(r#"{"aid":"testappid","uid":"user1","ts":1700000000000,"r":42}"#);
        assert_eq!(ring(keys).verify(&app(), &legacy, NOW), Err(TokenError::Rejected));
    }
    assert_eq!(
        ring(AppKeys::new()).verify(&app(), &jwt(CLAIMS), NOW),
        Err(TokenError::Rejected)
    );
}

#[test]
fn key_ids_are_short_visible_and_different() {
    for key_id in ["", "a b", "a\n", "é", &"k".repeat(65)] {
        assert_eq!(
            AppKeys::new().with_hs256(Some(key_id), &[1; 32]).unwrap_err(),
            KeyError::KeyId,
            "{key_id:?}"
        );
    }
    let keys = AppKeys::from_secret(&secret());
    assert_eq!(
        keys.clone().with_hs256(None, &[1; 32]).unwrap_err(),
        KeyError::DuplicateKeyId
    );
    let keys = keys.with_hs256(Some("a"), &[1; 32]).unwrap();
    assert_eq!(
        keys.clone().with_ed25519(Some("a"), &[1; 32]).unwrap_err(),
        KeyError::DuplicateKeyId
    );
    assert!(keys.with_ed25519(Some("b"), &[1; 32]).is_ok());
}

#[test]
fn t19_no_secret_shows_itself() {
    let hmac_key = *b"an hmac key that nobody may read";
    let keys = AppKeys::from_secret(&secret())
        .and_previous(&AppSecret::parse("fedcba9876543210").unwrap())
        .with_hs256(Some("k"), &hmac_key)
        .unwrap();
    let issuers = [
        TokenIssuer::legacy_001(app(), &secret()),
        TokenIssuer::jwt(app(), &secret()),
        TokenIssuer::hs256(app(), Some("k"), &hmac_key).unwrap(),
    ];
    let ring = KeyRing::from_iter([(app(), keys)]);
    for shown in [format!("{ring:?} {issuers:?}"), format!("{ring:#?} {issuers:#?}")] {
        for hidden in [SECRET, "fedcba98", "49, 50, 51", "nobody may read", "97, 110, 32"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.contains("Secret(…)") && shown.contains("HS256"), "{shown}");
    }
}

#[test]
fn a_ring_forgets_an_app() {
    let mut ring = KeyRing::new();
    assert!(ring.insert(app(), AppKeys::from_secret(&secret())).is_none());
    assert!(ring.insert(app(), AppKeys::new()).is_some());
    assert!(ring.remove(&app()).is_some() && ring.remove(&app()).is_none());
}

#[test]
fn the_seam_can_be_mocked() {
    let mut mock = MockTokenVerifier::new();
    mock.expect_verify().returning(|_, _, _| Err(TokenError::Expired));
    let seam: Box<dyn TokenVerifier> = Box::new(mock);
    assert_eq!(seam.verify(&app(), "any", NOW), Err(TokenError::Expired));
}
