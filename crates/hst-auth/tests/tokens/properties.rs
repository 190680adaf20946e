use hst_auth::{AppKeys, MAX_TOKEN_BYTES, Scope, TokenError, TokenVerifier, UnixMillis};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{NOW, app, cipher_of, jwt, legacy_token, ring, seal, secret, seeded, verify};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,20}".prop_map(Value::from),
        Just(json!("testappid")),
        Just(json!("admin")),
        (1_600_000_000u64..1_800_000_000).prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A good value, any value, or none.
fn claim(good: Value) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![3 => Just(Some(good)), 1 => json_value().prop_map(Some), 1 => Just(None)]
}

fn object(entries: Vec<(&str, Option<Value>)>) -> Value {
    let map: Map<_, _> = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    Value::Object(map)
}

proptest! {
    #![proptest_config(seeded(2_000))]

    #[test]
    fn t16_any_text_is_refused_and_nothing_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(verify(&text), Err(TokenError::Rejected));
        prop_assert_eq!(verify(&format!("001{text}")), Err(TokenError::Rejected));
        prop_assert_eq!(verify(&legacy_token(&bytes)), Err(TokenError::Rejected));
        prop_assert_eq!(verify(&seal(&bytes)), Err(TokenError::Rejected));
    }

    /// Unsigned encryption can't promise that no changed token is ever accepted: sixteen bytes of noise are a name
    /// about once in four billion tries. What it must never do is accept a change silently; each would be found here.
    #[test]
    fn l1_a_damaged_001_token_never_says_something_else(
        ids in (1usize..=128, 0usize..=128),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
    ) {
        let (user, group) = ("u".repeat(ids.0), "g".repeat(ids.1));
        let token = seal(format!(r#"{{"aid":"testappid","gid":"{group}","uid":"{user}","et":1700003600,"ts":1700000000000,"r":7}}"#));
        let genuine = verify(&token).unwrap();
        let mut cipher = cipher_of(&token);
        for (at, mask) in &damage {
            let at = at.index(cipher.len());
            cipher[at] ^= mask;
        }
        let verdict = verify(&legacy_token(&cipher));
        prop_assert!(verdict == Err(TokenError::Rejected) || verdict == Ok(genuine), "recorded: {verdict:?}");
    }

    #[test]
    fn a_damaged_jwt_is_never_accepted(at in any::<prop::sample::Index>(), character in "[ -~]") {
        let token = jwt(r#"{"iss":"testappid","sub":"user1","rights":["join"],"exp":1700003600}"#);
        let at = at.index(token.len());
        let damaged = format!("{}{character}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(verify(&damaged).is_ok(), damaged == token);
    }

    #[test]
    fn t16_claims_of_every_kind_grant_no_more_than_they_say(
        iss in claim(json!("testappid")),
        sub in claim(json!("user1")),
        group in claim(json!("group1")),
        rights in claim(json!(["join", "publish:video"])),
        exp in claim(json!(1_700_003_600)),
        nbf in claim(json!(1_700_000_000)),
        iat in claim(json!(1_700_000_000)),
        jti in claim(json!("t1")),
        other in json_value(),
    ) {
        let claims = object(vec![
            ("iss", iss), ("sub", sub.clone()), ("group", group.clone()), ("rights", rights.clone()), ("exp", exp),
            ("nbf", nbf), ("iat", iat), ("jti", jti), ("other", Some(other)),
        ]);
        let token = jwt(&claims.to_string());
        prop_assume!(token.len() <= MAX_TOKEN_BYTES);
        if let Ok(read) = verify(&token) {
            prop_assert_eq!(&claims["iss"], "testappid");
            prop_assert!(claims["exp"].as_u64().is_some_and(|exp| exp > NOW.as_secs()));
            prop_assert_eq!(read.user.as_ref().map(|user| json!(user)), sub);
            prop_assert_eq!(read.group.as_ref().map(|group| json!(group)), group);
            prop_assert_eq!(read.grants.login == Scope::Any, read.user.is_none());
            prop_assert!(read.grants.join != Scope::Any || read.group.is_none());
            let says_admin = rights.is_some_and(|list| list.as_array().is_some_and(|list| list.contains(&json!("admin"))));
            prop_assert_eq!(read.grants.admin, says_admin);
        }
    }

    #[test]
    fn t16_a_001_payload_of_every_kind_is_read_strictly(
        aid in claim(json!("testappid")),
        gid in claim(json!("group1")),
        uid in claim(json!("user1")),
        et in claim(json!(1_700_003_600)),
        ts in claim(json!(1_700_000_000_000u64)),
        r in claim(json!(42)),
    ) {
        let payload = object(vec![("aid", aid), ("gid", gid), ("uid", uid), ("et", et), ("ts", ts), ("r", r)]);
        let token = seal(payload.to_string());
        prop_assume!(token.len() <= MAX_TOKEN_BYTES);
        if let Ok(read) = verify(&token) {
            prop_assert_eq!(&payload["aid"], "testappid");
            prop_assert!(payload["ts"].is_number() && payload["r"].is_number());
            prop_assert!(!read.grants.admin);
            prop_assert_eq!(read.expires_at.is_none(), payload.get("et").is_none_or(|et| et == 0));
        }
    }

    #[test]
    fn a_token_is_expired_from_its_end_on_and_never_before(end in 1_000_000_000u64..100_000_000_000, now in any::<u64>()) {
        let now = UnixMillis::from_millis(now);
        let legacy = seal(format!(r#"{{"aid":"testappid","uid":"u","et":{end},"ts":1,"r":0}}"#));
        let signed = jwt(&format!(r#"{{"iss":"testappid","exp":{end}}}"#));
        let ring = ring(AppKeys::from_secret(&secret()));
        for token in [legacy, signed] {
            let verdict = ring.verify(&app(), &token, now).err();
            prop_assert_eq!(verdict, (now >= UnixMillis::from_secs(end)).then_some(TokenError::Expired));
        }
    }
}

#[test]
fn t7_a_token_one_byte_too_long_is_refused_unread() {
    let with = |filler: usize| {
        jwt(&format!(
            r#"{{"iss":"testappid","exp":1700003600,"x":"{}"}}"#,
            "x".repeat(filler)
        ))
    };
    let longest = (0..MAX_TOKEN_BYTES)
        .map(with)
        .take_while(|token| token.len() <= MAX_TOKEN_BYTES)
        .last()
        .unwrap();
    assert!(verify(&longest).is_ok(), "{} bytes", longest.len());
    let longer = (longest.len()..)
        .map(with)
        .find(|token| token.len() > MAX_TOKEN_BYTES)
        .unwrap();
    assert_eq!(verify(&longer), Err(TokenError::Rejected));
}
