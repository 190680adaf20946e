mod entry;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use hst_auth::{Claims, Grants, KeyRing, Scope, TokenError, TokenVerifier, UnixMillis};
use hst_group::server::{Permissions, Rules};
use hst_id::{AppId, GroupId, MediaType, UserId};
use hst_proto::{ErrorCode, Failure};
use hst_store::{AppSettings, Ban, LoginPolicy, Revocation, Service, Services, Store, StoreError};

pub(crate) use self::entry::AppEntry;
use crate::{App, meter::Meter};

/// The Apps that there are: those of the configuration, which stay as they are, and those of the database.
///
/// Everything is held in memory, so that nobody who logs in waits for the disk; a change goes to the disk first.
#[derive(Debug)]
pub(crate) struct Apps {
    /// A lock, because logins read it from all threads; held for one look-up or to exchange one entry.
    known: RwLock<HashMap<AppId, Arc<AppEntry>>>,
    /// One at a time reads from the disk what is known from then on: an earlier reading must not replace a later one.
    reading: Mutex<()>,
    pub(crate) store: Arc<Store>,
    /// What their users consume.
    pub(crate) meter: Arc<Meter>,
    /// Judges tokens in place of the Apps' own keys.
    verifier: Option<Arc<dyn TokenVerifier>>,
}

impl Apps {
    /// The Apps of the configuration, and those of the database that are not among them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) fn open(
        configured: Vec<App>,
        store: Arc<Store>,
        verifier: Option<Arc<dyn TokenVerifier>>,
    ) -> Result<Self, StoreError> {
        let mut known = HashMap::new();
        let mut after = None;
        loop {
            let page = store.apps(after.as_ref(), PAGE)?;
            after = page.last().map(|app| app.id.clone());
            let is_last = page.len() < PAGE as usize;
            for app in page {
                let entry = AppEntry::stored(app, &store, now())?;
                known.insert(entry.id.clone(), Arc::new(entry));
            }
            if is_last {
                break;
            }
        }
        for app in configured {
            let entry = AppEntry::configured(app, &store, now())?;
            known.insert(entry.id.clone(), Arc::new(entry));
        }
        Ok(Self {
            known: RwLock::new(known),
            reading: Mutex::default(),
            meter: Meter::new(store.clone()),
            store,
            verifier,
        })
    }

    /// An App, if there is one.
    pub(crate) fn get(&self, app: &AppId) -> Option<Arc<AppEntry>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(app).cloned()
    }

    /// All of them, in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Arc<AppEntry>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = known.values().cloned().collect();
        all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Whether there is such an App. Which ones a verifier of its own knows, it does not say.
    pub(crate) fn may_exist(&self, app: &AppId) -> bool {
        self.verifier.is_some() || self.get(app).is_some()
    }

    /// Reads an App from the database again, after it was changed there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) fn reload(&self, app: &AppId) -> Result<(), StoreError> {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match self.get(app).filter(|entry| entry.is_fixed) {
            Some(fixed) => Some(fixed.reloaded(&self.store, now())?),
            None => match self.store.app(app)? {
                Some(app) => Some(AppEntry::stored(app, &self.store, now())?),
                None => None,
            },
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match entry {
            Some(entry) => drop(known.insert(app.clone(), Arc::new(entry))),
            None => drop(known.remove(app)),
        }
        Ok(())
    }

    /// Judges a token by the clock of this machine. Which of its checks it failed is for the log only.
    pub(crate) fn verify(&self, app: &AppId, token: &str) -> Result<Claims, TokenError> {
        let entry = self.get(app);
        let claims = match (&self.verifier, &entry) {
            (Some(verifier), _) => verifier.verify(app, token, now())?,
            (None, Some(entry)) => entry.verify(token, now())?,
            // An empty ring takes as long as a full one.
            (None, None) => KeyRing::new().verify(app, token, now())?,
        };
        match entry {
            Some(entry) if !entry.settings.tokens.accepts(claims.format) => Err(TokenError::Rejected),
            _ => Ok(claims),
        }
    }

    /// What an App's users may do at a login. An App that only the verifier knows has the defaults.
    pub(crate) fn policy(&self, app: &AppId) -> Policy {
        self.get(app)
            .map_or_else(Policy::default, |entry| Policy::of(&entry.settings))
    }

    /// What an App offers.
    pub(crate) fn services(&self, app: &AppId) -> Services {
        self.get(app)
            .map(|entry| entry.settings.services.clone())
            .unwrap_or_default()
    }

    /// Whether a user is kept out of an App, or of one of its groups.
    ///
    /// # Errors
    /// Code 1000103.
    pub(crate) fn check_ban(&self, app: &AppId, group: Option<&GroupId>, user: &UserId) -> Result<(), Failure> {
        let now = now();
        let is_banned = self
            .get(app)
            .is_some_and(|entry| entry.bans.iter().any(|ban| ban.applies(group, user, now)));
        if !is_banned {
            return Ok(());
        }
        let place = if group.is_some() { "this group" } else { "this App" };
        Err(Failure::new(
            ErrorCode::Banned,
            format!("kept out of {place} for some time"),
        ))
    }

    /// Whether a token was taken back after it was made.
    pub(crate) fn is_revoked(&self, claims: &TokenFacts, app: &AppId, user: &UserId) -> bool {
        self.get(app)
            .is_some_and(|entry| claims.is_covered(&entry.revocations, user))
    }

    /// Keeps a user out. It waits for the disk.
    ///
    /// # Errors
    /// Too many are kept out, or the database cannot be written.
    pub(crate) fn ban(&self, app: &AppId, ban: &Ban) -> Result<(), StoreError> {
        self.store.ban(app, ban, now())?;
        self.reload(app)
    }

    /// Lets a user in again, and says whether he was kept out. It waits for the disk.
    ///
    /// # Errors
    /// The database cannot be written.
    pub(crate) fn unban(&self, app: &AppId, group: Option<&GroupId>, user: &UserId) -> Result<bool, StoreError> {
        let was = self.store.unban(app, group, user)?;
        self.reload(app)?;
        Ok(was)
    }

    /// Forgets the bans that are over, and the revocations of tokens that have all ended. It waits for the disk.
    ///
    /// # Errors
    /// The database cannot be written.
    pub(crate) fn purge(&self) -> Result<(), StoreError> {
        let now = now();
        // What is forgotten must stay dead, also when the clock is set back a little.
        let before = UnixMillis::from_millis(now.as_millis().saturating_sub(CLOCK_ERROR.as_millis() as u64));
        let forgotten = self.store.purge_bans(before)? + self.store.purge_revocations(before)?;
        if forgotten > 0 {
            tracing::debug!(forgotten, "bans and revocations are over");
            self.all().iter().try_for_each(|app| self.reload(&app.id))?;
        }
        Ok(())
    }

    /// Takes tokens back that were made before `at`. It waits for the disk.
    ///
    /// # Errors
    /// The database cannot be written.
    pub(crate) fn revoke(&self, app: &AppId, what: &Revocation, at: UnixMillis) -> Result<(), StoreError> {
        self.store.revoke(app, what, at, hst_store::Until::Forever)?;
        self.reload(app)
    }
}

/// By how much a clock may be set back without bringing to life what is over.
const CLOCK_ERROR: Duration = Duration::from_secs(3600);

/// Apps read from the database at a time.
const PAGE: u32 = 500;

/// What an App says of its logins and groups.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) online: bool,
    pub(crate) login: LoginPolicy,
    pub(crate) rules: Rules,
}

impl Policy {
    fn of(settings: &AppSettings) -> Self {
        let limits = &settings.limits;
        Self {
            online: settings.online,
            login: settings.login,
            rules: Rules {
                max_members: limits.max_members.get() as usize,
                max_message: limits.message_bytes.get() as usize,
                history: limits.history.get() as usize,
            },
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            online: true,
            login: LoginPolicy::default(),
            rules: Rules::default(),
        }
    }
}

/// What there is to know of a session's token, when it is to be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TokenFacts {
    pub(crate) id: Option<String>,
    pub(crate) issued_at: Option<UnixMillis>,
}

impl TokenFacts {
    pub(crate) fn of(claims: &Claims) -> Self {
        Self {
            id: claims.id.clone(),
            issued_at: claims.issued_at,
        }
    }

    pub(crate) fn is_covered(&self, revocations: &hst_store::Revocations, user: &UserId) -> bool {
        revocations.covers(self.id.as_deref(), user, self.issued_at)
    }
}

/// What a token's grants and its App's services mean to a group that they admit to.
pub(crate) fn permissions(grants: &Grants, services: &Services) -> Permissions {
    let offered = |media_type| match media_type {
        MediaType::Video => services.has(Service::Video),
        MediaType::Audio => services.has(Service::Audio),
        MediaType::ScreenShare => services.has(Service::ScreenShare),
        _ => true,
    };
    Permissions {
        group: match &grants.join {
            Scope::Only(group) => Some(group.clone()),
            Scope::Any | Scope::None => None,
        },
        publish: MediaType::ALL
            .into_iter()
            .filter(|&t| grants.may_publish(t) && offered(t))
            .collect(),
        receive: grants.subscribe,
        message: grants.message && services.has(Service::Messages),
        admin: grants.admin,
    }
}

/// The present time of this machine.
pub(crate) fn now() -> UnixMillis {
    SystemTime::now().into()
}
