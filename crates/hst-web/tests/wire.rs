//! The SDK repeats a few numbers of the wire in JavaScript; these tests hold them to the crate that owns them.

use std::collections::BTreeMap;

use hst_proto::{
    ErrorCode, GOT_EVERY, HEARTBEAT, MAX_BEHIND, MAX_DISTANCE, MAX_HEIGHT, MAX_LISTED, MAX_PAGE, MAX_POINTS,
    MAX_TOUCHED, PEER_TIMEOUT, VERSION,
};

fn sdk() -> &'static str {
    let script = hst_web::asset("/sdk/hst-rtc-engine.js").expect("the SDK is an asset");
    std::str::from_utf8(&script.body).expect("a script is text")
}

/// The SDK's text between two others.
fn between(start: &str, end: &str) -> &'static str {
    let (_, rest) = sdk()
        .split_once(start)
        .unwrap_or_else(|| panic!("`{start}` is in the SDK"));
    let (text, _) = rest.split_once(end).unwrap_or_else(|| panic!("`{end}` follows"));
    text
}

/// The value of `const NAME = value;`, where numbers may be products and have `_` in them.
fn constant(name: &str) -> u64 {
    between(&format!("const {name} = "), ";")
        .split('*')
        .map(|factor| factor.trim().replace('_', "").parse::<u64>().expect("a number"))
        .product()
}

/// `NAME: number,` of the SDK's own list of codes.
fn codes() -> BTreeMap<&'static str, u32> {
    let list = between("const ErrorCode = Object.freeze({", "});");
    list.split(',')
        .filter_map(|entry| entry.trim().split_once(": "))
        .map(|(name, number)| (name, number.parse().expect("a number")))
        .collect()
}

#[test]
fn the_protocol_and_its_limits_are_those_of_the_wire() {
    assert_eq!(constant("PROTOCOL"), u64::from(VERSION));
    assert_eq!(constant("GOT_EVERY"), GOT_EVERY);
    assert_eq!(constant("MAX_LISTED"), MAX_LISTED as u64);
    assert_eq!(constant("MAX_PAGE"), MAX_PAGE as u64);
    assert_eq!(constant("MAX_HEIGHT"), u64::from(MAX_HEIGHT));
    let beat = constant("BEAT");
    assert_eq!(u128::from(beat * constant("HEARTBEAT")), HEARTBEAT.as_millis());
    assert_eq!(u128::from(beat * constant("MAX_SILENCE")), PEER_TIMEOUT.as_millis());
}

#[test]
fn every_code_of_the_sdk_is_one_of_the_platform() {
    let codes = codes();
    assert!(codes.len() > 10);
    for (name, number) in codes {
        let code = ErrorCode::from_number(number).unwrap_or_else(|| panic!("{name} is a code"));
        assert_eq!(
            format!("{code:?}").to_uppercase(),
            name.replace('_', ""),
            "{number} has another name"
        );
    }
}

#[test]
fn codes_of_the_server_are_translated_as_everywhere() {
    let list = between("const ENGINE_CODES = new Map([", "]);");
    let codes = codes();
    let translated: BTreeMap<u32, u32> = list
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix('[')?
                .strip_suffix("],")?
                .split_once(", ErrorCode.")
        })
        .map(|(number, name)| (number.parse().unwrap(), codes[name]))
        .collect();
    for code in ErrorCode::ALL {
        let number = code.number();
        assert_eq!(
            translated.get(&number).copied().unwrap_or(number),
            ErrorCode::engine(number),
            "{code:?}"
        );
    }
}

#[test]
fn the_limits_of_boards_are_those_of_the_wire() {
    let script = hst_web::asset("/sdk/hst-rtc-board.mjs").expect("the script of boards is an asset");
    let script = std::str::from_utf8(&script.body).expect("a script is text");
    for (name, value) in [
        ("MAX_DISTANCE", i64::from(MAX_DISTANCE)),
        ("MAX_POINTS", MAX_POINTS as i64),
        ("MAX_TOUCHED", MAX_TOUCHED as i64),
        ("MAX_BEHIND", i64::from(MAX_BEHIND)),
    ] {
        let start = format!("const {name} = ");
        let (_, rest) = script.split_once(&start).expect("the script has it");
        let (number, _) = rest.split_once(';').expect("a statement ends");
        assert_eq!(number.replace('_', "").parse(), Ok(value), "{name}");
    }
}
