use hst_auth::{AppKeys, Claims, KeyRing, TokenError, TokenVerifier, UnixMillis};
use hst_id::AppId;
use hst_store::{AppSecrets, AppSettings, Ban, DeveloperId, Revocations, Store, StoreError};

use crate::App;

/// One App, with all that a login has to know of it.
#[derive(Debug)]
pub(crate) struct AppEntry {
    pub(crate) id: AppId,
    /// `None` for an App of the configuration.
    pub(crate) owner: Option<DeveloperId>,
    /// Whether it is from the configuration, and so cannot be changed.
    pub(crate) is_fixed: bool,
    pub(crate) secrets: AppSecrets,
    pub(crate) settings: AppSettings,
    pub(crate) revocations: Revocations,
    pub(crate) bans: Vec<Ban>,
    current: KeyRing,
    /// What the secret before opens, and until when.
    previous: Option<(KeyRing, UnixMillis)>,
}

impl AppEntry {
    pub(crate) fn stored(app: hst_store::App, store: &Store, now: UnixMillis) -> Result<Self, StoreError> {
        let hst_store::App {
            id,
            owner,
            secrets,
            settings,
            ..
        } = app;
        Self::new(id, Some(owner), secrets, settings, store, now)
    }

    pub(crate) fn configured(app: App, store: &Store, now: UnixMillis) -> Result<Self, StoreError> {
        let App { id, secrets, settings } = app;
        Self::new(id, None, secrets, settings, store, now)
    }

    /// The same App with the revocations and bans of now.
    pub(crate) fn reloaded(&self, store: &Store, now: UnixMillis) -> Result<Self, StoreError> {
        let (secrets, settings) = (self.secrets.clone(), self.settings.clone());
        Self::new(self.id.clone(), self.owner.clone(), secrets, settings, store, now)
    }

    fn new(
        id: AppId,
        owner: Option<DeveloperId>,
        secrets: AppSecrets,
        settings: AppSettings,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let ring = |secret| {
            let keys = AppKeys::from_secret(secret);
            let keys = match settings.tokens.bind_001_names {
                true => keys.bind_001_names(),
                false => keys,
            };
            KeyRing::from_iter([(id.clone(), keys)])
        };
        let current = ring(secrets.current());
        let previous = secrets.previous().map(|(secret, until)| (ring(secret), until));
        Ok(Self {
            revocations: store.revocations(&id)?,
            bans: store.bans(&id, now)?,
            is_fixed: owner.is_none(),
            id,
            owner,
            secrets,
            settings,
            current,
            previous,
        })
    }

    pub(crate) fn verify(&self, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        let verdict = self.current.verify(&self.id, token, now);
        match (&verdict, &self.previous) {
            (Err(TokenError::Rejected), Some((previous, until))) if now < *until => {
                previous.verify(&self.id, token, now)
            }
            _ => verdict,
        }
    }
}
