//! Where records stand in the directory.

use hst_cluster::{Key, Prefix};
use hst_id::{AppId, GroupId, UserId};
use hst_store::{DeveloperId, Record, Revocation};

use crate::sessions::Secret;

/// What all of them lie beneath.
pub(crate) fn all() -> Prefix {
    floor().beneath()
}

/// Where a record stands. It stands there also when it says that something is gone.
pub(crate) fn of(record: &Record) -> Key {
    match record {
        Record::Developer(developer) => of_developer(&developer.id),
        Record::App(app) => of_app(&app.id),
        Record::AppGone(app) => of_app(app),
        Record::Ban(app, ban) => of_ban(app, &ban.user, ban.group.as_ref()),
        Record::BanGone(app, user, group) => of_ban(app, user, group.as_ref()),
        Record::Revoked(app, revoked) => of_revocation(app, &revoked.what),
        Record::AccessToken(token) => of_access_token(&token.developer),
    }
}

pub(crate) fn of_developer(developer: &DeveloperId) -> Key {
    floor_of("developer").with(&part(developer))
}

pub(crate) fn of_app(app: &AppId) -> Key {
    floor_of("app").with(app)
}

pub(crate) fn of_ban(app: &AppId, user: &UserId, group: Option<&GroupId>) -> Key {
    let from_app = floor_of("ban").with(app).with(user);
    group.map_or_else(|| from_app.clone(), |group| from_app.with(group))
}

/// Of whomever, from wherever in the App.
pub(crate) fn bans_of(app: &AppId) -> Prefix {
    floor_of("ban").with(app).beneath()
}

pub(crate) fn of_revocation(app: &AppId, what: &Revocation) -> Key {
    let of_app = floor_of("revocation").with(app);
    match what {
        Revocation::Everyone => of_app.with(&word("everyone")),
        Revocation::User(user) => of_app.with(&word("user")).with(user),
        // Its name may hold anything, and may be too long for a key.
        Revocation::Token(id) => of_app.with(&word("token")).with(&word(&Secret::proof_of(id.as_str()))),
    }
}

pub(crate) fn revocations_of(app: &AppId) -> Prefix {
    floor_of("revocation").with(app).beneath()
}

pub(crate) fn of_access_token(developer: &DeveloperId) -> Key {
    floor_of("access").with(&part(developer))
}

pub(crate) fn access_tokens() -> Prefix {
    floor_of("access").beneath()
}

/// Who makes the first developer: apart from the records, because it is none.
pub(crate) fn of_first_developer() -> Key {
    Key::parse("first-developer").expect("letters are a part")
}

fn floor() -> Key {
    Key::parse("kept").expect("letters are a part")
}

fn floor_of(kind: &str) -> Key {
    floor().with(&word(kind))
}

fn part(developer: &DeveloperId) -> AppId {
    word(developer.as_str())
}

/// A part of a key: the rule for parts is that of App IDs.
fn word(text: &str) -> AppId {
    AppId::parse(text).expect("letters and digits are a part")
}
