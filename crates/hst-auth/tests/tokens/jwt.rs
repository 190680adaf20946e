use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hst_auth::{
    AppId, AppKeys, Claims, GroupId, KeyRing, MediaType, Scope, TokenError, TokenFormat, TokenIssuer, TokenRequest,
    TokenVerifier, UnixMillis, UserId,
};

use crate::support::{APP, NOW, SECRET, app, jwt, ring, sign, verify, verify_at};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = r#"{"iss":"testappid","sub":"user1","group":"group1","exp":1700003600}"#;

fn refused(verdict: Result<Claims, TokenError>, what: &str) {
    assert_eq!(verdict, Err(TokenError::Rejected), "{what}");
}

fn key_pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

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
fn the_end_is_exact_to_the_millisecond() {
    let token = jwt(CLAIMS);
    assert!(verify_at(&token, UnixMillis::from_millis(1_700_003_599_999)).is_ok());
    assert_eq!(
        verify_at(&token, UnixMillis::from_millis(1_700_003_600_000)),
        Err(TokenError::Expired)
    );
    assert_eq!(
        verify_at(&token, UnixMillis::from_millis(1_700_003_600_001)),
        Err(TokenError::Expired)
    );
}

#[test]
fn the_beginning_is_exact_to_the_millisecond() {
    let token = jwt(r#"{"iss":"testappid","nbf":1700000000,"exp":1700003600}"#);
    assert_eq!(
        verify_at(&token, UnixMillis::from_millis(1_699_999_999_999)),
        Err(TokenError::NotYetValid)
    );
    assert!(verify_at(&token, UnixMillis::from_millis(1_700_000_000_000)).is_ok());
    // When it was made is told, not judged: a maker's clock may be ahead.
    let token = jwt(r#"{"iss":"testappid","iat":1700000010,"exp":1700003600}"#);
    assert_eq!(
        verify(&token).unwrap().issued_at,
        Some(UnixMillis::from_secs(1_700_000_010))
    );
}

#[test]
fn a_date_that_is_no_whole_number_of_seconds_is_refused() {
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
fn claims_that_come_twice_are_refused() {
    for claims in [
        r#"{"iss":"testappid","exp":1,"exp":1700003600}"#,
        r#"{"iss":"testappid","exp":1700003600,"\u0065xp":1}"#,
        r#"{"iss":"other","iss":"testappid","exp":1700003600}"#,
        r#"{"iss":"testappid","exp":1700003600,"mine":{"a":1,"a":2}}"#,
    ] {
        refused(verify(&jwt(claims)), claims);
    }
}

#[test]
fn claims_of_the_wrong_kind_are_refused_one_by_one() {
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
    for value in ["[]", "{}", "7", "null", "\"\"", "[[]]"] {
        refused(verify(&jwt(value)), value);
    }
}

#[test]
fn a_token_for_another_audience_is_refused() {
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
fn only_the_algorithm_of_the_key_is_accepted() {
    for alg in [
        r#""none""#,
        r#""NONE""#,
        r#""nOnE""#,
        r#""""#,
        "null",
        "0",
        r#"["HS256"]"#,
        r#""hs256""#,
        r#""HS384""#,
        r#""HS512""#,
        r#""RS256""#,
        r#""ES256""#,
        r#""EdDSA""#,
        r#""HS256 ""#,
    ] {
        let header = format!(r#"{{"alg":{alg},"typ":"JWT"}}"#);
        refused(verify(&sign(SECRET.as_bytes(), &header, CLAIMS)), alg);
    }
    refused(verify(&sign(SECRET.as_bytes(), r#"{"typ":"JWT"}"#, CLAIMS)), "no alg");
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode(CLAIMS)
    );
    refused(verify(&unsigned), "unsigned");
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let public = key_pair().public_key().as_ref().to_vec();
    let keys = ring(AppKeys::new().with_ed25519(None, &public).unwrap());
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &public].concat();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let jwk = format!(
        r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(&public)
    );
    for secret in [
        &public,
        &spki,
        &pem.clone().into_bytes(),
        &format!(" {pem} ").into_bytes(),
        &jwk.into_bytes(),
    ] {
        for header in [HEADER, r#"{"alg":"EdDSA"}"#] {
            refused(keys.verify(&app(), &sign(secret, header, CLAIMS), NOW), header);
        }
    }
}

#[test]
fn a_header_that_could_steer_the_verifier_is_refused() {
    for field in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""zip":"DEF""#,
        r#""enc":"A128GCM""#,
        r#""p2c":1000000000"#,
        r#""jku":"https://example.com/keys""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""x5u":"https://example.com/""#,
        r#""b64":false"#,
        r#""cty":"JWT""#,
        r#""alg":"HS256""#,
        r#""typ":"JWE""#,
        r#""typ":null"#,
        r#""kid":null"#,
        r#""kid":1"#,
    ] {
        let header = format!(r#"{{"alg":"HS256",{field}}}"#);
        refused(verify(&sign(SECRET.as_bytes(), &header, CLAIMS)), field);
    }
    for header in [r#"{"alg":"HS256"}"#, r#"{"typ":"jwt","alg":"HS256"}"#] {
        assert!(verify(&sign(SECRET.as_bytes(), header, CLAIMS)).is_ok(), "{header}");
    }
}

#[test]
fn a_token_has_three_parts_in_unpadded_base64url() {
    let token = jwt(CLAIMS);
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    for other in [
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}.{claims}.{claims}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature} "),
        format!(" {token}"),
        format!("Bearer {token}"),
        format!(
            "{}.{claims}.{signature}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT" }"#)
        ),
    ] {
        refused(verify(&other), &other);
    }
}

#[test]
fn a_key_is_found_by_its_app_and_its_key_id() {
    let other = AppId::parse("otherapp").unwrap();
    let ring = KeyRing::from_iter([
        (
            app(),
            AppKeys::new()
                .with_hs256(Some("k"), &[1; 32])
                .unwrap()
                .with_hs256(Some("k2"), &[2; 32])
                .unwrap(),
        ),
        (other.clone(), AppKeys::new().with_hs256(Some("k"), &[3; 32]).unwrap()),
    ]);
    let request = TokenRequest {
        lifetime: Some(std::time::Duration::from_secs(60)),
        ..TokenRequest::default()
    };
    let token = |app: &AppId, key_id, key: u8| {
        TokenIssuer::hs256(app.clone(), key_id, &[key; 32])
            .unwrap()
            .issue(&request, NOW)
            .unwrap()
    };
    for (key_id, key) in [("k", 1), ("k2", 2)] {
        assert!(ring.verify(&app(), &token(&app(), Some(key_id), key), NOW).is_ok());
    }
    assert!(ring.verify(&other, &token(&other, Some("k"), 3), NOW).is_ok());
    for (key_id, key) in [
        (Some("k"), 2),
        (Some("k2"), 1),
        (Some("k"), 3),
        (Some("k3"), 1),
        (None, 1),
        (Some("../k"), 1),
    ] {
        refused(
            ring.verify(&app(), &token(&app(), key_id, key), NOW),
            &format!("{key_id:?} {key}"),
        );
    }
    // Made for this app, presented to that one.
    refused(
        ring.verify(&other, &token(&app(), Some("k"), 1), NOW),
        "the other app's key",
    );
    refused(
        ring.verify(&other, &token(&app(), Some("k"), 3), NOW),
        "the other app's claims",
    );
    for kid in ["\\u0000", "https://example.com/k", "k'--", &"k".repeat(2_000)] {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        refused(ring.verify(&app(), &sign(&[1; 32], &header, CLAIMS), NOW), kid);
    }
}

#[test]
fn every_forgery_is_a_bad_token_even_when_it_has_expired() {
    let expired = r#"{"iss":"testappid","exp":1600000000}"#;
    assert_eq!(verify(&jwt(expired)), Err(TokenError::Expired));
    refused(verify(&sign(b"another secret!!", HEADER, expired)), "another secret");
    refused(verify(&jwt(r#"{"iss":"other","exp":1600000000}"#)), "another app");
    refused(
        verify(&jwt(r#"{"iss":"testappid","sub":7,"exp":1600000000}"#)),
        "damaged",
    );
}

#[test]
fn a_bad_signature_stays_bad_after_a_good_one() {
    let ring = ring(AppKeys::from_secret(&crate::support::secret()));
    let good = jwt(r#"{"iss":"testappid","jti":"t1","exp":1700003600}"#);
    let bad = sign(
        b"another secret!!",
        HEADER,
        r#"{"iss":"testappid","jti":"t1","exp":1700003600}"#,
    );
    for _ in 0..2 {
        refused(ring.verify(&app(), &bad, NOW), "bad");
        assert_eq!(ring.verify(&app(), &good, NOW).unwrap().id.as_deref(), Some("t1"));
    }
}

#[test]
fn eddsa_takes_exactly_its_own_signatures() {
    let pair = key_pair();
    let ring = ring(
        AppKeys::new()
            .with_ed25519(Some("ed"), pair.public_key().as_ref())
            .unwrap(),
    );
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"ed"}"#),
        URL_SAFE_NO_PAD.encode(CLAIMS)
    );
    let signature = pair.sign(message.as_bytes()).as_ref().to_vec();
    let token = |signature: &[u8]| format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert!(ring.verify(&app(), &token(&signature), NOW).is_ok());

    for len in (0..=128).filter(|&len| len != signature.len()) {
        let mut other = signature.clone();
        other.resize(len, 0);
        refused(ring.verify(&app(), &token(&other), NOW), &format!("{len} bytes"));
    }
    for bit in 0..signature.len() * 8 {
        let mut other = signature.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        refused(ring.verify(&app(), &token(&other), NOW), &format!("bit {bit}"));
    }
    // The last character carries four bits that must be zero.
    let spelt = token(&signature);
    let (head, last) = spelt.split_at(spelt.len() - 1);
    for character in ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .map(String::from)
        .filter(|c| c != last)
    {
        refused(ring.verify(&app(), &format!("{head}{character}"), NOW), &character);
    }
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
