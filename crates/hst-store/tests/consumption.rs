//! What was consumed.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use std::time::Duration;

use house::{NOW, app, later};
use hst_auth::{AppId, UnixMillis};
use hst_store::{Consumption, Day, Service, Store};

const DAY: u64 = 86_400_000;

fn configured() -> AppId {
    AppId::parse("configured").unwrap()
}

fn used(app: &AppId, at: UnixMillis, service: Service, seconds: u64) -> Consumption {
    Consumption {
        app: app.clone(),
        day: Day::of(at),
        service,
        time: Duration::from_secs(seconds),
    }
}

#[test]
fn a_day_is_one_of_utc() {
    let day = Day::of(UnixMillis::from_millis(DAY));
    assert_eq!(day, Day::of(UnixMillis::from_millis(2 * DAY - 1)));
    assert_eq!((day.begin().as_millis(), day.end().as_millis()), (DAY, 2 * DAY));
    let last = Day::of(UnixMillis::from_millis(u64::MAX));
    assert!(last.begin() < last.end());
}

#[test]
fn what_is_used_on_one_day_is_added_up_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let app = configured();
    let store = Store::open(folder.path()).unwrap();
    store.consume(&[used(&app, NOW, Service::Video, 5)]).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    store
        .consume(&[
            used(&app, NOW, Service::Audio, 3),
            used(&app, NOW, Service::Video, 2),
            used(&app, later(DAY), Service::Video, 1),
        ])
        .unwrap();
    let first = [used(&app, NOW, Service::Video, 7), used(&app, NOW, Service::Audio, 3)];
    let days = Day::of(NOW)..=Day::of(NOW);
    assert_eq!(
        store.consumption(std::slice::from_ref(&app), days, 0, 100).unwrap(),
        first
    );
    let both = Day::of(NOW)..=Day::of(later(DAY));
    assert_eq!(store.consumption(&[app], both, 0, 100).unwrap().len(), 3);
}

#[test]
fn a_page_goes_over_the_apps_that_are_asked_for_and_no_others() {
    let store = Store::in_memory().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|id| AppId::parse(id).unwrap());
    for app in [&a, &b, &c] {
        store
            .consume(&[
                used(app, NOW, Service::Video, 1),
                used(app, later(DAY), Service::Audio, 2),
            ])
            .unwrap();
    }
    let all = Day::of(NOW)..=Day::of(later(DAY));
    let page = |offset, limit| {
        let found = store.consumption(&[a.clone(), c.clone()], all.clone(), offset, limit);
        found
            .unwrap()
            .into_iter()
            .map(|it| (it.app, it.service))
            .collect::<Vec<_>>()
    };
    let [a, c] = [&a, &c].map(|app| [Service::Video, Service::Audio].map(|service| (app.clone(), service)));
    assert_eq!(page(0, 3), [a[0].clone(), a[1].clone(), c[0].clone()]);
    assert_eq!(page(3, 3), [c[1].clone()]);
    assert!(page(4, 3).is_empty() && page(0, 0).is_empty() && page(usize::MAX, 3).is_empty());
}

#[test]
fn it_goes_with_its_app() {
    let store = Store::in_memory().unwrap();
    let app = app(&store, "demo").id;
    store.consume(&[used(&app, NOW, Service::Video, 1)]).unwrap();
    store.delete_app(&app).unwrap();
    let days = Day::of(NOW)..=Day::of(NOW);
    assert_eq!(store.consumption(&[app], days, 0, 1).unwrap(), []);
}
