//! `hst token` as a user runs it.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::process::Command;

use serde_json::{Value, json};

const APP: [&str; 2] = ["--app-id", "testappid"];
const SECRET: [&str; 2] = ["--app-secret", "1234567890123456"];
const BOB: [&str; 4] = ["--user", "bob", "--group", "room1"];
const GENUINE: &str =
    "0015GvNj+cbNVsRcgp+0OCN3nKtfLsm77tEVCEFS7ghGU3bcS89O4Zg0PFsUsLeBpgiPbKSqO0KzATZkxZZtJZMPgD9i4TRc8dmsN/+7fCT7AY=";

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn hst_with(secret: Option<&str>, args: &[&[&str]]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hst"));
    command.arg("token").args(args.concat()).env_remove("HST_APP_SECRET");
    command.envs(secret.map(|secret| ("HST_APP_SECRET", secret)));
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn hst(args: &[&[&str]]) -> Said {
    hst_with(None, args)
}

/// The only line on standard output of a command that succeeded.
fn line(said: Said) -> String {
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let line = said.out.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{line}");
    line.to_owned()
}

fn claims(said: Said) -> Value {
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn a_token_of_either_format_is_made_and_read() {
    for (format, login) in [("001", json!("any")), ("jwt", json!({ "only": "bob" }))] {
        let token = line(hst(&[
            &["create"],
            &APP,
            &SECRET,
            &BOB,
            &["--ttl", "10m", "--format", format],
        ]));
        let claims = claims(hst(&[&["verify"], &APP, &SECRET, &[&token]]));
        assert_eq!((&claims["user"], &claims["group"]), (&json!("bob"), &json!("room1")));
        assert_eq!(
            (&claims["format"], &claims["grants"]["login"]),
            (&json!(format), &login)
        );
        let (from, to) = (
            claims["issued_at"].as_u64().unwrap(),
            claims["expires_at"].as_u64().unwrap(),
        );
        // The end is rounded up to a second, and a JWT's beginning down to one.
        assert!((600_000..=602_000).contains(&(to - from)), "{from} {to}");
    }
}

#[test]
fn a_token_is_001_for_an_hour_unless_told_otherwise() {
    let token = line(hst(&[&["create"], &APP, &SECRET, &["--user", "bob"]]));
    assert!(token.starts_with("001"));
    let claims = claims(hst(&[&["verify"], &APP, &SECRET, &[&token]]));
    assert_eq!(claims["group"], Value::Null);
    let seconds = (claims["expires_at"].as_u64().unwrap() - claims["issued_at"].as_u64().unwrap()).div_ceil(1000);
    assert!((3600..=3601).contains(&seconds), "{seconds}");
}

#[test]
fn a_jwt_may_say_what_its_login_means_to_earlier_ones() {
    let create = |format, policy| {
        hst(&[
            &["create"],
            &APP,
            &SECRET,
            &BOB,
            &["--format", format, "--login", policy],
        ])
    };
    let token = line(create("jwt", "devices:3"));
    assert_eq!(
        claims(hst(&[&["verify"], &APP, &SECRET, &[&token]]))["login"],
        "devices:3"
    );
    assert_eq!(create("jwt", "devices:17").code, 2);
    let said = create("001", "replace");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("make a JWT"), "{}", said.err);
}

#[test]
fn the_time_to_live_is_written_with_its_unit() {
    for (ttl, seconds) in [
        ("30s", 30),
        ("10m", 600),
        ("1h", 3600),
        ("7d", 604_800),
        ("1h 30m", 5400),
    ] {
        let token = line(hst(&[
            &["create"],
            &APP,
            &SECRET,
            &BOB,
            &["--format", "jwt", "--ttl", ttl],
        ]));
        let claims = claims(hst(&[&["verify"], &APP, &SECRET, &[&token]]));
        let lasts = (claims["expires_at"].as_u64().unwrap() - claims["issued_at"].as_u64().unwrap()) / 1000;
        assert!((seconds..=seconds + 1).contains(&lasts), "{ttl} {lasts}");
    }
    for ttl in ["", "10", "1x", "-1h", "forever"] {
        let said = hst(&[&["create"], &APP, &SECRET, &BOB, &[&format!("--ttl={ttl}")]]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{ttl:?}");
    }
    for ttl in ["0s", "10000y"] {
        let said = hst(&[&["create"], &APP, &SECRET, &BOB, &["--ttl", ttl]]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{ttl:?}");
        assert!(said.err.starts_with("hst: the lifetime"), "{}", said.err);
    }
}

#[test]
fn the_platforms_own_token_is_read_as_the_readme_shows() {
    let said = hst(&[&["verify"], &APP, &SECRET, &[GENUINE]]);
    assert_eq!(said.code, 0);
    assert!(include_str!("../README.md").contains(&said.out), "{}", said.out);
}

#[test]
fn a_bad_token_is_refused_with_the_reason_and_exit_code_1() {
    let damaged = "001Sx04XAA406DvYyD8J3oEh/eSZFnogbLaFnwlXozD6QfHgzwvglCNrVj3wjjxldlRYRG28cGFdK9xgku3fhdMKY2pB3j1It4Omq8Quxx4xFH/2h3MbrWmsVCjh/N1cfsx";
    let documented = [
        "--app-id",
        "7a02a8217cd541f990152ea666ee24bf",
        "--app-secret",
        "42de63b19db7fda7",
    ];
    let expired = "0015GvNj+cbNVsRcgp+0OCN3qAEbXwGspbrVZe7PUBPzthTesvhylhhoxDjcAlQLKVcKRJilnCDzIfAVbpjMPaqIbGodgB2RynTeQIuefdlq2o=";
    for (args, reason) in [
        ([&documented[..], &[damaged]], "the token is not valid for this app"),
        ([&[APP, SECRET].concat(), &[expired]], "the token has expired"),
        (
            [&[APP, SECRET].concat(), &["nonsense"]],
            "the token is not valid for this app",
        ),
        ([&[APP, SECRET].concat(), &[""]], "the token is not valid for this app"),
        (
            [&["--app-id", "other", SECRET[0], SECRET[1]], &[GENUINE]],
            "the token is not valid for this app",
        ),
        (
            [&[APP[0], APP[1], SECRET[0], "1234567890123457"], &[GENUINE]],
            "the token is not valid for this app",
        ),
    ] {
        let said = hst(&[&["verify"], args[0], args[1]]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{args:?}");
        assert!(said.err.starts_with(&format!("hst: {reason}")), "{}", said.err);
    }
}

#[test]
fn the_secret_may_come_from_the_environment_and_the_argument_wins() {
    let token = line(hst_with(Some(SECRET[1]), &[&["create"], &APP, &BOB]));
    assert_eq!(hst_with(Some(SECRET[1]), &[&["verify"], &APP, &[&token]]).code, 0);
    assert_eq!(
        hst_with(Some("another secret!!"), &[&["verify"], &APP, &SECRET, &[&token]]).code,
        0
    );
    let said = hst(&[&["verify"], &APP, &[&token]]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(
        said.err.contains("--app-secret") && said.err.contains("HST_APP_SECRET"),
        "{}",
        said.err
    );
}

#[test]
fn a_mistaken_secret_is_not_repeated() {
    for secret in ["hushhush", "hushhush hushhus", "hushhushhushhush!"] {
        for said in [
            hst(&[&["create"], &APP, &["--app-secret", secret], &BOB]),
            hst_with(Some(secret), &[&["verify"], &APP, &[GENUINE]]),
        ] {
            assert_eq!((said.code, said.out.as_str()), (1, ""));
            assert!(
                said.err.starts_with("hst: an App Secret") && !said.err.contains("hush"),
                "{}",
                said.err
            );
        }
    }
}

#[test]
fn names_are_checked_before_a_token_is_made() {
    for bad in [
        ["--user", "two words"],
        ["--user", ""],
        ["--group", "a/b"],
        ["--app-id", "ü"],
    ] {
        let mut args: Vec<&str> = [&["create"][..], &APP, &SECRET, &BOB].concat();
        let at = args.iter().position(|arg| *arg == bad[0]).unwrap();
        args[at + 1] = bad[1];
        let said = hst(&[&args]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{bad:?}");
        assert!(said.err.contains(bad[0]), "{}", said.err);
    }
}
