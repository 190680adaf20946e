mod entry;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use hst_auth::{Claims, Grants, KeyRing, Scope, TokenError, TokenVerifier, UnixMillis};
use hst_cluster::{Key, Revision};
use hst_group::server::{Permissions, Rules};
use hst_id::{AppId, GroupId, MediaType, UserId};
use hst_proto::{ErrorCode, Failure};
use hst_store::{
    AppSettings, Ban, LoginPolicy, Record, Revocation, Revocations, Service, Services, Stamped, Store, StoreError,
};

pub(crate) use self::entry::AppEntry;
use crate::{
    App,
    meter::Meter,
    registry::{Known, Records, place},
};

/// The Apps that there are: those of the configuration, which stay as they are, and those that are registered; and who is
/// kept out of them.
///
/// Everything is held in memory, so that nobody who logs in waits for the disk or for other nodes.
#[derive(Debug)]
pub(crate) struct Apps {
    /// A lock, because logins read it from all threads; held for one look-up or to exchange one entry.
    known: RwLock<HashMap<AppId, Arc<AppEntry>>>,
    pub(crate) records: Records,
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
        let records = Records::open(store.clone())?;
        let mut known = HashMap::new();
        for (_, Known { stamped, .. }) in records.beneath(&place::all()) {
            if let Record::App(app) = stamped.record {
                known.insert(app.id.clone(), Arc::new(AppEntry::registered(app)));
            }
        }
        for app in configured {
            known.insert(app.id.clone(), Arc::new(AppEntry::configured(app)));
        }
        Ok(Self {
            known: RwLock::new(known),
            records,
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

    /// Takes note of a record, and says whether it is news. What it says counts when this returns.
    pub(crate) fn take(&self, key: &Key, stamped: Stamped, revision: Option<Revision>) -> bool {
        let (app, entry) = match &stamped.record {
            Record::App(app) => (app.id.clone(), Some(Arc::new(AppEntry::registered(app.clone())))),
            Record::AppGone(app) => (app.clone(), None),
            _ => return self.records.take(key, stamped, revision),
        };
        // Held over both, so that of two changes the later one stands in both.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_news = self.records.take(key, stamped, revision);
        if is_news && known.get(&app).is_none_or(|entry| !entry.is_fixed) {
            match entry {
                Some(entry) => drop(known.insert(app, entry)),
                None => drop(known.remove(&app)),
            }
        }
        is_news
    }

    /// Forgets a record without a trace.
    pub(crate) fn forget(&self, key: &Key, record: &Record) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.records.forget(key);
        if let Record::App(app) = record
            && known.get(&app.id).is_some_and(|entry| !entry.is_fixed)
        {
            known.remove(&app.id);
        }
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
        let places = [None, group];
        let is_banned = places[..if group.is_some() { 2 } else { 1 }].iter().any(|from| {
            let known = self.records.get(&place::of_ban(app, user, *from));
            matches!(known, Some(Known { stamped: Stamped { record: Record::Ban(_, ban), .. }, .. }) if !ban.until.is_over(now))
        });
        if !is_banned {
            return Ok(());
        }
        let place = if group.is_some() { "this group" } else { "this App" };
        Err(Failure::new(
            ErrorCode::Banned,
            format!("kept out of {place} for some time"),
        ))
    }

    /// Who is kept out of an App and its groups, in the order of users and groups.
    pub(crate) fn bans(&self, app: &AppId) -> Vec<Ban> {
        let now = now();
        let known = self.records.beneath(&place::bans_of(app)).into_iter();
        let mut bans: Vec<_> = known
            .filter_map(|(_, known)| match known.stamped.record {
                Record::Ban(_, ban) if !ban.until.is_over(now) => Some(ban),
                _ => None,
            })
            .collect();
        bans.sort_by(|one, other| (&one.user, &one.group).cmp(&(&other.user, &other.group)));
        bans
    }

    /// Whether a token was taken back after it was made.
    pub(crate) fn is_revoked(&self, token: &TokenFacts, app: &AppId, user: &UserId) -> bool {
        let of_token = token
            .id
            .as_deref()
            .and_then(|id| id.parse().ok())
            .map(Revocation::Token);
        let mut revocations = Revocations::new();
        for what in [Revocation::Everyone, Revocation::User(user.clone())]
            .into_iter()
            .chain(of_token)
        {
            let known = self.records.get(&place::of_revocation(app, &what));
            if let Some(Known {
                stamped:
                    Stamped {
                        record: Record::Revoked(_, revoked),
                        ..
                    },
                ..
            }) = known
            {
                revocations.insert(what, revoked.at);
            }
        }
        revocations.covers(token.id.as_deref(), user, token.issued_at)
    }
}

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
