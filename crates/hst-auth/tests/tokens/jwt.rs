//! What a JWT says, and how far it is believed.

use hst_auth::{GroupId, MediaType, Scope, TokenError, TokenFormat, UnixMillis, UserId};

use crate::support::{APP, CLAIMS, app, jwt, refused, verify, verify_at};

#[test]
fn a_token_that_anybody_can_sign_with_the_app_secret_is_accepted() {
    let claims = verify(&jwt(CLAIMS)).unwrap();
    let (user, group) = (UserId::parse("user1").unwrap(), GroupId::parse("group1").unwrap());
    assert_eq!(claims.grants.login, Scope::Only(user.clone()));
    assert_eq!(claims.grants.join, Scope::Only(group.clone()));
    assert!(claims.grants.may_publish(MediaType::Video) && claims.grants.subscribe && claims.grants.message);
    assert!(!claims.grants.admin);
    assert_eq!((claims.user, claims.group), (Some(user), Some(group)));
    assert_eq!((claims.app, claims.format), (app(), TokenFormat::Jwt));
    assert_eq!(claims.expires_at, Some(UnixMillis::from_secs(1_700_003_600)));
    assert_eq!((claims.issued_at, claims.id), (None, None));
}

#[test]
fn a_token_signed_elsewhere_is_accepted() {
    // printf %s "$header.$claims" | openssl dgst -sha256 -mac HMAC -macopt key:1234567890123456 -binary | basenc --base64url
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJ0ZXN0YXBwaWQiLCJzdWIiOiJ1c2VyMSIsImdyb3VwIjoiZ3JvdXAxIiwiZXhwIjoxNzAwMDAzNjAwfQ.gsUS8w3y8tekIGu6BfTnLucoBeDWf1MI3wOXdEtlwB4";
    assert_eq!(verify(token), verify(&jwt(CLAIMS)));
    assert!(verify(token).is_ok());
}

#[test]
fn t5_the_end_is_exact_to_the_millisecond() {
    let token = jwt(CLAIMS);
    assert!(verify_at(&token, UnixMillis::from_millis(1_700_003_599_999)).is_ok());
    assert_eq!(
        verify_at(&token, UnixMillis::from_millis(1_700_003_600_000)),
        Err(TokenError::Expired)
    );
    // No leeway: not the second that is usual, and not the minute that is the library's default.
    for late in [1, 1_000, 1_001, 59_999, 60_000, 60_001] {
        assert_eq!(
            verify_at(&token, UnixMillis::from_millis(1_700_003_600_000 + late)),
            Err(TokenError::Expired)
        );
    }
}

#[test]
fn t5_the_beginning_is_exact_to_the_millisecond() {
    let token = jwt(r#"{"iss":"testappid","nbf":1700000000,"exp":1700003600}"#);
    assert_eq!(
        verify_at(&token, UnixMillis::from_millis(1_699_999_999_999)),
        Err(TokenError::NotYetValid)
    );
    for early in [1_000, 59_999, 60_000, 60_001] {
        assert_eq!(
            verify_at(&token, UnixMillis::from_millis(1_700_000_000_000 - early)),
            Err(TokenError::NotYetValid)
        );
    }
    assert!(verify_at(&token, UnixMillis::from_millis(1_700_000_000_000)).is_ok());
    // When it was made is told, not judged: a maker's clock may be ahead.
    let token = jwt(r#"{"iss":"testappid","iat":1700000010,"exp":1700003600}"#);
    assert_eq!(
        verify(&token).unwrap().issued_at,
        Some(UnixMillis::from_secs(1_700_000_010))
    );
}

#[test]
fn t4_a_date_that_is_no_whole_number_of_seconds_is_refused() {
    for date in [
        r#""1700003600""#,
        r#""9999999999""#,
        "1700003600.0",
        "1.7e9",
        "1e400",
        "-1",
        "null",
        "true",
        "[1700003600]",
        r#"{"s":1700003600}"#,
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        // Milliseconds where seconds are due would never end.
        "1700003600000",
        "253402300800",
    ] {
        refused(
            verify(&jwt(&format!(r#"{{"iss":"testappid","exp":{date}}}"#))),
            &format!("exp {date}"),
        );
        for key in ["nbf", "iat"] {
            let claims = format!(r#"{{"iss":"testappid","exp":1700003600,"{key}":{date}}}"#);
            refused(verify(&jwt(&claims)), &format!("{key} {date}"));
        }
    }
    assert!(verify(&jwt(r#"{"iss":"testappid","exp":253402300799}"#)).is_ok());
}

#[test]
fn a_token_without_an_end_is_refused() {
    refused(verify(&jwt(r#"{"iss":"testappid","sub":"user1"}"#)), "no exp");
}

#[test]
fn t4_claims_that_come_twice_are_refused() {
    for claims in [
        r#"{"iss":"testappid","exp":1,"exp":1700003600}"#,
        r#"{"iss":"testappid","exp":1700003600,"exp":1700003600}"#,
        r#"{"iss":"testappid","exp":1700003600,"\u0065xp":1}"#,
        r#"{"iss":"testappid","exp":1700003600,"nbf":1,"nbf":1}"#,
        r#"{"iss":"testappid","exp":1700003600,"iat":1,"iat":2}"#,
        r#"{"iss":"other","iss":"testappid","exp":1700003600}"#,
        r#"{"iss":"testappid","exp":1700003600,"mine":{"a":1,"a":2}}"#,
    ] {
        refused(verify(&jwt(claims)), claims);
    }
}

#[test]
fn t16_claims_of_the_wrong_kind_are_refused_one_by_one() {
    let wrong = [
        "null",
        "0",
        "1.5",
        "true",
        "[]",
        "{}",
        r#"["testappid"]"#,
        r#""""#,
        r#""two words""#,
    ];
    for value in wrong {
        refused(
            verify(&jwt(&format!(r#"{{"iss":{value},"exp":1700003600}}"#))),
            &format!("iss {value}"),
        );
        for key in ["sub", "group"] {
            let claims = format!(r#"{{"iss":"testappid","exp":1700003600,"{key}":{value}}}"#);
            refused(verify(&jwt(&claims)), &format!("{key} {value}"));
        }
    }
    for value in ["null", "0", "true", "{}", r#""join""#, "[null]", "[1]", r#"[["join"]]"#] {
        refused(
            verify(&jwt(&format!(
                r#"{{"iss":"testappid","exp":1700003600,"rights":{value}}}"#
            ))),
            value,
        );
    }
    for value in ["null", "0", "[]", r#""""#, &format!(r#""{}""#, "x".repeat(129))] {
        refused(
            verify(&jwt(&format!(
                r#"{{"iss":"testappid","exp":1700003600,"jti":{value}}}"#
            ))),
            value,
        );
    }
    for value in [
        "null",
        "0",
        "[]",
        r#""""#,
        r#""Refuse""#,
        r#""devices:0""#,
        r#""devices:17""#,
        r#""other""#,
    ] {
        let claims = format!(r#"{{"iss":"testappid","exp":1700003600,"login":{value}}}"#);
        refused(verify(&jwt(&claims)), value);
    }
    for value in ["[]", "{}", "7", "null", "\"\"", "[[]]"] {
        refused(verify(&jwt(value)), value);
    }
}

#[test]
fn t6_a_token_for_another_audience_is_refused() {
    let with = |aud: &str| verify(&jwt(&format!(r#"{{"iss":"testappid","exp":1700003600,"aud":{aud}}}"#)));
    for aud in [r#""hst-rtc""#, r#"["other","hst-rtc"]"#] {
        assert!(with(aud).is_ok(), "{aud}");
    }
    for aud in [
        r#""other""#,
        r#""""#,
        "[]",
        "null",
        "1",
        "{}",
        r#"[["hst-rtc"]]"#,
        r#"["hst-rtc",1]"#,
        r#""hst-rtc ""#,
        r#""hst\u2010rtc""#,
        r#""HST-RTC""#,
        r#""h\u0455t-rtc""#,
        r#"[["hst-rtc"],"other"]"#,
    ] {
        refused(with(aud), aud);
    }
}

#[test]
fn rights_grant_what_they_name_and_nothing_else() {
    let with = |rights: &str| {
        let claims = format!(r#"{{"iss":"testappid","group":"g","exp":1700003600,"rights":{rights}}}"#);
        verify(&jwt(&claims)).unwrap().grants
    };
    let nothing = with("[]");
    assert_eq!((&nothing.join, &nothing.publish), (&Scope::None, &Scope::None));
    assert!(!nothing.subscribe && !nothing.message && !nothing.admin);
    assert!(nothing.may_login(&UserId::parse("anybody").unwrap()));

    let listener = with(r#"["join","subscribe"]"#);
    assert_eq!(listener.join, Scope::Only(GroupId::parse("g").unwrap()));
    assert!(listener.subscribe && !listener.message && listener.publish == Scope::None);

    let talker = with(r#"["publish:audio","publish:screen"]"#);
    assert!(talker.may_publish(MediaType::Audio) && talker.may_publish(MediaType::ScreenShare));
    assert!(!talker.may_publish(MediaType::Video) && talker.join == Scope::None);

    // What is not known is not granted, and neither is what is only like a right.
    let strange = with(r#"["fly","ADMIN","admin ","publish:everything",""]"#);
    assert_eq!(strange, nothing);
    assert!(with(r#"["admin"]"#).admin);
}

#[test]
fn names_are_as_long_as_names_may_be() {
    let name = "x".repeat(128);
    let token = jwt(&format!(
        r#"{{"iss":"{APP}","sub":"{name}","group":"{name}","exp":1700003600}}"#
    ));
    assert_eq!(verify(&token).unwrap().user.unwrap().as_str(), name);
    let token = jwt(&format!(r#"{{"iss":"{APP}","sub":"{name}x","exp":1700003600}}"#));
    refused(verify(&token), "129 characters");
}
