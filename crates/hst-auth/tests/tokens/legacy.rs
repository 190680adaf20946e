//! The platform's `001` tokens as its generators write them, and how strictly they are read.

use hst_auth::{
    AppId, AppKeys, AppSecret, Claims, GroupId, KeyRing, Scope, TokenError, TokenFormat, TokenVerifier, UnixMillis,
    UserId,
};

use crate::support::{CLAIMS, NOW, app, encrypt, jwt, legacy_token, ring, seal, seal_with, secret, verify, verify_at};

const JSON: &str = r#"{"aid":"testappid","gid":"group1","uid":"user1","ts":1700000000000,"r":42}"#;
const TOKEN: &str =
    "0015GvNj+cbNVsRcgp+0OCN3nKtfLsm77tEVCEFS7ghGU3bcS89O4Zg0PFsUsLeBpgiPbKSqO0KzATZkxZZtJZMPgD9i4TRc8dmsN/+7fCT7AY=";

fn verify_for(app: &str, secret: &str, token: &str) -> Result<Claims, TokenError> {
    let app = AppId::parse(app).unwrap();
    let keys = AppKeys::from_secret(&AppSecret::parse(secret).unwrap());
    KeyRing::from_iter([(app.clone(), keys)]).verify(&app, token, NOW)
}

#[test]
fn a_token_of_the_platforms_own_service_is_accepted_and_names_nobody() {
    let token = "0018z9tvOhMhy7i3NH1EFf1alqDmktVwyQn9fJ40RVY0OHoctQdvFOZLNHYbrtbBTK7iTQdOGI6Anp5iw4ZSmCTom1hAyfpOtkpuWgcQjFJj2lV6rEHrdRrbJuN1zATiWU8";
    let claims = verify_for("f327ae83eca2f3f73c73e51ec3a0e2b5", "de549e8b80697e4d", token).unwrap();
    assert_eq!((claims.user, claims.group, claims.id), (None, None, None));
    assert_eq!(claims.issued_at, Some(UnixMillis::from_millis(1_573_736_518_334)));
    assert_eq!((claims.expires_at, claims.format), (None, TokenFormat::Legacy001));
    assert_eq!(claims.grants, hst_auth::Grants::ordinary());
}

#[test]
fn the_sample_printed_in_the_documentation_is_damaged_and_refused() {
    let token = "001Sx04XAA406DvYyD8J3oEh/eSZFnogbLaFnwlXozD6QfHgzwvglCNrVj3wjjxldlRYRG28cGFdK9xgku3fhdMKY2pB3j1It4Omq8Quxx4xFH/2h3MbrWmsVCjh/N1cfsx";
    let verdict = verify_for("7a02a8217cd541f990152ea666ee24bf", "42de63b19db7fda7", token);
    assert_eq!(verdict, Err(TokenError::Rejected));
}

#[test]
fn a_token_of_the_java_and_cpp_generators_is_accepted() {
    let claims = verify(TOKEN).unwrap();
    assert_eq!(claims.user, Some(UserId::parse("user1").unwrap()));
    assert_eq!(claims.group, Some(GroupId::parse("group1").unwrap()));
    assert_eq!(claims.issued_at, Some(NOW));
    assert_eq!(seal(JSON), TOKEN, "the tests' own generator is the platform's");
}

#[test]
fn a_token_of_the_android_generator_is_accepted_until_it_expires() {
    let token = "0015GvNj+cbNVsRcgp+0OCN3qAEbXwGspbrVZe7PUBPzthTesvhylhhoxDjcAlQLKVcKRJilnCDzIfA\nVbpjMPaqIbGodgB2RynTeQIuefdlq2o=\n";
    let claims = verify(token).unwrap();
    assert_eq!(
        (claims.user, claims.group),
        (Some(UserId::parse("user1").unwrap()), None)
    );
    assert_eq!(claims.expires_at, Some(UnixMillis::from_secs(1_700_003_600)));
    assert!(verify_at(token, UnixMillis::from_millis(1_700_003_599_999)).is_ok());
    assert_eq!(
        verify_at(token, UnixMillis::from_secs(1_700_003_600)),
        Err(TokenError::Expired)
    );
}

#[test]
fn a_token_is_the_same_without_padding_broken_into_lines_or_with_spaces_for_plus() {
    let genuine = verify(TOKEN).unwrap();
    let lines: Vec<&str> = TOKEN.as_bytes()[3..]
        .chunks(7)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\r\n\t");
    for other in [
        TOKEN.trim_end_matches('=').to_owned(),
        TOKEN.replace('+', " "),
        format!("001{lines}\n"),
    ] {
        assert_eq!(verify(&other), Ok(genuine.clone()), "{other:?}");
    }
}

#[test]
fn a_name_that_is_missing_or_a_place_holder_is_nobodys() {
    for names in [
        "",
        r#""gid":"","uid":"","#,
        r#""gid":"null","uid":"null","#,
        r#""gid":"1","uid":"1","#,
    ] {
        let claims = verify(&seal(format!(r#"{{"aid":"testappid",{names}"ts":1,"r":0}}"#))).unwrap();
        assert_eq!((claims.user, claims.group), (None, None), "{names}");
        assert_eq!(
            (claims.grants.login, claims.grants.join),
            (Scope::Any, Scope::Any),
            "{names}"
        );
    }
}

#[test]
fn text_that_is_no_token_is_refused() {
    let body = &TOKEN[3..];
    for token in [
        body.to_owned(),
        "001".to_owned(),
        "001====".to_owned(),
        format!("001{}", body.replace('+', "-")),
        format!("001{}", body.replacen('c', "*", 1)),
        // The same bytes in another spelling: the last bits before the padding are not zero.
        format!("001{}", body.replace("AY=", "AZ=")),
        format!("001{}=", &body),
        format!("{TOKEN}{TOKEN}"),
    ] {
        assert_eq!(verify(&token), Err(TokenError::Rejected), "{token}");
    }
}

#[test]
fn text_that_is_not_strict_json_of_the_format_is_refused() {
    for json in [
        "",
        "null",
        r#""aid""#,
        r#"["testappid","u",1,2]"#,
        // Unfinished, continued, or followed by something.
        r#"{"aid":"testappid","uid":"u","ts":1,"r":2"#,
        r#"{"aid":"testappid","uid":"u","ts":1,"r":2,}"#,
        r#"{"aid":"testappid","uid":"u","ts":1,"r":2}}"#,
        r#"{"aid":"testappid","uid":"u","ts":1,"r":2} x"#,
        // A key that comes twice, also when it is written differently, and a key that the format does not have.
        r#"{"aid":"testappid","aid":"testappid","uid":"u","ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","uid":"v","ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","\u0075id":"v","ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","ts":1,"r":2,"x":3}"#,
        // Another app, no app.
        r#"{"aid":"testappiD","uid":"u","ts":1,"r":2}"#,
        r#"{"aid":"","uid":"u","ts":1,"r":2}"#,
        r#"{"uid":"u","ts":1,"r":2}"#,
        r#"{"aid":["testappid"],"uid":"u","ts":1,"r":2}"#,
        // Wrong types, missing numbers, a number that is not finite.
        r#"{"aid":"testappid","uid":7,"ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":null,"ts":1,"r":2}"#,
        r#"{"aid":"testappid","gid":null,"ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","ts":"1","r":2}"#,
        r#"{"aid":"testappid","uid":"u","ts":1,"r":"2"}"#,
        r#"{"aid":"testappid","uid":"u","ts":1}"#,
        r#"{"aid":"testappid","uid":"u","r":2}"#,
        r#"{"aid":"testappid","uid":"u","ts":1e400,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","et":"9999999999","ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","et":-1,"ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","et":1700000001.5,"ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","et":null,"ts":1,"r":2}"#,
        r#"{"aid":"testappid","uid":"u","et":18446744073709551616,"ts":1,"r":2}"#,
    ] {
        assert_eq!(verify(&seal(json)), Err(TokenError::Rejected), "{json}");
    }
}

#[test]
fn bytes_outside_visible_ascii_are_refused_wherever_they_stand() {
    let good = format!("{JSON:<80}").into_bytes();
    assert!(verify(&seal(&good)).is_ok());
    for at in 0..good.len() {
        for byte in [0, b'\t', b'\n', 0x1f, 0x7f, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(verify(&seal(&bad)), Err(TokenError::Rejected), "{byte} at {at}");
        }
    }
    // Whole UTF-8 is outside too, although it is JSON.
    assert_eq!(
        verify(&seal(r#"{"aid":"testappid","uid":"é","ts":1,"r":2}"#)),
        Err(TokenError::Rejected)
    );
    // So is block padding instead of spaces.
    let pkcs7 = [JSON.as_bytes(), &vec![6; 80 - JSON.len()]].concat();
    assert_eq!(
        verify(&legacy_token(&encrypt("1234567890123456", &pkcs7))),
        Err(TokenError::Rejected)
    );
}

#[test]
fn the_names_bind_only_where_the_app_asks_for_it() {
    let [user1, user2] = ["user1", "user2"].map(|name| UserId::parse(name).unwrap());
    let [group1, group2] = ["group1", "group2"].map(|name| GroupId::parse(name).unwrap());

    let free = verify(TOKEN).unwrap().grants;
    assert!(free.may_login(&user2) && free.may_join(&group2));

    let binding = ring(AppKeys::from_secret(&secret()).bind_001_names());
    let bound = binding.verify(&app(), TOKEN, NOW).unwrap().grants;
    assert!(bound.may_login(&user1) && bound.may_join(&group1));
    assert!(!bound.may_login(&user2) && !bound.may_join(&group2));

    for nobody in [
        "",
        r#""gid":"","uid":"","#,
        r#""gid":"null","uid":"null","#,
        r#""gid":"1","uid":"1","#,
    ] {
        let token = seal(format!(r#"{{"aid":"testappid",{nobody}"ts":1,"r":0}}"#));
        let grants = binding.verify(&app(), &token, NOW).unwrap().grants;
        assert!(grants.may_login(&user1) && grants.may_join(&group2), "{nobody}");
    }
}

#[test]
fn l6_an_app_without_a_001_key_refuses_a_good_001_token() {
    for jwt_only in [
        AppKeys::new(),
        AppKeys::new().with_hs256(None, &[1; 32]).unwrap(),
        AppKeys::from_secret(&secret()).without_001(),
    ] {
        assert_eq!(ring(jwt_only).verify(&app(), TOKEN, NOW), Err(TokenError::Rejected));
    }
    let still = ring(AppKeys::from_secret(&secret()).without_001());
    assert!(still.verify(&app(), &jwt(CLAIMS), NOW).is_ok());
}

#[test]
fn l6_nothing_but_001_at_the_very_beginning_is_the_prefix() {
    let body = &TOKEN[3..];
    for prefix in [
        "",
        "0",
        "01",
        "002",
        "OO1",
        "O01",
        "00l",
        "0001",
        " 001",
        "\t001",
        "\u{0}001",
        "\u{feff}001",
        "\u{200b}001",
        "00\u{200b}1",
        "\u{ff10}\u{ff10}\u{ff11}",
        "\u{660}\u{660}\u{661}",
        "\"001",
        "v001",
        "001.",
        "001\0",
        "001\u{a0}",
    ] {
        assert_eq!(
            verify(&format!("{prefix}{body}")),
            Err(TokenError::Rejected),
            "{prefix:?}"
        );
    }
    // Whatever an app takes, one format is never read as the other.
    let claims = jwt(CLAIMS);
    assert_eq!(verify(&format!("001{claims}")), Err(TokenError::Rejected));
}

/// A developer signs in for REST calls by `Authorization: <Developer ID>.<token>`. His id and secret have the shape of
/// an app's, so he is one more app of a ring of his own.
#[test]
fn a_developer_signs_in_by_a_001_token_of_his_own() {
    let developer = AppId::parse("a92b62250123456789abcdef01234567").unwrap();
    let keys = AppKeys::from_secret(&AppSecret::parse("6577543f6604bbaf").unwrap());
    let developers = KeyRing::from_iter([(developer.clone(), keys)]);
    let sign_in = |header: &str| {
        let (id, token) = header.split_once('.').unwrap();
        developers.verify(&AppId::parse(id).unwrap(), token, NOW)
    };
    for names in [
        r#""gid":"null","uid":"null","#,
        r#""gid":"1","uid":"1","#,
        r#""uid":"","#,
    ] {
        let payload = format!(r#"{{"aid":"{developer}",{names}"ts":1573736518334,"r":1274328306}}"#);
        let token = seal_with("6577543f6604bbaf", payload);
        let claims = sign_in(&format!("{developer}.{token}")).unwrap();
        assert_eq!((&claims.app, &claims.user, &claims.group), (&developer, &None, &None));
        assert!(!claims.grants.admin, "what a developer may do is not said by his token");
        // His token is none for an app, nor an app's for him.
        assert_eq!(sign_in(&format!("testappid.{token}")), Err(TokenError::UnknownApp));
        assert_eq!(verify(&token), Err(TokenError::Rejected));
    }
    assert_eq!(sign_in(&format!("{developer}.{TOKEN}")), Err(TokenError::Rejected));
    assert_eq!(sign_in(&format!("{developer}.")), Err(TokenError::Rejected));
}

#[test]
fn t17_a_token_of_another_app_or_another_secret_is_refused() {
    assert_eq!(
        verify_for("otherapp", "1234567890123456", TOKEN),
        Err(TokenError::Rejected)
    );
    assert_eq!(
        verify_for("testappid", "1234567890123457", TOKEN),
        Err(TokenError::Rejected)
    );
}
