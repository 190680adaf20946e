use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use hst_auth::{AppKeys, AppSecret, KeyRing, TokenError, TokenVerifier};

use crate::support::{CLAIMS, HEADER, NOW, app, cipher_of, jwt, legacy_token, ring, seal, secret, sign};

const SAMPLES: usize = 5_000;

/// The slowest kind of token may take so many times as long as the fastest. Work that is left out for one kind makes it
/// several times faster; how far JSON is read before it ends shows, but by a microsecond.
const SAME_WORK: f64 = 1.5;
const SAME_WORK_BUT_JSON: f64 = 2.5;

/// A kind of token: what it is, who judges it, and the verdict.
struct Kind(&'static str, KeyRing, String, Option<TokenError>);

/// How long the faster quarter of the verdicts took at most: what the work costs, whatever else the machine does.
fn quartile(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 4]
}

fn assert_all_take_as_long(kinds: &[Kind], bound: f64) {
    let mut times = vec![Vec::with_capacity(SAMPLES); kinds.len()];
    // In turns, so that the machine's other work falls on all of them.
    for _ in 0..SAMPLES {
        for (Kind(what, ring, token, expected), times) in kinds.iter().zip(&mut times) {
            let start = Instant::now();
            let verdict = black_box(ring.verify(&app(), black_box(token), NOW));
            times.push(start.elapsed());
            assert_eq!(verdict.err(), *expected, "{what}");
        }
    }
    let costs: Vec<_> = kinds
        .iter()
        .map(|kind| kind.0)
        .zip(times.into_iter().map(quartile))
        .collect();
    let all = || costs.iter().map(|cost| cost.1.as_secs_f64());
    let (fastest, slowest) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    assert!(slowest < bound * fastest, "{costs:?}");
}

/// The keys of an app with one secret, with two, with none that fits the format; and no app at all.
fn rings() -> [(&'static str, KeyRing); 4] {
    let keys = AppKeys::from_secret(&secret());
    let previous = AppSecret::parse("fedcba9876543210").unwrap();
    [
        ("one secret", ring(keys.clone())),
        ("two secrets", ring(keys.and_previous(&previous))),
        ("no secret", ring(AppKeys::new())),
        ("no such app", KeyRing::new()),
    ]
}

fn refusal(ring: &str) -> Option<TokenError> {
    Some(match ring {
        "no such app" => TokenError::UnknownApp,
        _ => TokenError::Rejected,
    })
}

#[test]
fn l2_the_time_to_refuse_a_token_does_not_tell_what_was_wrong_with_it() {
    let good = seal(r#"{"aid":"testappid","gid":"group1","uid":"user1","ts":1700000000000,"r":42}"#);
    let flipped = |at: usize| {
        let mut cipher = cipher_of(&good);
        cipher[at] ^= 1;
        legacy_token(&cipher)
    };
    let rejected = Some(TokenError::Rejected);
    let [(_, ring), ..] = rings();
    let kinds = [
        Kind("first block is noise", ring.clone(), flipped(0), rejected),
        Kind("last block is noise", ring.clone(), flipped(79), rejected),
        Kind("text, but no JSON", ring.clone(), seal(format!("{:80}", "{")), rejected),
        Kind(
            "JSON, but another app",
            ring.clone(),
            seal(r#"{"aid":"testappix","gid":"group1","uid":"user1","ts":1700000000000,"r":42}"#),
            rejected,
        ),
        Kind(
            "expired",
            ring,
            seal(r#"{"aid":"testappid","uid":"user1","et":1600000000,"ts":1600000000000,"r":42}"#),
            Some(TokenError::Expired),
        ),
    ];
    assert_all_take_as_long(&kinds, SAME_WORK_BUT_JSON);
    let kinds = rings().map(|(what, ring)| Kind(what, ring, flipped(0), refusal(what)));
    assert_all_take_as_long(&kinds, SAME_WORK);
}

#[test]
fn l2_the_time_to_refuse_a_forged_jwt_tells_nothing_of_the_secrets() {
    let good = jwt(CLAIMS);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let first_byte = format!("{message}.A{}", &signature[1..]);
    let last_byte = format!("{message}.{}AAA", &signature[..signature.len() - 3]);
    let mut kinds = Vec::new();
    for (what, ring) in rings() {
        for token in [
            first_byte.clone(),
            last_byte.clone(),
            sign(b"another secret!!", HEADER, CLAIMS),
        ] {
            kinds.push(Kind(what, ring.clone(), token, refusal(what)));
        }
    }
    assert_all_take_as_long(&kinds, SAME_WORK);
}
