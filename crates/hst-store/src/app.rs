use hst_auth::UnixMillis;
use hst_id::AppId;

use crate::{AppSecrets, AppSettings, DeveloperId};

/// One App: an application that uses the platform, apart from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its App ID: 32 lower-case hexadecimal digits, made when it was created.
    pub id: AppId,
    /// Whose it is.
    pub owner: DeveloperId,
    /// What its tokens are made with.
    pub secrets: AppSecrets,
    /// What may be changed about it.
    pub settings: AppSettings,
    /// When it was created.
    pub created_at: UnixMillis,
}
