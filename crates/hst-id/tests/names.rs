//! What is a name, and what is none, at the only door.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::collections::BTreeSet;

use hst_id::{AppId, GroupId, InvalidName, MediaId, TerminalType, UserId};

/// How each kind of name with the common rule judges a text; they never differ.
fn verdict(text: &str) -> Result<(), InvalidName> {
    let verdict = UserId::parse(text).map(drop);
    assert_eq!(AppId::parse(text).map(drop), verdict);
    assert_eq!(GroupId::parse(text).map(drop), verdict);
    assert_eq!(TerminalType::parse(text).map(drop), verdict);
    assert_eq!(text.parse::<UserId>().map(drop), verdict);
    let json = serde_json::to_string(text).unwrap();
    assert_eq!(serde_json::from_str::<UserId>(&json).is_ok(), verdict.is_ok());
    verdict
}

fn is_stranger(text: &str) -> bool {
    matches!(verdict(text), Err(InvalidName::Character { .. }))
}

#[test]
fn names_are_of_letters_digits_and_two_signs() {
    for text in ["a", "user1", "A-Z_0-9", "-", "_", "0", "null", "1"] {
        assert_eq!(verdict(text), Ok(()));
        assert_eq!(UserId::parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn i1_a_name_has_1_to_128_bytes_and_a_media_id_256() {
    let media = |text: &str| MediaId::parse(text).map(drop);
    for (rule, max) in [(&verdict as &dyn Fn(&str) -> _, 128), (&media, 256)] {
        assert_eq!(rule(""), Err(InvalidName::Empty { max }));
        for len in [1, 2, max - 1, max] {
            assert_eq!(rule(&"x".repeat(len)), Ok(()), "{len}");
        }
        for len in [max + 1, max + 2, 10 * max, 1_000_000] {
            assert_eq!(rule(&"x".repeat(len)), Err(InvalidName::TooLong { len, max }));
        }
        // Bytes count, not characters: so many characters are four times as many bytes.
        let (characters, len) = ("\u{1f600}".repeat(max), 4 * max);
        assert_eq!(rule(&characters), Err(InvalidName::TooLong { len, max }));
        assert!(matches!(
            rule(&"\u{1f600}".repeat(max / 4)),
            Err(InvalidName::Character { at: 0, .. })
        ));
    }
}

#[test]
fn i2_two_names_are_equal_only_if_their_bytes_are() {
    // No character outside the alphabet is taken, so there is nothing to fold: not one that looks the same, is
    // composed the same, or is not seen at all.
    let taken: String = (0..=char::MAX as u32)
        .filter_map(char::from_u32)
        .filter(|c| UserId::parse(c.encode_utf8(&mut [0; 4])).is_ok())
        .collect();
    assert_eq!(
        taken,
        "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    );
    for text in [
        "é",
        "e\u{301}",
        "a\u{200d}b",
        "\u{202e}a",
        "\u{430}dmin",
        "bob.",
        "bob ",
        " bob",
        "ﬁ",
        "ｂob",
    ] {
        assert!(is_stranger(text), "{text:?}");
    }
    let names = ["bob", "Bob", "BOB", "b-ob", "b_ob", "bobb", "bo"].map(|text| UserId::parse(text).unwrap());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert_eq!(UserId::parse("bob").unwrap(), names[0]);
}

#[test]
fn i3_what_means_something_to_a_bus_is_in_no_name() {
    for sign in "\r\n\0\t .*>$#+/:,;|=\"'`".chars() {
        for text in [
            format!("{sign}"),
            format!("a{sign}b"),
            format!("a{sign}"),
            format!("{sign}a"),
        ] {
            assert!(is_stranger(&text), "{text:?}");
        }
    }
    // A media id may be a browser's device id, and so it may hold them: who leads it to a bus has to spell it anew.
    assert!(MediaId::parse("kq+/3Zz0Q8E0iX2u7V1h4A==").is_ok());
    assert!(["*", ">", "a.b", "$x"].iter().all(|text| MediaId::parse(text).is_ok()));
    assert!(
        ["a b", "a\n", "a\0", "a\tb"]
            .iter()
            .all(|text| MediaId::parse(text).is_err())
    );
}

#[test]
fn i4_no_name_leads_out_of_a_folder() {
    for text in [
        "..",
        ".",
        "../a",
        "a/../b",
        "%2e%2e",
        "C:",
        "C:\\a",
        "\\\\a",
        "/etc/passwd",
        "~",
        "a\0.txt",
    ] {
        assert!(is_stranger(text), "{text:?}");
    }
    // What a system reserves is a name, and 128 bytes fit every file system; a file needs an ending of its own.
    assert_eq!(verdict("con"), Ok(()));
    assert!(
        MediaId::parse("../../etc/passwd").is_ok(),
        "a media id is never a file name"
    );
}

#[test]
fn i5_an_error_shows_what_was_wrong_without_repeating_its_effect() {
    for sign in [
        '\u{1b}', '\r', '\n', '\0', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}',
    ] {
        let text = format!("a{sign}[31m");
        let errors = [UserId::parse(&text).map(drop), MediaId::parse(&text).map(drop)].map(Result::unwrap_err);
        let json = serde_json::to_string(&text).unwrap();
        let shown = serde_json::from_str::<UserId>(&json).unwrap_err().to_string();
        for shown in errors.map(|error| error.to_string()).into_iter().chain([shown]) {
            assert!(shown.contains('\\'), "{shown:?}");
            assert!(!shown.contains(sign), "{shown:?}");
        }
    }
}

#[test]
fn i6_nothing_that_a_name_can_hold_is_a_template() {
    for text in ["${jndi:ldap://a}", "%s%n", "{{7*7}}", "<b>", "'; --", "$(id)", "`id`"] {
        assert!(is_stranger(text), "{text:?}");
    }
    // A media id is kept as it is.
    assert_eq!(MediaId::parse("{{7*7}}%s%n").unwrap().to_string(), "{{7*7}}%s%n");
}

#[test]
fn i8_only_a_text_is_a_name_in_json() {
    for json in [
        "12",
        "null",
        "true",
        "[\"a\"]",
        "{\"a\":1}",
        "1.5",
        "9007199254740993",
        r#""\ud800""#,
        "\"a",
    ] {
        assert!(serde_json::from_str::<UserId>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<MediaId>(json).is_err(), "{json}");
    }
    assert_eq!(serde_json::from_str::<UserId>("\"\\u0061\"").unwrap().as_str(), "a");
}

#[test]
fn media_ids_take_device_ids_of_every_browser() {
    for text in ["default", "appdef_mic", "LocalCam_0", "kq+/3Zz0Q8E0iX2u7V1h4A=="] {
        assert!(MediaId::parse(text).is_ok(), "{text}");
    }
    assert!(MediaId::parse("é").is_err());
}
