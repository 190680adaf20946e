//! Revocations that outlive the program.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use house::{NOW, app, later};
use hst_auth::{AppId, UnixMillis, UserId};
use hst_store::{MAX_REVOCATIONS, Revocation, Revocations, Store, StoreError, TokenId, Until};

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn earlier(millis: u64) -> UnixMillis {
    UnixMillis::from_millis(NOW.as_millis() - millis)
}

fn token(id: &str) -> Revocation {
    Revocation::Token(TokenId::parse(id).unwrap())
}

/// An App of a configuration file: it is not in the store.
fn configured() -> AppId {
    AppId::parse("configured").unwrap()
}

#[test]
fn t11_what_is_revoked_is_so_after_a_restart_and_for_no_other_app() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Store::open(folder.path()).unwrap();
        store.revoke(&configured(), &token("jti"), NOW, Until::Forever).unwrap();
        store
            .revoke(&configured(), &Revocation::User(user("ann")), NOW, Until::Forever)
            .unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    let revocations = store.revocations(&configured()).unwrap();
    assert!(revocations.covers(Some("jti"), &user("bob"), Some(later(1))));
    assert!(revocations.covers(None, &user("ann"), Some(earlier(1))));
    assert!(!revocations.covers(None, &user("ann"), Some(NOW)));
    assert!(!revocations.covers(None, &user("bob"), None));
    assert_eq!(
        store.revocations(&AppId::parse("other").unwrap()).unwrap(),
        Revocations::new()
    );
}

#[test]
fn t11_the_clock_of_the_server_moved_either_way_changes_nothing() {
    // The same moment of revocation, told by servers whose clocks stand anywhere at the time of asking: there is no
    // present time to ask with, so only a purge could know it, and it takes nothing whose end has not come.
    let store = Store::in_memory().unwrap();
    store
        .revoke(&configured(), &Revocation::Everyone, NOW, Until::Moment(later(1000)))
        .unwrap();
    for clock in [UnixMillis::from_millis(0), earlier(1), NOW, later(999)] {
        store.purge_revocations(clock).unwrap();
        let revocations = store.revocations(&configured()).unwrap();
        assert!(revocations.covers(None, &user("ann"), Some(earlier(1))), "{clock}");
        assert!(!revocations.covers(None, &user("ann"), Some(NOW)), "{clock}");
    }
}

#[test]
fn t11_revoking_again_with_a_clock_set_back_keeps_the_later_moment_and_the_later_end() {
    let store = Store::in_memory().unwrap();
    let what = Revocation::User(user("ann"));
    store
        .revoke(&configured(), &what, NOW, Until::Moment(later(1000)))
        .unwrap();
    store
        .revoke(&configured(), &what, earlier(500), Until::Moment(later(10)))
        .unwrap();
    assert_eq!(store.purge_revocations(later(999)).unwrap(), 0);
    let revocations = store.revocations(&configured()).unwrap();
    assert!(revocations.covers(None, &user("ann"), Some(earlier(1))));
}

#[test]
fn a_purge_takes_what_has_expired_and_nothing_else() {
    let store = Store::in_memory().unwrap();
    for (id, expires) in [
        ("over", Until::Moment(NOW)),
        ("not yet", Until::Moment(later(1))),
        ("never", Until::Forever),
        ("far away", Until::Moment(UnixMillis::from_millis(u64::MAX))),
    ] {
        store.revoke(&configured(), &token(id), NOW, expires).unwrap();
    }
    let dead = |id: &str| {
        store
            .revocations(&configured())
            .unwrap()
            .covers(Some(id), &user("ann"), None)
    };
    assert!(dead("over"), "until somebody purges");
    assert_eq!(store.purge_revocations(NOW).unwrap(), 1);
    assert_eq!(
        ["over", "not yet", "never", "far away"].map(dead),
        [false, true, true, true]
    );
    assert_eq!(store.purge_revocations(later(1)).unwrap(), 1);
    assert_eq!(store.purge_revocations(UnixMillis::from_millis(u64::MAX)).unwrap(), 0);
}

#[test]
fn token_ids_are_bytes_and_never_statements() {
    let store = Store::in_memory().unwrap();
    let longest = "é".repeat(64);
    let ids = [
        "' OR '1'='1",
        "'); DROP TABLE revocation; --",
        "a\0b",
        "a",
        "%",
        "\u{1b}[31m\r\n",
        "A",
        &longest,
    ];
    for id in ids {
        store.revoke(&configured(), &token(id), NOW, Until::Forever).unwrap();
    }
    let revocations = store.revocations(&configured()).unwrap();
    assert!(ids.iter().all(|id| revocations.covers(Some(id), &user("ann"), None)));
    for other in ["", "a\0", "a\0c", "b", "1"] {
        assert!(!revocations.covers(Some(other), &user("ann"), None), "{other:?}");
    }
    for text in ["", &"x".repeat(129)] {
        assert!(TokenId::parse(text).is_err());
    }
}

#[test]
fn a_deleted_app_leaves_no_revocation() {
    let store = Store::in_memory().unwrap();
    let app = app(&store, "app").id;
    store.revoke(&app, &Revocation::Everyone, NOW, Until::Forever).unwrap();
    store
        .revoke(&configured(), &Revocation::Everyone, NOW, Until::Forever)
        .unwrap();
    store.delete_app(&app).unwrap();
    assert_eq!(store.revocations(&app).unwrap(), Revocations::new());
    assert_ne!(store.revocations(&configured()).unwrap(), Revocations::new());
}

#[test]
fn an_app_has_so_many_revocations_and_one_of_everyone_makes_room() {
    let store = Store::in_memory().unwrap();
    let revoke = |what: &Revocation| store.revoke(&configured(), what, NOW, Until::Forever);
    let numbered = |n: u32| Revocation::User(user(&format!("user-{n}")));
    for n in 0..MAX_REVOCATIONS {
        revoke(&numbered(n)).unwrap();
    }
    for one_more in [numbered(MAX_REVOCATIONS), token("jti")] {
        assert!(matches!(revoke(&one_more), Err(StoreError::TooManyRevocations)));
    }
    revoke(&numbered(0)).unwrap();
    let other = AppId::parse("other").unwrap();
    store.revoke(&other, &token("jti"), NOW, Until::Forever).unwrap();
    // Of a moment before them it covers none of them.
    store
        .revoke(&configured(), &Revocation::Everyone, earlier(1), Until::Forever)
        .unwrap();
    assert!(revoke(&token("jti")).is_err());
    revoke(&Revocation::Everyone).unwrap();
    revoke(&token("jti")).unwrap();
    let revocations = store.revocations(&configured()).unwrap();
    assert!(revocations.covers(None, &user("user-7"), Some(earlier(1))));
}
