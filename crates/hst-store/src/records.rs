//! The records in the database, as far as all nodes of a platform know them alike.

use hst_auth::UnixMillis;
use hst_id::{AppId, GroupId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, types::FromSql};

use crate::{
    AccessToken, App, Record, Revoked, Stamped, Store, StoreError, apps, ban,
    column::{Moment, Parsed},
    developer, revocation,
};

impl Store {
    /// All of them, as they are at one moment, in no order.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn records(&self) -> Result<Vec<Stamped>, StoreError> {
        self.read(|database| {
            let mut all = Vec::new();
            let mut add =
                |table: &str, read: &dyn Fn(&Row<'_>) -> rusqlite::Result<Record>| -> Result<(), StoreError> {
                    let mut statement = database.prepare(&format!("SELECT * FROM {table}"))?;
                    let found = statement.query_map([], |row| {
                        let (Moment(stamp), record) = (row.get("stamp")?, read(row)?);
                        Ok(Stamped {
                            stamp: stamp.as_millis(),
                            record,
                        })
                    })?;
                    for stamped in found {
                        all.push(stamped?);
                    }
                    Ok(())
                };
            add("developer", &|row| developer::read(row).map(Record::Developer))?;
            add("app", &|row| apps::read(database, row).map(Record::App))?;
            add("ban", &|row| Ok(Record::Ban(parsed(row, "app")?, ban::read(row)?)))?;
            add("revocation", &|row| {
                Ok(Record::Revoked(parsed(row, "app")?, revoked(row)?))
            })?;
            add("access_token", &|row| access_token(row).map(Record::AccessToken))?;
            add("gone", &gone)?;
            Ok(all)
        })
    }

    /// Writes these records over what is known of the same, whatever that is, and forgets others without a trace: all of it,
    /// or nothing. Records may come in any order, an App before its owner.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn keep(&self, records: &[Stamped], forgotten: &[Record]) -> Result<(), StoreError> {
        self.write_unbound(|database| {
            for record in forgotten {
                forget(database, record)?;
            }
            for Stamped { stamp, record } in records {
                keep(database, record, Moment(UnixMillis::from_millis(*stamp)))?;
            }
            Ok(())
        })
    }

    /// When this database was last known to say what the nodes have agreed on; `None` if its server has been alone.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn agreed_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        self.read(|database| {
            let at = database.query_row("SELECT at FROM agreement", [], |row| row.get(0));
            Ok(at.optional()?.map(|Moment(at)| at))
        })
    }

    /// It says so at this moment; or, with `None`, it is a server's that is alone.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn set_agreed(&self, at: Option<UnixMillis>) -> Result<(), StoreError> {
        self.write(|database| {
            database.execute("DELETE FROM agreement", [])?;
            if let Some(at) = at {
                database.execute("INSERT INTO agreement (id, at) VALUES (1, ?)", [Moment(at)])?;
            }
            Ok(())
        })
    }
}

fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    Parsed<T>: FromSql,
{
    row.get(column).map(|Parsed(value)| value)
}

fn revoked(row: &Row<'_>) -> rusqlite::Result<Revoked> {
    let Moment(at) = row.get("at")?;
    Ok(Revoked {
        what: revocation::read(row)?,
        at,
        expires: row.get("expires")?,
    })
}

fn access_token(row: &Row<'_>) -> rusqlite::Result<AccessToken> {
    let Moment(until) = row.get("until")?;
    Ok(AccessToken {
        developer: parsed(row, "developer")?,
        digest: row.get("digest")?,
        until,
    })
}

fn gone(row: &Row<'_>) -> rusqlite::Result<Record> {
    let app: AppId = parsed(row, "app")?;
    if row.get_ref("user_id")?.as_str()?.is_empty() {
        return Ok(Record::AppGone(app));
    }
    Ok(Record::BanGone(
        app,
        parsed::<UserId>(row, "user_id")?,
        ban::group(row)?,
    ))
}

fn keep(database: &Transaction<'_>, record: &Record, stamp: Moment) -> Result<(), StoreError> {
    match record {
        Record::Developer(it) => {
            database.execute(
                "INSERT INTO developer (id, secret, created_at, stamp) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, stamp = excluded.stamp",
                (it.id.as_str(), it.secret.reveal(), Moment(it.created_at), stamp),
            )?;
        }
        Record::App(app) => {
            database.execute("DELETE FROM gone WHERE app = ? AND user_id = ''", [app.id.as_str()])?;
            apps::save(database, app)?;
            database.execute("UPDATE app SET stamp = ? WHERE id = ?", (stamp, app.id.as_str()))?;
        }
        Record::AppGone(app) => {
            apps::remove(database, app)?;
            database.execute("DELETE FROM gone WHERE app = ?", [app.as_str()])?;
            database.execute("INSERT INTO gone VALUES (?, '', '', ?)", (app.as_str(), stamp))?;
        }
        Record::Ban(app, of) => {
            lift(database, app, &of.user, of.group.as_ref())?;
            database.execute(
                "INSERT INTO ban (app, user_id, group_id, until, reason, stamp) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    app.as_str(),
                    of.user.as_str(),
                    ban::place(of.group.as_ref()),
                    of.until,
                    of.reason.as_str(),
                    stamp,
                ),
            )?;
        }
        Record::BanGone(app, user, group) => {
            lift(database, app, user, group.as_ref())?;
            database.execute(
                "INSERT INTO gone VALUES (?, ?, ?, ?)",
                (app.as_str(), user.as_str(), ban::place(group.as_ref()), stamp),
            )?;
        }
        Record::Revoked(app, Revoked { what, at, expires }) => {
            let (kind, name) = revocation::kind_and_name(what);
            database.execute(
                "INSERT INTO revocation (app, kind, name, at, expires, stamp) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET at = excluded.at, expires = excluded.expires, stamp = excluded.stamp",
                (app.as_str(), kind, name, Moment(*at), *expires, stamp),
            )?;
        }
        Record::AccessToken(token) => {
            database.execute(
                "INSERT INTO access_token (developer, digest, until, stamp) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET digest = excluded.digest, until = excluded.until, stamp = excluded.stamp",
                (token.developer.as_str(), &token.digest, Moment(token.until), stamp),
            )?;
        }
    }
    Ok(())
}

/// Neither a ban nor the trace of one.
fn lift(database: &Connection, app: &AppId, user: &UserId, group: Option<&GroupId>) -> Result<(), StoreError> {
    for table in ["ban", "gone"] {
        database.execute(
            &format!("DELETE FROM {table} WHERE app = ? AND user_id = ? AND group_id = ?"),
            (app.as_str(), user.as_str(), ban::place(group)),
        )?;
    }
    Ok(())
}

fn forget(database: &Transaction<'_>, record: &Record) -> Result<(), StoreError> {
    match record {
        Record::Developer(developer) => {
            database.execute("DELETE FROM developer WHERE id = ?", [developer.id.as_str()])?;
        }
        Record::App(App { id, .. }) | Record::AppGone(id) => {
            apps::remove(database, id)?;
            database.execute("DELETE FROM gone WHERE app = ? AND user_id = ''", [id.as_str()])?;
        }
        Record::Ban(app, ban) => lift(database, app, &ban.user, ban.group.as_ref())?,
        Record::BanGone(app, user, group) => lift(database, app, user, group.as_ref())?,
        Record::Revoked(app, Revoked { what, .. }) => {
            let (kind, name) = revocation::kind_and_name(what);
            database.execute(
                "DELETE FROM revocation WHERE app = ? AND kind = ? AND name = ?",
                (app.as_str(), kind, name),
            )?;
        }
        Record::AccessToken(token) => {
            database.execute(
                "DELETE FROM access_token WHERE developer = ?",
                [token.developer.as_str()],
            )?;
        }
    }
    Ok(())
}
