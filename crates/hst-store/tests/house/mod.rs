//! What these tests share.

#![allow(dead_code, reason = "each test binary uses its part")]

use hst_auth::UnixMillis;
use hst_store::{App, AppName, AppSettings, DeveloperId, FirstDeveloper, Store};

/// A moment like any other.
pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);

/// So many milliseconds after [`NOW`].
pub(crate) fn later(millis: u64) -> UnixMillis {
    UnixMillis::from_millis(NOW.as_millis() + millis)
}

pub(crate) fn developer(store: &Store) -> DeveloperId {
    let (FirstDeveloper::Created(developer) | FirstDeveloper::Known(developer)) = store.ensure_developer(NOW).unwrap();
    developer.id
}

pub(crate) fn settings(name: &str) -> AppSettings {
    AppSettings::new(AppName::parse(name).unwrap())
}

pub(crate) fn app(store: &Store, name: &str) -> App {
    store.create_app(&developer(store), settings(name), NOW).unwrap()
}
