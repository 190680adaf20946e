use std::{io, path::PathBuf};

use hst_id::AppId;
use thiserror::Error;

use crate::{DeveloperId, MAX_BANS, MAX_REVOCATIONS};

/// Why the store did not do what it was asked to do. Whatever it was, nothing of it was done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder or the file in it cannot be made or opened: check its name, its rights and the disk.
    #[error("cannot use {}: {source}", path.display())]
    Unusable {
        /// The folder or the file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A newer version of this program has written the database: use that version again.
    #[error("the database has version {found}, and this program knows those up to {known}: use the newer program")]
    Newer {
        /// The version of the database.
        found: usize,
        /// The newest version that is understood.
        known: usize,
    },
    /// The file is no database, or damaged, or holds what was never written by this program: take it away, and bring
    /// back a copy.
    #[error("the database is damaged ({detail}): put it aside, and bring back a copy of it")]
    Damaged {
        /// What was found.
        detail: String,
    },
    /// Another process is writing and does not come to an end. Try again.
    #[error("another process keeps the database busy: try again")]
    Busy,
    /// The disk is full, fails, or may not be written.
    #[error("the database cannot be read or written: {0}")]
    Disk(#[source] rusqlite::Error),
    /// There is no App with this id.
    #[error("there is no App {0}")]
    UnknownApp(AppId),
    /// There is no developer with this id.
    #[error("there is no developer {0}")]
    UnknownDeveloper(DeveloperId),
    /// The App has as many bans as it may have: lift some, or let its backend give no token to whom it keeps out.
    #[error("the App has {MAX_BANS} bans, and no more are kept: lift some")]
    TooManyBans,
    /// The App has as many revocations as it may have: revoke everyone's tokens that were made before a moment.
    #[error("the App has {MAX_REVOCATIONS} revocations, and no more are kept: revoke everyone's older tokens instead")]
    TooManyRevocations,
    /// The operating system gave no random number. Try again.
    #[error("the operating system gave no random number: try again")]
    NoRandomness,
    /// SQLite refused a statement of ours: a fault of this crate.
    #[error("SQLite refused a statement: {0}")]
    Statement(#[source] rusqlite::Error),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::NoRandomness)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{Error as E, ErrorCode as C};
        match (&error, error.sqlite_error_code()) {
            (_, Some(C::DatabaseBusy | C::DatabaseLocked)) => Self::Busy,
            (_, Some(C::DatabaseCorrupt | C::NotADatabase))
            | (E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::IntegralValueOutOfRange(..), _) => {
                Self::Damaged {
                    detail: error.to_string(),
                }
            }
            (_, Some(C::CannotOpen | C::DiskFull | C::PermissionDenied | C::ReadOnly | C::SystemIoFailure)) => {
                Self::Disk(error)
            }
            _ => Self::Statement(error),
        }
    }
}

/// Why something is no value of an App, a ban or a revocation. It never repeats a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// A text is too short or too long.
    #[error("has {len} {unit}: {min} to {max} are allowed")]
    Length {
        /// Its length.
        len: usize,
        /// The least that is allowed.
        min: usize,
        /// The most that is allowed.
        max: usize,
        /// What is counted: `characters` or `bytes`.
        unit: &'static str,
    },
    /// A text has a character that is not allowed.
    #[error("has a character that is not allowed: {allowed}")]
    Character {
        /// What is, in words.
        allowed: &'static str,
    },
    /// A number is too small or too large.
    #[error("{value} is not from {min} to {max}")]
    OutOfRange {
        /// The number.
        value: u32,
        /// The least that is allowed.
        min: u32,
        /// The most that is allowed.
        max: u32,
    },
    /// A number that is no service.
    #[error("{0} is no service: 3 video, 4 audio, 5 screen share, 6 messages, 7 presence, 8 record, 9 WeChat")]
    UnknownService(u8),
    /// Not the address of a webhook.
    #[error("a webhook's address begins with http:// or https:// and then names a host, without a user's name")]
    WebhookUrl,
}
