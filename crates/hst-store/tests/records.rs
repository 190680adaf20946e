//! What all nodes of a platform know alike.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use house::{NOW, later, settings};
use hst_auth::{AppId, GroupId, UserId};
use hst_store::{
    AccessToken, App, Ban, BanReason, Consumption, Day, Developer, Record, Revocation, Revoked, Service, Stamped,
    Store, Until,
};

fn stamped(stamp: u64, record: Record) -> Stamped {
    Stamped { stamp, record }
}

fn ban(user: &str, group: Option<&str>) -> Ban {
    Ban {
        user: UserId::parse(user).unwrap(),
        group: group.map(|group| GroupId::parse(group).unwrap()),
        until: Until::Forever,
        reason: BanReason::parse("spam").unwrap(),
    }
}

fn revoked(what: Revocation) -> Revoked {
    Revoked {
        what,
        at: NOW,
        expires: Until::Moment(later(5)),
    }
}

fn sorted(mut records: Vec<Stamped>) -> Vec<Stamped> {
    records.sort_by_key(|stamped| format!("{:?}", stamped.record));
    records
}

/// One of each kind.
fn all() -> Vec<Stamped> {
    let developer = Developer::new(NOW).unwrap();
    let app = App::new(developer.id.clone(), settings("one"), NOW).unwrap();
    let gone = App::new(developer.id.clone(), settings("two"), NOW).unwrap();
    let id = app.id.clone();
    let records = [
        // Before its owner.
        Record::App(app.with_new_secret(std::time::Duration::from_secs(1), NOW).unwrap()),
        Record::AppGone(gone.id),
        Record::Ban(id.clone(), ban("ann", None)),
        Record::Ban(id.clone(), ban("ann", Some("g"))),
        Record::BanGone(id.clone(), UserId::parse("bob").unwrap(), None),
        Record::BanGone(
            id.clone(),
            UserId::parse("bob").unwrap(),
            Some(GroupId::parse("g").unwrap()),
        ),
        Record::Revoked(id.clone(), revoked(Revocation::Token("j t i".parse().unwrap()))),
        Record::Revoked(id.clone(), revoked(Revocation::User(UserId::parse("ann").unwrap()))),
        Record::Revoked(id, revoked(Revocation::Everyone)),
        Record::AccessToken(AccessToken {
            developer: developer.id.clone(),
            digest: "ab".repeat(32),
            until: later(7),
        }),
        Record::Developer(developer),
    ];
    records
        .into_iter()
        .zip(1..)
        .map(|(record, stamp)| stamped(stamp, record))
        .collect()
}

#[test]
fn records_read_back_as_they_were_kept_also_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let kept = all();
    Store::open(folder.path()).unwrap().keep(&kept, &[]).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(sorted(store.records().unwrap()), sorted(kept.clone()));
    // And as the rest of the database's calls see them.
    let Record::App(app) = &kept[0].record else {
        unreachable!("it is the first")
    };
    assert_eq!(store.app(&app.id).unwrap().as_ref(), Some(app));
    assert_eq!(
        store.bans(&app.id, NOW).unwrap(),
        [ban("ann", None), ban("ann", Some("g"))]
    );

    let all: Vec<_> = kept.into_iter().map(|stamped| stamped.record).collect();
    store.keep(&[], &all).unwrap();
    assert_eq!(store.records().unwrap(), []);
}

#[test]
fn what_is_gone_takes_the_place_of_what_was_and_the_other_way_round() {
    let store = Store::in_memory().unwrap();
    let (app, user) = (AppId::parse("app").unwrap(), UserId::parse("ann").unwrap());
    let versions = [
        Record::Ban(app.clone(), ban("ann", None)),
        Record::BanGone(app.clone(), user, None),
        Record::Ban(app, ban("ann", None)),
    ];
    for (record, stamp) in versions.into_iter().zip(1..) {
        let version = stamped(stamp, record);
        store.keep(std::slice::from_ref(&version), &[]).unwrap();
        assert_eq!(store.records().unwrap(), [version]);
    }
}

#[test]
fn an_app_that_is_gone_takes_along_all_that_is_known_of_it() {
    let store = Store::in_memory().unwrap();
    let kept = all();
    store.keep(&kept, &[]).unwrap();
    let Record::App(app) = &kept[0].record else {
        unreachable!("it is the first")
    };
    let used = Consumption {
        app: app.id.clone(),
        day: Day::of(NOW),
        service: Service::Audio,
        time: std::time::Duration::from_secs(1),
    };
    store.consume(&[used]).unwrap();
    let gone = stamped(100, Record::AppGone(app.id.clone()));
    store.keep(std::slice::from_ref(&gone), &[]).unwrap();
    let rest = store.records().unwrap();
    assert_eq!(
        rest.len(),
        4,
        "the developer, his token, the other App's trace and this one's: {rest:?}"
    );
    assert!(rest.contains(&gone));
    let days = Day::of(NOW)..=Day::of(NOW);
    assert_eq!(
        store.consumption(std::slice::from_ref(&app.id), days, 0, 9).unwrap(),
        []
    );
}

#[test]
fn what_one_server_alone_has_written_has_no_stamp() {
    let store = Store::in_memory().unwrap();
    let app = house::app(&store, "app");
    store.ban(&app.id, &ban("ann", None), NOW).unwrap();
    let records = store.records().unwrap();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|stamped| stamped.stamp == 0));
}

#[test]
fn when_it_was_current_is_remembered_until_its_server_is_alone() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.agreed_at().unwrap(), None);
    for at in [NOW, later(1)] {
        store.set_agreed(Some(at)).unwrap();
        assert_eq!(store.agreed_at().unwrap(), Some(at));
    }
    store.set_agreed(None).unwrap();
    assert_eq!(store.agreed_at().unwrap(), None);
}
