//! Apps and their developers.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use std::collections::HashSet;

use house::{NOW, app, developer, later, settings};
use hst_auth::AppId;
use hst_store::{
    AppName, AppSettings, Bounded, DeveloperId, Devices, FirstDeveloper, Limits, LoginPolicy, Service, Services, Store,
    StoreError, TokenRules, Webhook, WebhookSecret, WebhookUrl,
};

const WEBHOOK_SECRET: &str = "';DROP/**/TABLE/**/app;--";

/// Nothing as it is by default.
fn unusual() -> AppSettings {
    let mut services = Services::none();
    services.enable(Service::Messages, Some(u32::MAX));
    services.enable(Service::WeChat, None);
    AppSettings {
        name: AppName::parse("会议 2 - Vidéo_x").unwrap(),
        online: true,
        tokens: TokenRules {
            accepts_001: false,
            accepts_jwt: false,
            bind_001_names: true,
        },
        services,
        login: LoginPolicy::Devices(Devices::new(16).unwrap()),
        limits: Limits {
            max_members: Bounded::new(u32::MAX).unwrap(),
            message_bytes: Bounded::new(65_536).unwrap(),
            history: Bounded::new(1_000).unwrap(),
        },
        consumption_limit: Some(0),
        webhook: Some(Webhook {
            url: WebhookUrl::parse("https://example.org/hook?a=');DELETE/**/FROM/**/app;--").unwrap(),
            secret: WebhookSecret::parse(WEBHOOK_SECRET).unwrap(),
        }),
    }
}

fn nobody() -> AppId {
    AppId::parse("nobody").unwrap()
}

#[test]
fn an_app_reads_back_as_it_was_created() {
    let store = Store::in_memory().unwrap();
    for settings in [settings("plain"), unusual()] {
        let created = store
            .create_app(&developer(&store), settings.clone(), later(5))
            .unwrap();
        assert_eq!(created.settings, settings);
        assert_eq!(created.created_at, later(5));
        assert_eq!(store.app(&created.id).unwrap(), Some(created));
    }
    assert_eq!(store.app(&nobody()).unwrap(), None);
}

#[test]
fn a_change_is_answered_and_kept_and_touches_no_other_app() {
    let store = Store::in_memory().unwrap();
    let (changed, other) = (app(&store, "changed"), app(&store, "other"));
    let answer = store.change_app(&changed.id, |settings| *settings = unusual()).unwrap();
    assert_eq!(answer.settings, unusual());
    assert_eq!((&answer.secrets, &answer.owner), (&changed.secrets, &changed.owner));
    assert_eq!(store.app(&changed.id).unwrap(), Some(answer));
    assert_eq!(store.app(&other.id).unwrap(), Some(other));

    let plain = store
        .change_app(&changed.id, |settings| *settings = changed.settings.clone())
        .unwrap();
    assert_eq!(plain, changed, "and back, webhook and services too");
}

#[test]
fn a_deleted_app_is_gone_and_no_other() {
    let store = Store::in_memory().unwrap();
    let (gone, other) = (app(&store, "gone"), app(&store, "other"));
    store.delete_app(&gone.id).unwrap();
    assert_eq!(store.app(&gone.id).unwrap(), None);
    assert_eq!(store.apps(None, 10).unwrap(), [other]);
}

#[test]
fn who_is_not_there_is_named() {
    let store = Store::in_memory().unwrap();
    let errors = [
        store.change_app(&nobody(), |_| {}).map(drop),
        store.delete_app(&nobody()),
        store.rotate_secret(&nobody(), std::time::Duration::ZERO, NOW).map(drop),
        store.drop_previous_secret(&nobody()).map(drop),
    ];
    for error in errors {
        assert!(matches!(error, Err(StoreError::UnknownApp(app)) if app == nobody()));
    }
    let stranger = DeveloperId::parse(&"0".repeat(32)).unwrap();
    let error = store.create_app(&stranger, settings("a"), NOW);
    assert!(matches!(error, Err(StoreError::UnknownDeveloper(id)) if id == stranger));
}

#[test]
fn a_thousand_apps_come_in_pages_each_once_and_sorted() {
    let store = Store::in_memory().unwrap();
    let created: HashSet<AppId> = (0..1000).map(|n| app(&store, &format!("App {n}")).id).collect();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.apps(after.as_ref(), 64).unwrap();
        listed.extend(page.iter().map(|app| app.id.clone()));
        if page.len() < 64 {
            break;
        }
        after = page.last().map(|app| app.id.clone());
    }
    assert!(listed.is_sorted());
    assert_eq!(listed.len(), 1000);
    assert_eq!(listed.into_iter().collect::<HashSet<_>>(), created);
    assert_eq!(store.apps(None, 0).unwrap(), []);
}

#[test]
fn a_change_that_panics_has_not_happened_and_the_store_works_on() {
    let store = Store::in_memory().unwrap();
    let app = app(&store, "app");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.change_app(&app.id, |settings| {
            settings.online = true;
            panic!("in the middle of a change");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(store.app(&app.id).unwrap(), Some(app));
    store.ensure_developer(NOW).unwrap();
}

#[test]
fn the_first_start_creates_a_developer_and_no_other_does() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.developers().unwrap(), []);
    let FirstDeveloper::Created(first) = store.ensure_developer(NOW).unwrap() else {
        panic!("there was none before");
    };
    let second = store.create_developer(later(1)).unwrap();
    assert_eq!(
        store.ensure_developer(later(2)).unwrap(),
        FirstDeveloper::Known(first.clone())
    );
    assert_eq!(store.developers().unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.developer(&second.id).unwrap(), Some(second));
    let stranger = DeveloperId::parse(&"0".repeat(32)).unwrap();
    assert_eq!(store.developer(&stranger).unwrap(), None);
    assert!(
        AppId::parse(first.id.as_str()).is_ok(),
        "its tokens carry it where an App's carry the App ID"
    );
}

#[test]
fn nothing_of_an_app_or_a_developer_shows_a_secret() {
    let store = Store::in_memory().unwrap();
    let created = store.create_app(&developer(&store), unusual(), NOW).unwrap();
    let app = store
        .rotate_secret(&created.id, std::time::Duration::from_secs(1), NOW)
        .unwrap();
    let developer = store.developer(&app.owner).unwrap().unwrap();
    let shown = format!("{app:?} {developer:?} {store:?}");
    for secret in [&created.secrets, &app.secrets].map(|secrets| secrets.current().reveal()) {
        assert!(!shown.contains(secret));
    }
    assert!(!shown.contains(developer.secret.reveal()) && !shown.contains(WEBHOOK_SECRET));
}
