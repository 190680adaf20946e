//! Which JWTs are genuine: algorithm, key, shape and signature.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hst_auth::{AppId, AppKeys, KeyRing, MAX_TOKEN_BYTES, TokenError, TokenIssuer, TokenRequest, TokenVerifier};

use crate::support::{CLAIMS, HEADER, NOW, SECRET, app, jwt, refused, ring, secret, sign, verify};

fn key_pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

#[test]
fn t1_only_the_algorithm_of_the_key_is_accepted() {
    for alg in [
        r#""none""#,
        r#""NONE""#,
        r#""nOnE""#,
        r#""""#,
        "null",
        "0",
        r#"["HS256"]"#,
        r#"["none"]"#,
        r#"{"alg":"HS256"}"#,
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
    // Which keys there are makes no difference.
    for keys in [AppKeys::new(), AppKeys::new().with_hs256(Some("k"), &[1; 32]).unwrap()] {
        refused(
            ring(keys).verify(&app(), &unsigned, NOW),
            "unsigned, and no key to look up",
        );
    }
}

#[test]
fn t2_a_public_key_is_no_hmac_secret() {
    let public = key_pair().public_key().as_ref().to_vec();
    let keys = ring(AppKeys::new().with_ed25519(None, &public).unwrap());
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &public].concat();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let jwk = format!(
        r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(&public)
    );
    let spelt = [&pem, pem.trim_end(), &base64, &jwk];
    let spaced = spelt
        .iter()
        .flat_map(|text| ["", " ", "\n", "\t", "\r\n"].map(|space| format!("{space}{text}{space}").into_bytes()));
    for secret in [public, spki].into_iter().chain(spaced) {
        for header in [HEADER, r#"{"alg":"EdDSA"}"#] {
            refused(keys.verify(&app(), &sign(&secret, header, CLAIMS), NOW), header);
        }
    }
}

#[test]
fn t8_a_header_that_could_steer_the_verifier_is_refused() {
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
fn t8_a_token_has_three_parts_in_unpadded_base64url() {
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
fn t7_a_megabyte_of_dots_is_refused_on_its_length() {
    for dots in [3, MAX_TOKEN_BYTES, MAX_TOKEN_BYTES + 1, 1_000_000] {
        refused(verify(&".".repeat(dots)), &format!("{dots} dots"));
        refused(
            verify(&format!("{}{}", jwt(CLAIMS), ".".repeat(dots))),
            &format!("and {dots} dots"),
        );
    }
}

#[test]
fn t9_a_key_is_found_by_its_app_and_its_key_id() {
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
    for kid in [
        "\\u0000",
        "../../etc/passwd",
        "k\\u0000",
        "https://example.com/k",
        "k'--",
        &"k".repeat(2_000),
    ] {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        refused(ring.verify(&app(), &sign(&[1; 32], &header, CLAIMS), NOW), kid);
    }
}

#[test]
fn t13_a_bad_signature_stays_bad_after_a_good_one() {
    let ring = ring(AppKeys::from_secret(&secret()));
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
fn t12_eddsa_takes_exactly_its_own_signatures() {
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
fn t15_every_forgery_is_a_bad_token_even_when_it_has_expired() {
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
fn l5_nothing_is_read_of_a_token_whose_signature_is_wrong() {
    // Each of these would get another answer if it were genuine, or would be more work.
    let deep = "[".repeat(2_000);
    for claims in [
        r#"{"iss":"testappid","exp":1600000000}"#,
        r#"{"iss":"testappid","nbf":1700000001,"exp":1700003600}"#,
        "no json",
        &deep,
        CLAIMS,
    ] {
        refused(verify(&sign(b"another secret!!", HEADER, claims)), claims);
    }
    // The comparison is aws-lc's own, in constant time; here it is only seen to look at every bit.
    let token = jwt(CLAIMS);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bit in 0..signature.len() * 8 {
        let mut other = signature.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let other = format!("{message}.{}", URL_SAFE_NO_PAD.encode(other));
        refused(verify(&other), &format!("bit {bit}"));
    }
}
