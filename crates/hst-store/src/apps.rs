//! The Apps in the database.

use std::time::Duration;

use hst_auth::{AppSecret, UnixMillis};
use hst_id::AppId;
use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use crate::{
    App, AppSecrets, AppSettings, DeveloperId, Limits, Service, Services, Store, StoreError, TokenRules, Webhook,
    column::{Moment, Parsed},
    developer,
};

impl Store {
    /// Creates an App with an id and a secret of its own.
    ///
    /// # Errors
    /// [`StoreError::UnknownDeveloper`] if `owner` is not there; [`StoreError::NoRandomness`]; what any call can meet.
    pub fn create_app(&self, owner: &DeveloperId, settings: AppSettings, now: UnixMillis) -> Result<App, StoreError> {
        let app = App::new(owner.clone(), settings, now)?;
        self.write(|database| {
            developer::find(database, owner)?.ok_or_else(|| StoreError::UnknownDeveloper(owner.clone()))?;
            save(database, &app)
        })?;
        Ok(app)
    }

    /// The App with this id, if there is one.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn app(&self, id: &AppId) -> Result<Option<App>, StoreError> {
        self.read(|database| find(database, id))
    }

    /// At most `limit` Apps in the order of their ids, those behind `after` or the first ones. Fewer than `limit` are
    /// the last.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn apps(&self, after: Option<&AppId>, limit: u32) -> Result<Vec<App>, StoreError> {
        let after = after.map_or("", AppId::as_str);
        self.read(|database| {
            let mut statement = database.prepare("SELECT * FROM app WHERE id > ? ORDER BY id LIMIT ?")?;
            let apps = statement.query_map((after, limit), |row| read(database, row))?;
            Ok(apps.collect::<Result<_, _>>()?)
        })
    }

    /// Changes an App's settings, and answers the App as it is then.
    ///
    /// `change` sees the settings as they are and nobody else changes them meanwhile. It must not use the store, which
    /// waits for it.
    ///
    /// # Errors
    /// [`StoreError::UnknownApp`]; what any call can meet.
    pub fn change_app(&self, id: &AppId, change: impl FnOnce(&mut AppSettings)) -> Result<App, StoreError> {
        self.update(id, |mut app| {
            change(&mut app.settings);
            Ok(app)
        })
    }

    /// Gives an App a new secret, and answers the App. The present secret stays valid for `keep_previous_for`, so that
    /// for a while there are two; a secret before that is valid no more, even if its time was not over.
    ///
    /// # Errors
    /// [`StoreError::UnknownApp`]; [`StoreError::NoRandomness`]; what any call can meet.
    pub fn rotate_secret(&self, id: &AppId, keep_previous_for: Duration, now: UnixMillis) -> Result<App, StoreError> {
        self.update(id, |app| app.with_new_secret(keep_previous_for, now))
    }

    /// Makes an App's previous secret invalid at once, and answers the App.
    ///
    /// # Errors
    /// [`StoreError::UnknownApp`]; what any call can meet.
    pub fn drop_previous_secret(&self, id: &AppId) -> Result<App, StoreError> {
        self.update(id, |app| Ok(app.without_previous_secret()))
    }

    /// Deletes an App with its revocations and bans, and what it has consumed.
    ///
    /// # Errors
    /// [`StoreError::UnknownApp`]; what any call can meet.
    pub fn delete_app(&self, id: &AppId) -> Result<(), StoreError> {
        self.write(|database| {
            if remove(database, id)? {
                Ok(())
            } else {
                Err(StoreError::UnknownApp(id.clone()))
            }
        })
    }

    fn update(&self, id: &AppId, change: impl FnOnce(App) -> Result<App, StoreError>) -> Result<App, StoreError> {
        self.write(|database| {
            let app = find(database, id)?.ok_or_else(|| StoreError::UnknownApp(id.clone()))?;
            let app = change(app)?;
            save(database, &app)?;
            Ok(app)
        })
    }
}

/// Takes an App away with all that is known of it, and says whether it was there.
pub(crate) fn remove(database: &Transaction<'_>, app: &AppId) -> Result<bool, StoreError> {
    database.execute("DELETE FROM app_service WHERE app = ?", [app.as_str()])?;
    for of_app in ["revocation", "ban", "consumption"] {
        database.execute(&format!("DELETE FROM {of_app} WHERE app = ?"), [app.as_str()])?;
    }
    Ok(database.execute("DELETE FROM app WHERE id = ?", [app.as_str()])? > 0)
}

fn find(database: &Transaction<'_>, id: &AppId) -> Result<Option<App>, StoreError> {
    let mut statement = database.prepare("SELECT * FROM app WHERE id = ?")?;
    Ok(statement
        .query_row([id.as_str()], |row| read(database, row))
        .optional()?)
}

pub(crate) fn read(database: &Transaction<'_>, row: &Row<'_>) -> rusqlite::Result<App> {
    let Parsed(id) = row.get::<_, Parsed<AppId>>("id")?;
    let Parsed(secret) = row.get("secret")?;
    let mut secrets = AppSecrets::new(secret);
    if let Some(Parsed(previous)) = row.get::<_, Option<Parsed<AppSecret>>>("previous_secret")? {
        let Moment(until) = row.get("previous_until")?;
        secrets = secrets.with_previous(previous, until);
    }
    let webhook = match row.get("webhook_url")? {
        None => None,
        Some(Parsed(url)) => {
            let Parsed(secret) = row.get("webhook_secret")?;
            Some(Webhook { url, secret })
        }
    };
    let Parsed(name) = row.get("name")?;
    let Parsed(login) = row.get("login")?;
    let settings = AppSettings {
        name,
        online: row.get("online")?,
        tokens: TokenRules {
            accepts_001: row.get("accepts_001")?,
            accepts_jwt: row.get("accepts_jwt")?,
            bind_001_names: row.get("bind_001_names")?,
        },
        services: services(database, &id)?,
        login,
        limits: Limits {
            max_members: row.get("max_members")?,
            message_bytes: row.get("message_bytes")?,
            history: row.get("history")?,
        },
        consumption_limit: row.get("consumption_limit")?,
        webhook,
    };
    let Parsed(owner) = row.get("owner")?;
    let Moment(created_at) = row.get("created_at")?;
    Ok(App {
        id,
        owner,
        secrets,
        settings,
        created_at,
    })
}

fn services(database: &Transaction<'_>, app: &AppId) -> rusqlite::Result<Services> {
    let mut statement = database.prepare("SELECT service, use_limit FROM app_service WHERE app = ?")?;
    let services = statement.query_map([app.as_str()], |row| Ok((row.get::<_, Service>(0)?, row.get(1)?)))?;
    services.collect()
}

/// Writes all of an App, whether it is new or not.
pub(crate) fn save(database: &Transaction<'_>, app: &App) -> Result<(), StoreError> {
    let App {
        id,
        owner,
        secrets,
        settings,
        created_at,
    } = app;
    let previous = secrets.previous();
    let webhook = settings.webhook.as_ref();
    database.execute(
        "INSERT INTO app (
             id, owner, created_at, secret, previous_secret, previous_until, name, online, accepts_001, accepts_jwt,
             bind_001_names, login, max_members, message_bytes, history, consumption_limit, webhook_url, webhook_secret
         ) VALUES (
             :id, :owner, :created_at, :secret, :previous_secret, :previous_until, :name, :online, :accepts_001,
             :accepts_jwt, :bind_001_names, :login, :max_members, :message_bytes, :history, :consumption_limit,
             :webhook_url, :webhook_secret
         ) ON CONFLICT (id) DO UPDATE SET
             secret = excluded.secret,
             previous_secret = excluded.previous_secret,
             previous_until = excluded.previous_until,
             name = excluded.name,
             online = excluded.online,
             accepts_001 = excluded.accepts_001,
             accepts_jwt = excluded.accepts_jwt,
             bind_001_names = excluded.bind_001_names,
             login = excluded.login,
             max_members = excluded.max_members,
             message_bytes = excluded.message_bytes,
             history = excluded.history,
             consumption_limit = excluded.consumption_limit,
             webhook_url = excluded.webhook_url,
             webhook_secret = excluded.webhook_secret",
        named_params! {
            ":id": id.as_str(),
            ":owner": owner.as_str(),
            ":created_at": Moment(*created_at),
            ":secret": secrets.current().reveal(),
            ":previous_secret": previous.map(|(secret, _)| secret.reveal()),
            ":previous_until": previous.map(|(_, until)| Moment(until)),
            ":name": settings.name.as_str(),
            ":online": settings.online,
            ":accepts_001": settings.tokens.accepts_001,
            ":accepts_jwt": settings.tokens.accepts_jwt,
            ":bind_001_names": settings.tokens.bind_001_names,
            ":login": settings.login.to_string(),
            ":max_members": settings.limits.max_members,
            ":message_bytes": settings.limits.message_bytes,
            ":history": settings.limits.history,
            ":consumption_limit": settings.consumption_limit,
            ":webhook_url": webhook.map(|webhook| webhook.url.as_str()),
            ":webhook_secret": webhook.map(|webhook| webhook.secret.reveal()),
        },
    )?;
    database.execute("DELETE FROM app_service WHERE app = ?", [id.as_str()])?;
    let mut statement = database.prepare("INSERT INTO app_service (app, service, use_limit) VALUES (?, ?, ?)")?;
    for (service, use_limit) in settings.services.iter() {
        statement.execute((id.as_str(), service, use_limit))?;
    }
    Ok(())
}
