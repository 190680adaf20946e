//! When a token was made, when it ends, and how often it may be used.

use std::time::Duration;

use hst_auth::{AppKeys, Claims, TokenError, TokenIssuer, TokenRequest, TokenVerifier, UnixMillis};

use crate::support::{NOW, app, jwt, ring, seal, secret, verify, verify_at};

fn lasting_an_hour() -> TokenRequest {
    TokenRequest {
        lifetime: Some(Duration::from_secs(3600)),
        ..TokenRequest::default()
    }
}

#[test]
fn t11_what_a_revocation_reaches_depends_on_the_time_of_issue_and_never_on_the_present() {
    let revoked = NOW;
    let (second_before, just_before) = (
        UnixMillis::from_secs(NOW.as_secs() - 1),
        UnixMillis::from_millis(NOW.as_millis() - 1),
    );
    for issuer in [
        TokenIssuer::legacy_001(app(), &secret()),
        TokenIssuer::jwt(app(), &secret()),
    ] {
        for (made, reached) in [(second_before, true), (just_before, true), (NOW, false)] {
            let token = issuer.issue(&lasting_an_hour(), made).unwrap();
            // A clock that was set back and one that ran on.
            for now in [
                UnixMillis::from_secs(1_600_000_000),
                NOW,
                UnixMillis::from_secs(1_700_003_000),
            ] {
                let claims = verify_at(&token, now).unwrap();
                assert_eq!(claims.made_before(revoked), reached, "{issuer:?} made {made}");
            }
        }
    }
    // A JWT counts whole seconds: one of the second of the revocation may be older than that.
    let later_in_it = UnixMillis::from_millis(NOW.as_millis() + 900);
    let token = TokenIssuer::jwt(app(), &secret())
        .issue(&lasting_an_hour(), later_in_it)
        .unwrap();
    assert!(
        verify(&token)
            .unwrap()
            .made_before(UnixMillis::from_millis(NOW.as_millis() + 500))
    );
}

#[test]
fn t11_a_token_that_does_not_say_when_it_was_made_is_reached_by_every_revocation() {
    for token in [
        jwt(r#"{"iss":"testappid","exp":1700003600}"#),
        seal(r#"{"aid":"testappid","uid":"u","ts":1778487998,"r":0}"#),
    ] {
        assert!(verify(&token).unwrap().made_before(UnixMillis::from_millis(0)));
    }
}

#[test]
fn l9_a_token_may_be_used_again_and_again() {
    let ring = ring(AppKeys::from_secret(&secret()));
    for issuer in [
        TokenIssuer::legacy_001(app(), &secret()),
        TokenIssuer::jwt(app(), &secret()),
    ] {
        let token = issuer.issue(&lasting_an_hour(), NOW).unwrap();
        assert!((0..3).all(|_| ring.verify(&app(), &token, NOW).is_ok()));
    }
}

#[test]
fn l9_an_app_may_refuse_what_would_be_good_for_too_long() {
    let hour = ring(AppKeys::from_secret(&secret()).with_longest_life(Duration::from_secs(3600)));
    let verdict = |token: &str| hour.verify(&app(), token, NOW);
    let ends = |token: &str| verdict(token).map(|claims: Claims| claims.expires_at.map(UnixMillis::as_secs));
    let jwt_until = |end: u64| jwt(&format!(r#"{{"iss":"testappid","exp":{end}}}"#));
    let legacy = |et: &str| {
        seal(format!(
            r#"{{"aid":"testappid","uid":"u",{et}"ts":1700000000000,"r":0}}"#
        ))
    };
    let hours_end = NOW.as_secs() + 3600;

    for good in [
        jwt_until(hours_end),
        legacy(r#""et":3600,"#),
        legacy(&format!(r#""et":{hours_end},"#)),
    ] {
        assert_eq!(ends(&good), Ok(Some(hours_end)));
    }
    for too_long in [
        jwt_until(hours_end + 1),
        legacy(r#""et":3601,"#),
        legacy(r#""et":0,"#),
        legacy(""),
    ] {
        assert_eq!(verdict(&too_long), Err(TokenError::Rejected));
    }
    assert_eq!(verdict(&jwt_until(NOW.as_secs())), Err(TokenError::Expired));
    // A limit that can't be counted is none.
    let ever = ring(AppKeys::from_secret(&secret()).with_longest_life(Duration::MAX));
    assert!(ever.verify(&app(), &legacy(""), NOW).is_ok());
}

#[test]
fn any_finite_ts_and_r_are_accepted_and_a_truncated_ts_is_no_date() {
    for ts in [
        "1778487998",
        "0",
        "-5",
        "1.5e9",
        "18446744073709551615000",
        "999999999999",
        // The upper half of 32 bits is the last that a cut-off one can be.
        "4294967295",
        // In microseconds: a date far beyond all others.
        "1700000000000000",
        "253402300800000",
    ] {
        let claims = verify(&seal(format!(
            r#"{{"aid":"testappid","uid":"u","ts":{ts},"r":-2147483648}}"#
        )))
        .unwrap();
        assert_eq!(claims.issued_at, None, "{ts}");
    }
    let claims = verify(&seal(r#"{"aid":"testappid","uid":"u","ts":1000000000000,"r":1e300}"#)).unwrap();
    assert_eq!(claims.issued_at, Some(UnixMillis::from_millis(1_000_000_000_000)));
}

#[test]
fn the_size_of_et_says_its_unit() {
    let expires_at = |et: u64, ts: u64| {
        let token = seal(format!(r#"{{"aid":"testappid","uid":"u","et":{et},"ts":{ts},"r":0}}"#));
        verify_at(&token, UnixMillis::from_millis(0)).map(|claims| claims.expires_at.map(UnixMillis::as_millis))
    };
    let ts = 1_700_000_000_000;
    assert_eq!(expires_at(0, ts), Ok(None));
    // Seconds from ts on.
    assert_eq!(expires_at(1, ts), Ok(Some(ts + 1000)));
    assert_eq!(expires_at(999_999_999, ts), Ok(Some(ts + 999_999_999_000)));
    // A moment in seconds.
    assert_eq!(expires_at(1_000_000_000, ts), Ok(Some(1_000_000_000_000)));
    assert_eq!(expires_at(100_000_000_000, ts), Ok(Some(100_000_000_000_000)));
    // A moment in milliseconds.
    assert_eq!(expires_at(100_000_000_001, ts), Ok(Some(100_000_000_001)));
    assert_eq!(expires_at(u64::MAX, ts), Ok(Some(u64::MAX)));
    // From which ts on, nobody can say.
    assert_eq!(expires_at(3600, 1_778_487_998), Err(TokenError::Rejected));
    assert_eq!(expires_at(3600, 1_700_000_000_000_000), Err(TokenError::Rejected));
    assert_eq!(expires_at(3600, u64::MAX), Err(TokenError::Rejected));
}

#[test]
fn an_et_in_the_past_is_expired_in_each_unit() {
    for et in ["1", "1600000000", "1600000000000"] {
        let token = seal(format!(
            r#"{{"aid":"testappid","uid":"u","et":{et},"ts":1600000000000,"r":0}}"#
        ));
        assert_eq!(verify(&token), Err(TokenError::Expired), "{et}");
    }
}
