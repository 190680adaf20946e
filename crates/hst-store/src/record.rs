use hst_auth::UnixMillis;
use hst_id::{AppId, GroupId, UserId};

use crate::{App, Ban, Developer, DeveloperId, Revocation, Until};

/// Something that all nodes of a platform know alike.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: a server must know every kind")]
pub enum Record {
    /// There is this developer.
    Developer(Developer),
    /// There is this App.
    App(App),
    /// There was this App. Its bans, its revocations and what it has consumed are gone with it.
    AppGone(AppId),
    /// A user of this App is kept out.
    Ban(AppId, Ban),
    /// A user of this App was kept out, of a group or of the whole App, and is so no more.
    BanGone(AppId, UserId, Option<GroupId>),
    /// Tokens of this App are taken back.
    Revoked(AppId, Revoked),
    /// A developer's backend may come in by this token.
    AccessToken(AccessToken),
}

/// Tokens that were taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Which.
    pub what: Revocation,
    /// Those that were issued before this moment.
    pub at: UnixMillis,
    /// When all of them have expired by themselves.
    pub expires: Until,
}

/// By what a developer's backend is known for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Whose backend.
    pub developer: DeveloperId,
    /// A digest of the token, which does not tell what it is.
    pub digest: String,
    /// Up to when.
    pub until: UnixMillis,
}

/// A record, and when it was changed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// Milliseconds since 1970, and always more than that of the same record before its last change. Of two versions of a
    /// record the one with the higher stamp counts; 0 is one from before there were stamps.
    pub stamp: u64,
    /// The record.
    pub record: Record,
}
