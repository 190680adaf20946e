use hst_auth::UnixMillis;
use hst_id::{AppId, GroupId, UserId};
use rusqlite::{Row, Transaction};

use crate::{
    InvalidValue, Store, StoreError, Until,
    column::{Moment, Parsed},
    text::{check_all, check_characters, text},
};

const MAX_REASON: usize = 256;

/// How many bans of one App and its groups may hold at a time. Whoever is to be kept out beyond that is better kept out by
/// the App's own backend, which makes the tokens.
pub const MAX_BANS: u32 = 10_000;

text! {
    /// Why somebody is banned, for people to read: at most 256 characters, of which none is a control character.
    BanReason, check
}

fn check(text: &str) -> Result<(), InvalidValue> {
    check_characters(text, 0, MAX_REASON)?;
    check_all(text, "everything but control characters is", |c| !c.is_control())
}

/// One user is kept out of an App or of one of its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub user: UserId,
    /// From which group; `None`: from the whole App.
    pub group: Option<GroupId>,
    /// How long.
    pub until: Until,
    /// Why.
    pub reason: BanReason,
}

impl Ban {
    /// Whether it keeps `user` out of `group` at `now`; with `None` for a group, out of the App. A ban from the App is
    /// one from each of its groups.
    pub fn applies(&self, group: Option<&GroupId>, user: &UserId, now: UnixMillis) -> bool {
        let reaches = self.group.is_none() || self.group.as_ref() == group;
        reaches && self.user == *user && !self.until.is_over(now)
    }
}

impl Store {
    /// Bans a user. A ban of the same user from the same place is replaced. The App may be one of a configuration file.
    ///
    /// # Errors
    /// [`StoreError::TooManyBans`] when the App has [`MAX_BANS`] others that are not over at `now`; what any call can meet.
    pub fn ban(&self, app: &AppId, ban: &Ban, now: UnixMillis) -> Result<(), StoreError> {
        self.write(|database| {
            let others: u32 = database.query_row(
                "SELECT count(*) FROM ban WHERE app = ? AND until > ? AND NOT (user_id = ? AND group_id = ?)",
                (app.as_str(), Moment(now), ban.user.as_str(), place(ban.group.as_ref())),
                |row| row.get(0),
            )?;
            if others >= MAX_BANS {
                return Err(StoreError::TooManyBans);
            }
            database.execute(
                "INSERT INTO ban (app, user_id, group_id, until, reason) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET until = excluded.until, reason = excluded.reason",
                (
                    app.as_str(),
                    ban.user.as_str(),
                    place(ban.group.as_ref()),
                    ban.until,
                    ban.reason.as_str(),
                ),
            )?;
            Ok(())
        })
    }

    /// Lifts the ban of a user from one group, or from the App; answers whether there was one.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn unban(&self, app: &AppId, group: Option<&GroupId>, user: &UserId) -> Result<bool, StoreError> {
        self.write(|database| {
            let lifted = database.execute(
                "DELETE FROM ban WHERE app = ? AND user_id = ? AND group_id = ?",
                (app.as_str(), user.as_str(), place(group)),
            )?;
            Ok(lifted > 0)
        })
    }

    /// The bans of an App that are not over at `now`, in the order of users and groups.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn bans(&self, app: &AppId, now: UnixMillis) -> Result<Vec<Ban>, StoreError> {
        self.read(|database| {
            let mut bans = select(database, "app = ? ORDER BY user_id, group_id", [app.as_str()])?;
            bans.retain(|ban| !ban.until.is_over(now));
            Ok(bans)
        })
    }

    /// Whether a user is kept out of a group at `now`; with `None` for a group, out of the App.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn is_banned(
        &self,
        app: &AppId,
        group: Option<&GroupId>,
        user: &UserId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.read(|database| {
            let bans = select(database, "app = ? AND user_id = ?", [app.as_str(), user.as_str()])?;
            Ok(bans.iter().any(|ban| ban.applies(group, user, now)))
        })
    }

    /// Forgets, for every App, the bans that are over at `now`, and answers how many those were.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn purge_bans(&self, now: UnixMillis) -> Result<usize, StoreError> {
        self.write(|database| Ok(database.execute("DELETE FROM ban WHERE until <= ?", [Moment(now)])?))
    }
}

/// The column for a group. Empty, which no Group ID is, stands for the whole App: a null would be equal to no other, so
/// that a ban could not be replaced.
pub(crate) fn place(group: Option<&GroupId>) -> &str {
    group.map_or("", GroupId::as_str)
}

fn select(
    database: &Transaction<'_>,
    which: &'static str,
    values: impl rusqlite::Params,
) -> Result<Vec<Ban>, StoreError> {
    let mut statement = database.prepare(&format!("SELECT * FROM ban WHERE {which}"))?;
    let bans = statement.query_map(values, read)?;
    Ok(bans.collect::<Result<_, _>>()?)
}

/// What [`place`] has made of it.
pub(crate) fn group(row: &Row<'_>) -> rusqlite::Result<Option<GroupId>> {
    Ok(match row.get_ref("group_id")?.as_str()? {
        "" => None,
        _ => Some(row.get("group_id").map(|Parsed(group)| group)?),
    })
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Ban> {
    let group = group(row)?;
    let Parsed(user) = row.get("user_id")?;
    let Parsed(reason) = row.get("reason")?;
    Ok(Ban {
        user,
        group,
        until: row.get("until")?,
        reason,
    })
}
