use hst_auth::{AppKeys, Claims, KeyRing, TokenError, TokenVerifier, UnixMillis};
use hst_id::AppId;
use hst_store::{AppSecrets, AppSettings, DeveloperId};
use hst_webhook::Endpoint;

use crate::{App, hooks};

/// One App, as a login has to know it.
#[derive(Debug)]
pub(crate) struct AppEntry {
    pub(crate) id: AppId,
    /// `None` for an App of the configuration.
    pub(crate) owner: Option<DeveloperId>,
    /// Whether it is from the configuration, and so cannot be changed.
    pub(crate) is_fixed: bool,
    pub(crate) secrets: AppSecrets,
    pub(crate) settings: AppSettings,
    /// Where its backend is told what happens, if it wants to be.
    pub(crate) endpoint: Option<Endpoint>,
    current: KeyRing,
    /// The same with the secret before, and until when that is good.
    with_previous: Option<(KeyRing, UnixMillis)>,
}

impl AppEntry {
    pub(crate) fn registered(app: hst_store::App) -> Self {
        let hst_store::App {
            id,
            owner,
            secrets,
            settings,
            ..
        } = app;
        Self::new(id, Some(owner), secrets, settings)
    }

    pub(crate) fn configured(app: App) -> Self {
        let App { id, secrets, settings } = app;
        Self::new(id, None, secrets, settings)
    }

    fn new(id: AppId, owner: Option<DeveloperId>, secrets: AppSecrets, settings: AppSettings) -> Self {
        let ring = |mut keys: AppKeys| {
            if settings.tokens.bind_001_names {
                keys = keys.bind_001_names();
            }
            if !settings.tokens.accepts_001 {
                keys = keys.without_001();
            }
            KeyRing::from_iter([(id.clone(), keys)])
        };
        let keys = AppKeys::from_secret(secrets.current());
        let current = ring(keys.clone());
        let with_previous = secrets
            .previous()
            .map(|(secret, until)| (ring(keys.and_previous(secret)), until));
        let endpoint = settings.webhook.as_ref().and_then(|webhook| {
            hooks::endpoint(webhook)
                .inspect_err(|error| tracing::warn!(app = %id, "nobody is told what happens: its webhook {error}"))
                .ok()
        });
        Self {
            endpoint,
            is_fixed: owner.is_none(),
            id,
            owner,
            secrets,
            settings,
            current,
            with_previous,
        }
    }

    pub(crate) fn verify(&self, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        match &self.with_previous {
            Some((both, until)) if now < *until => both.verify(&self.id, token, now),
            _ => self.current.verify(&self.id, token, now),
        }
    }
}
