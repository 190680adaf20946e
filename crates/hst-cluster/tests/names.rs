//! Names of users become parts of keys and subjects. None of them can mean more than itself there.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use hst_cluster::{Key, Subject};
use hst_id::{AppId, GroupId, TerminalType, UserId};
use proptest::prelude::*;

/// Short and of few letters, so that equal ones, and equal ones with the border elsewhere, are common.
const NAME: &str = "[a0_-]{1,3}";
const LONG_NAME: &str = "[A-Za-z0-9_-]{1,128}";

type Names = (String, String, String);

fn names() -> impl Strategy<Value = Names> {
    prop_oneof![(NAME, NAME, NAME), (LONG_NAME, LONG_NAME, LONG_NAME)]
}

fn key((app, user, terminal): &Names) -> Key {
    Key::login(
        &AppId::parse(app).unwrap(),
        &UserId::parse(user).unwrap(),
        &TerminalType::parse(terminal).unwrap(),
    )
}

fn subject((app, user, group): &Names) -> Subject {
    let root = Subject::parse("group").unwrap();
    root.with(&AppId::parse(app).unwrap())
        .with(&UserId::parse(user).unwrap())
        .with(&GroupId::parse(group).unwrap())
}

proptest! {
    #[test]
    fn i3_subjects_are_equal_only_if_their_names_are(a in names(), b in names()) {
        prop_assert_eq!(subject(&a) == subject(&b), a == b);
        prop_assert_eq!(key(&a) == key(&b), a == b);
        prop_assert_eq!(subject(&a).as_str() == subject(&b).as_str(), a == b);
    }

    #[test]
    fn i3_no_text_brings_a_wildcard_a_blank_or_a_control_character(text in ".{0,40}|[a.*> \\r\\n\\t\0$]{0,12}") {
        for parsed in [Key::parse(&text).map(|key| key.to_string()), Subject::parse(&text).map(|s| s.to_string())] {
            match parsed {
                Ok(parsed) => {
                    prop_assert_eq!(&parsed, &text);
                    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
                    prop_assert!(text.split('.').all(is_part), "{:?}", text);
                }
                Err(error) => prop_assert!(error.part <= text.matches('.').count()),
            }
        }
    }

    #[test]
    fn i3_what_is_beneath_one_name_is_beneath_no_other(a in names(), b in names()) {
        let (a_place, b_place) = (subject(&a).with(&0), subject(&b).with(&0));
        let beneath_a = subject(&a).beneath();
        prop_assert!(a_place.as_str().starts_with(beneath_a.as_str()));
        prop_assert_eq!(b_place.as_str().starts_with(beneath_a.as_str()), a == b);
    }

    #[test]
    fn what_was_joined_can_be_read_again(names in names()) {
        let key = key(&names);
        prop_assert_eq!(Key::parse(key.as_str()), Ok(key));
    }
}
