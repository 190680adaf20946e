use std::time::Duration;

use hst_auth::{AppId, AppKeys, AppSecret, KeyRing, Named, TokenVerifier, UnixMillis};

/// A token of either form, against an App that takes every kind.
pub fn token(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    let app = AppId::parse("app").expect("a name");
    let secret = AppSecret::parse("0123456789abcdef").expect("16 visible bytes");
    let keys = AppKeys::from_secret(&secret)
        .with_hs256(Some("k"), &[7; 32])
        .expect("a key of 32 bytes")
        .with_ed25519(Some("e"), &[7; 32])
        .unwrap_or_else(|_| AppKeys::from_secret(&secret))
        .bind_001_names()
        .with_longest_life(Duration::from_secs(86_400));
    let mut ring = KeyRing::new();
    ring.insert(app.clone(), keys);
    let now = UnixMillis::from_secs(1_700_000_000);
    if ring.verify(&app, token, now).is_ok() {
        let other = AppId::parse("other").expect("a name");
        assert!(ring.verify(&other, token, now).is_err(), "it opens one App");
    }
    // Whom it names is read before anybody has judged it.
    let _ = Named::in_token(token);
}
