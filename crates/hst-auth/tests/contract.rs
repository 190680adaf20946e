//! The key ring keeps the laws of the seam in every format.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::time::Duration;

use hst_auth::{
    AppId, AppKeys, AppSecret, KeyRing, TokenIssuer, TokenRequest, UnixMillis, UserId, contract::Fixture,
    token_verifier_contract,
};

const NOW: UnixMillis = UnixMillis::from_millis(1_700_000_000_500);

fn fixture(keys: AppKeys, issuer: impl Fn(AppId) -> TokenIssuer) -> Fixture {
    let app = AppId::parse("testappid").unwrap();
    let request = TokenRequest {
        user: Some(UserId::parse("user1").unwrap()),
        lifetime: Some(Duration::from_secs(3600)),
        ..TokenRequest::default()
    };
    Fixture {
        token: issuer(app.clone()).issue(&request, NOW).unwrap(),
        verifier: Box::new(KeyRing::from_iter([(app.clone(), keys)])),
        app,
        unknown_app: AppId::parse("elsewhere").unwrap(),
        now: NOW,
        // 1_700_003_600.5 s, rounded up to a whole second.
        expires_at: UnixMillis::from_secs(1_700_003_601),
    }
}

fn secret() -> AppSecret {
    AppSecret::parse("1234567890123456").unwrap()
}

fn ed25519() -> (Vec<u8>, Vec<u8>) {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    (
        pair.to_pkcs8().unwrap().as_ref().to_vec(),
        pair.public_key().as_ref().to_vec(),
    )
}

token_verifier_contract!(
    legacy_001,
    fixture(AppKeys::from_secret(&secret()), |app| TokenIssuer::legacy_001(
        app,
        &secret()
    ))
);
token_verifier_contract!(
    legacy_001_bound,
    fixture(AppKeys::from_secret(&secret()).bind_001_names(), |app| {
        TokenIssuer::legacy_001(app, &secret())
    })
);
token_verifier_contract!(
    hs256_with_the_app_secret,
    fixture(AppKeys::from_secret(&secret()), |app| TokenIssuer::jwt(app, &secret()))
);
token_verifier_contract!(
    hs256,
    fixture(AppKeys::new().with_hs256(Some("k1"), &[9; 32]).unwrap(), |app| {
        TokenIssuer::hs256(app, Some("k1"), &[9; 32]).unwrap()
    })
);
token_verifier_contract!(
    eddsa,
    fixture(AppKeys::new().with_ed25519(Some("k2"), &ed25519().1).unwrap(), |app| {
        TokenIssuer::ed25519(app, Some("k2"), &ed25519().0).unwrap()
    })
);
