use std::time::Duration;

use hst_auth::UnixMillis;
use hst_id::AppId;

use crate::{AppSecrets, AppSettings, DeveloperId, StoreError, random};

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

impl App {
    /// One with an id and a secret of its own, which is nowhere yet.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`].
    pub fn new(owner: DeveloperId, settings: AppSettings, now: UnixMillis) -> Result<Self, StoreError> {
        Ok(Self {
            id: AppId::parse(&random::id()?).expect("hexadecimal digits keep the rule of App IDs"),
            owner,
            secrets: AppSecrets::new(random::secret()?),
            settings,
            created_at: now,
        })
    }

    /// The same with a new secret. The present one stays valid for `keep_previous_for`, so that for a while there are two; a
    /// secret before that is valid no more, even if its time was not over.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`].
    pub fn with_new_secret(self, keep_previous_for: Duration, now: UnixMillis) -> Result<Self, StoreError> {
        let next = random::secret()?;
        Ok(Self {
            secrets: self.secrets.rotated(next, keep_previous_for, now),
            ..self
        })
    }

    /// The same, and the secret before the present one is valid no more.
    #[must_use]
    pub fn without_previous_secret(self) -> Self {
        Self {
            secrets: self.secrets.without_previous(),
            ..self
        }
    }
}
