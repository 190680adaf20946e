//! Bans from an App and from its groups.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use house::{NOW, app, later};
use hst_auth::{AppId, GroupId, UnixMillis, UserId};
use hst_store::{Ban, BanReason, MAX_BANS, Store, StoreError, Until};

fn configured() -> AppId {
    AppId::parse("configured").unwrap()
}

fn group(name: &str) -> GroupId {
    GroupId::parse(name).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn ban(from: Option<&str>, who: &str, until: Until) -> Ban {
    Ban {
        user: user(who),
        group: from.map(group),
        until,
        reason: BanReason::parse("spoke of himself").unwrap(),
    }
}

fn is_banned(store: &Store, from: Option<&str>, who: &str, now: UnixMillis) -> bool {
    let from = from.map(group);
    store.is_banned(&configured(), from.as_ref(), &user(who), now).unwrap()
}

#[test]
fn a_ban_from_a_group_is_for_that_group_and_one_from_the_app_for_all() {
    let store = Store::in_memory().unwrap();
    store
        .ban(&configured(), &ban(Some("a"), "ann", Until::Forever), NOW)
        .unwrap();
    store
        .ban(&configured(), &ban(None, "bob", Until::Forever), NOW)
        .unwrap();
    let banned = |from, who| is_banned(&store, from, who, NOW);
    assert_eq!(
        [Some("a"), Some("b"), None].map(|from| banned(from, "ann")),
        [true, false, false]
    );
    assert_eq!(
        [Some("a"), Some("b"), None].map(|from| banned(from, "bob")),
        [true, true, true]
    );
    assert!(!banned(Some("a"), "Ann") && !banned(None, "eve"));
    let other = AppId::parse("other").unwrap();
    assert!(!store.is_banned(&other, None, &user("bob"), NOW).unwrap());
}

#[test]
fn a_ban_ends_at_its_moment() {
    let store = Store::in_memory().unwrap();
    store
        .ban(&configured(), &ban(None, "ann", Until::Moment(later(10))), NOW)
        .unwrap();
    assert!(is_banned(&store, None, "ann", later(9)));
    assert!(!is_banned(&store, None, "ann", later(10)));
    assert_eq!(store.bans(&configured(), later(9)).unwrap().len(), 1);
    assert_eq!(store.bans(&configured(), later(10)).unwrap(), []);
}

#[test]
fn the_last_word_about_a_user_and_a_place_counts() {
    let store = Store::in_memory().unwrap();
    store
        .ban(&configured(), &ban(None, "ann", Until::Forever), NOW)
        .unwrap();
    let shorter = ban(None, "ann", Until::Moment(later(10)));
    store.ban(&configured(), &shorter, NOW).unwrap();
    assert_eq!(store.bans(&configured(), NOW).unwrap(), [shorter]);

    assert!(
        !store.unban(&configured(), Some(&group("a")), &user("ann")).unwrap(),
        "another place"
    );
    assert!(store.unban(&configured(), None, &user("ann")).unwrap());
    assert!(
        !store.unban(&configured(), None, &user("ann")).unwrap(),
        "there is none any more"
    );
    assert!(!is_banned(&store, None, "ann", NOW));
}

#[test]
fn a_purge_takes_what_is_over_and_nothing_else() {
    let store = Store::in_memory().unwrap();
    let bans = [
        ban(None, "ann", Until::Moment(NOW)),
        ban(Some("a"), "ann", Until::Moment(later(1))),
        ban(None, "bob", Until::Forever),
    ];
    for ban in &bans {
        store.ban(&configured(), ban, NOW).unwrap();
    }
    assert_eq!(store.purge_bans(NOW).unwrap(), 1);
    assert_eq!(
        store.bans(&configured(), UnixMillis::from_millis(0)).unwrap(),
        bans[1..]
    );
}

#[test]
fn an_app_has_so_many_bans_and_each_that_ends_makes_room() {
    let store = Store::in_memory().unwrap();
    let numbered = |n: u32| ban(None, &format!("user-{n}"), Until::Moment(later(10)));
    for n in 0..MAX_BANS {
        store.ban(&configured(), &numbered(n), NOW).unwrap();
    }
    let one_more = |now| store.ban(&configured(), &numbered(MAX_BANS), now);
    assert!(matches!(one_more(NOW), Err(StoreError::TooManyBans)));
    assert!(!is_banned(&store, None, &format!("user-{MAX_BANS}"), NOW));
    store.ban(&configured(), &numbered(0), NOW).unwrap();
    store.ban(&AppId::parse("other").unwrap(), &numbered(0), NOW).unwrap();
    store.unban(&configured(), None, &user("user-7")).unwrap();
    one_more(NOW).unwrap();
    assert!(matches!(
        store.ban(&configured(), &numbered(7), NOW),
        Err(StoreError::TooManyBans)
    ));
    store.ban(&configured(), &numbered(7), later(10)).unwrap();
}

#[test]
fn a_reason_is_text_and_never_a_statement() {
    let store = Store::in_memory().unwrap();
    for reason in ["", "'); DELETE FROM ban; --", "骂人 😀", &"会".repeat(256)] {
        let ban = Ban {
            reason: BanReason::parse(reason).unwrap(),
            ..ban(None, "ann", Until::Forever)
        };
        store.ban(&configured(), &ban, NOW).unwrap();
        assert_eq!(store.bans(&configured(), NOW).unwrap(), [ban]);
    }
    for reason in ["a\0", "a\nb", "\u{1b}[31m", "\u{7f}", "\u{9b}", &"x".repeat(257)] {
        assert!(BanReason::parse(reason).is_err(), "{reason:?}");
    }
}

#[test]
fn a_deleted_app_leaves_no_ban() {
    let store = Store::in_memory().unwrap();
    let app = app(&store, "app").id;
    store.ban(&app, &ban(None, "ann", Until::Forever), NOW).unwrap();
    store.delete_app(&app).unwrap();
    assert_eq!(store.bans(&app, NOW).unwrap(), []);
}
