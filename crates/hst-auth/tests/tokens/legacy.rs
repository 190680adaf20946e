use hst_auth::{
    AppId, AppKeys, AppSecret, Claims, GroupId, KeyRing, Scope, TokenError, TokenFormat, TokenVerifier, UnixMillis,
    UserId,
};

use crate::support::{NOW, app, cipher_of, encrypt, legacy_token, ring, seal, secret, verify, verify_at};

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
fn a_token_may_be_used_again_and_again() {
    let ring = ring(AppKeys::from_secret(&secret()));
    assert!((0..3).all(|_| ring.verify(&app(), TOKEN, NOW).is_ok()));
}

#[test]
fn a_name_that_is_missing_or_a_place_holder_or_no_name_is_nobodys() {
    for names in [
        "",
        r#""gid":"","uid":"","#,
        r#""gid":"null","uid":"null","#,
        r#""gid":"1","uid":"1","#,
        r#""gid":"two words","uid":"\u00e9","#,
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
fn any_finite_ts_and_r_are_accepted_and_a_truncated_ts_is_no_date() {
    for ts in [
        "1778487998",
        "0",
        "-5",
        "1.5e9",
        "18446744073709551615000",
        "999999999999",
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

#[test]
fn text_that_is_no_token_is_refused() {
    let body = &TOKEN[3..];
    for token in [
        format!("002{body}"),
        format!(" 001{body}"),
        format!("\u{ff10}01{body}"),
        format!("O01{body}"),
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
fn ciphertext_that_is_not_whole_blocks_is_refused() {
    let cipher = cipher_of(TOKEN);
    for len in 0..cipher.len() {
        assert_eq!(
            verify(&legacy_token(&cipher[..len])),
            Err(TokenError::Rejected),
            "{len}"
        );
    }
    for extra in 1..=32 {
        let longer = [cipher.as_slice(), &vec![0; extra]].concat();
        assert_eq!(verify(&legacy_token(&longer)), Err(TokenError::Rejected), "{extra}");
    }
}

#[test]
fn blocks_that_are_swapped_repeated_or_cut_out_are_refused() {
    let cipher = cipher_of(TOKEN);
    let blocks: Vec<&[u8]> = cipher.chunks(16).collect();
    for i in 0..blocks.len() {
        let mut cut = blocks.clone();
        cut.remove(i);
        assert_eq!(
            verify(&legacy_token(&cut.concat())),
            Err(TokenError::Rejected),
            "cut {i}"
        );
        for j in 0..blocks.len() {
            let mut changed = blocks.clone();
            changed.insert(j, blocks[i]);
            assert_eq!(
                verify(&legacy_token(&changed.concat())),
                Err(TokenError::Rejected),
                "{i} again at {j}"
            );
            let mut changed = blocks.clone();
            changed.swap(i, j);
            let verdict = verify(&legacy_token(&changed.concat()));
            assert_eq!(verdict.is_ok(), i == j, "{i} for {j}");
        }
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
fn every_change_of_the_last_block_gets_the_same_answer() {
    let cipher = cipher_of(TOKEN);
    let last = cipher.len() - 16;
    for at in last - 16..last {
        for byte in 0..=255 {
            let mut changed = cipher.clone();
            changed[at] = byte;
            let expected = if byte == cipher[at] {
                None
            } else {
                Some(TokenError::Rejected)
            };
            assert_eq!(verify(&legacy_token(&changed)).err(), expected, "{byte} at {at}");
        }
    }
}

#[test]
fn no_single_flipped_bit_is_accepted() {
    // With names long enough that whole blocks lie inside a name, where noise hurts least.
    let long = seal(format!(
        r#"{{"aid":"testappid","gid":"{0}","uid":"{0}","ts":1700000000000,"r":42}}"#,
        "g".repeat(128)
    ));
    for token in [TOKEN.to_owned(), long] {
        let cipher = cipher_of(&token);
        for bit in 0..cipher.len() * 8 {
            let mut changed = cipher.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&legacy_token(&changed)), Err(TokenError::Rejected), "bit {bit}");
        }
    }
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
    // A name that nobody can have binds to nobody, instead of to anybody.
    let token = seal(r#"{"aid":"testappid","uid":"two words","ts":1,"r":0}"#);
    assert_eq!(binding.verify(&app(), &token, NOW), Err(TokenError::Rejected));
}

#[test]
fn an_app_without_a_001_key_refuses_a_good_001_token() {
    let jwt_only = ring(AppKeys::new().with_hs256(None, &[1; 32]).unwrap());
    assert_eq!(jwt_only.verify(&app(), TOKEN, NOW), Err(TokenError::Rejected));
    assert_eq!(
        ring(AppKeys::new()).verify(&app(), TOKEN, NOW),
        Err(TokenError::Rejected)
    );
}

#[test]
fn a_token_of_another_app_or_another_secret_is_refused() {
    assert_eq!(
        verify_for("otherapp", "1234567890123456", TOKEN),
        Err(TokenError::Rejected)
    );
    assert_eq!(
        verify_for("testappid", "1234567890123457", TOKEN),
        Err(TokenError::Rejected)
    );
}
