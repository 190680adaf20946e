use std::time::{Duration, Instant};

use hst_auth::{AppId, AppKeys, KeyRing, TokenError, TokenVerifier};

use crate::support::{NOW, app, cipher_of, legacy_token, ring, seal, secret};

const SAMPLES: usize = 2_000;
/// What a stranger could tell apart over a network after thousands of tries is several times this.
const INDISTINGUISHABLE: Duration = Duration::from_micros(10);

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

#[test]
fn the_time_to_refuse_a_token_does_not_tell_what_was_wrong_with_it() {
    let good = seal(r#"{"aid":"testappid","gid":"group1","uid":"user1","ts":1700000000000,"r":42}"#);
    let flipped = |at: usize| {
        let mut cipher = cipher_of(&good);
        cipher[at] ^= 1;
        legacy_token(&cipher)
    };
    let keys = ring(AppKeys::from_secret(&secret()));
    let jwt_only = ring(AppKeys::new().with_hs256(None, &[1; 32]).unwrap());
    let unknown = KeyRing::new();
    let rejected = Some(TokenError::Rejected);
    let classes: Vec<(&str, &KeyRing, String, Option<TokenError>)> = vec![
        ("first block is noise", &keys, flipped(0), rejected),
        ("last block is noise", &keys, flipped(79), rejected),
        ("text, but no JSON", &keys, seal(format!("{:80}", "{")), rejected),
        (
            "JSON, but another app",
            &keys,
            seal(r#"{"aid":"testappix","gid":"group1","uid":"user1","ts":1700000000000,"r":42}"#),
            rejected,
        ),
        (
            "expired",
            &keys,
            seal(r#"{"aid":"testappid","uid":"user1","et":1600000000,"ts":1600000000000,"r":42}"#),
            Some(TokenError::Expired),
        ),
        ("a format that the app does not take", &jwt_only, good.clone(), rejected),
        (
            "an app that is not known",
            &unknown,
            good.clone(),
            Some(TokenError::UnknownApp),
        ),
    ];
    let app: AppId = app();
    let mut times = vec![Vec::with_capacity(SAMPLES); classes.len()];
    // In turns, so that whatever else the machine does falls on all of them.
    for _ in 0..SAMPLES {
        for ((_, ring, token, expected), times) in classes.iter().zip(&mut times) {
            let start = Instant::now();
            let verdict = ring.verify(&app, token, NOW);
            times.push(start.elapsed());
            assert_eq!(verdict.err(), *expected);
        }
    }
    let medians: Vec<(&str, Duration)> = classes.iter().map(|c| c.0).zip(times.into_iter().map(median)).collect();
    let (fastest, slowest) = (
        medians.iter().map(|m| m.1).min().unwrap(),
        medians.iter().map(|m| m.1).max().unwrap(),
    );
    assert!(slowest - fastest < INDISTINGUISHABLE, "{medians:?}");
}
