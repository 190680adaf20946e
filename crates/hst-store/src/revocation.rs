use std::{
    borrow::Borrow,
    collections::{HashMap, HashSet},
};

use hst_auth::UnixMillis;
use hst_id::{AppId, UserId};
use rusqlite::Row;

use crate::{
    InvalidValue, Store, StoreError, Until,
    column::{Moment, Parsed},
    text::{check_bytes, text},
};

const MAX_TOKEN_ID: usize = 128;

/// How many tokens and users of one App may be revoked at a time. Whoever means more means everyone, and that is one.
pub const MAX_REVOCATIONS: u32 = 10_000;

text! {
    /// A token's own id (`jti`): 1 to 128 bytes.
    TokenId, check
}

fn check(text: &str) -> Result<(), InvalidValue> {
    check_bytes(text, 1, MAX_TOKEN_ID)
}

impl Borrow<str> for TokenId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// Which tokens of an App are taken back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: a server must know every kind")]
pub enum Revocation {
    /// The one with this id, whenever it was issued.
    Token(TokenId),
    /// Those used by this user that were issued before the moment of the revocation.
    User(UserId),
    /// All that were issued before the moment of the revocation.
    Everyone,
}

/// All that is revoked of one App: a set to ask at each login, and again whenever somebody online may be meant.
///
/// It compares moments of issue with moments of revocation and knows nothing of the present, so that setting a clock
/// brings no token to life and kills none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revocations {
    tokens: HashSet<TokenId>,
    users: HashMap<UserId, UnixMillis>,
    everyone: Option<UnixMillis>,
}

impl Revocations {
    /// Nothing is revoked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was revoked `at` this moment. Of two moments for the same user the later one counts.
    pub fn insert(&mut self, what: Revocation, at: UnixMillis) {
        match what {
            Revocation::Token(id) => {
                self.tokens.insert(id);
            }
            Revocation::User(user) => {
                let moment = self.users.entry(user).or_insert(at);
                *moment = at.max(*moment);
            }
            Revocation::Everyone => self.everyone = self.everyone.max(Some(at)),
        }
    }

    /// Whether a token with this id, used by this user and issued at this moment, is revoked. A token that was issued
    /// at the very moment of a revocation is not; one that does not say when it was issued counts as older than any.
    pub fn covers(&self, token_id: Option<&str>, user: &UserId, issued_at: Option<UnixMillis>) -> bool {
        let is_older_than = |moment: &UnixMillis| issued_at.is_none_or(|issued| issued < *moment);
        token_id.is_some_and(|id| self.tokens.contains(id))
            || self.users.get(user).is_some_and(is_older_than)
            || self.everyone.as_ref().is_some_and(is_older_than)
    }
}

impl Store {
    /// Takes tokens of an App back: those of [`Revocation`] that were issued before `at`. `expires` is when all of
    /// them have expired by themselves, so that nobody need remember this any longer; for tokens that never expire it
    /// is [`Until::Forever`].
    ///
    /// Doing it twice for the same token or user keeps the later moment and the later end. A revocation of everyone takes
    /// the place of those of tokens and users from before its moment: tokens that exist by then are all covered by it. The
    /// App may be one of a configuration file.
    ///
    /// # Errors
    /// [`StoreError::TooManyRevocations`] when the App has [`MAX_REVOCATIONS`] others, unless this one is of everyone; what
    /// any call can meet.
    pub fn revoke(&self, app: &AppId, what: &Revocation, at: UnixMillis, expires: Until) -> Result<(), StoreError> {
        let (kind, name) = kind_and_name(what);
        self.write(|database| {
            if *what == Revocation::Everyone {
                database.execute(
                    "DELETE FROM revocation WHERE app = ? AND kind <> 'everyone' AND at <= ? AND expires <= ?",
                    (app.as_str(), Moment(at), expires),
                )?;
            } else {
                let others: u32 = database.query_row(
                    "SELECT count(*) FROM revocation WHERE app = ? AND kind <> 'everyone' AND NOT (kind = ? AND name = ?)",
                    (app.as_str(), kind, name),
                    |row| row.get(0),
                )?;
                if others >= MAX_REVOCATIONS {
                    return Err(StoreError::TooManyRevocations);
                }
            }
            database.execute(
                "INSERT INTO revocation (app, kind, name, at, expires) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET at = max(at, excluded.at), expires = max(expires, excluded.expires)",
                (app.as_str(), kind, name, Moment(at), expires),
            )?;
            Ok(())
        })
    }

    /// All that is revoked of an App, also what has expired and was not purged.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn revocations(&self, app: &AppId) -> Result<Revocations, StoreError> {
        self.read(|database| {
            let mut statement = database.prepare("SELECT kind, name, at FROM revocation WHERE app = ?")?;
            let mut rows = statement.query([app.as_str()])?;
            let mut revocations = Revocations::new();
            while let Some(row) = rows.next()? {
                let Moment(at) = row.get("at")?;
                revocations.insert(read(row)?, at);
            }
            Ok(revocations)
        })
    }

    /// Forgets, for every App, what expired at `now` or before, and answers how much that was.
    ///
    /// What is forgotten must stay dead: hand over a moment an hour ago, and a clock that is set back by less than that
    /// brings nothing to life.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn purge_revocations(&self, now: UnixMillis) -> Result<usize, StoreError> {
        self.write(|database| Ok(database.execute("DELETE FROM revocation WHERE expires <= ?", [Moment(now)])?))
    }
}

/// The columns for it.
pub(crate) fn kind_and_name(what: &Revocation) -> (&'static str, &str) {
    match what {
        Revocation::Token(id) => ("token", id.as_str()),
        Revocation::User(user) => ("user", user.as_str()),
        Revocation::Everyone => ("everyone", ""),
    }
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Revocation> {
    let kind: String = row.get("kind")?;
    Ok(match kind.as_str() {
        "token" => Revocation::Token(row.get("name").map(|Parsed(id)| id)?),
        "user" => Revocation::User(row.get("name").map(|Parsed(user)| user)?),
        // The table allows no fourth kind.
        _ => Revocation::Everyone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis::from_millis(1_000_000);

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn revoked(what: Revocation) -> Revocations {
        let mut revocations = Revocations::new();
        revocations.insert(what, AT);
        revocations
    }

    fn issued(millis: u64) -> Option<UnixMillis> {
        Some(UnixMillis::from_millis(millis))
    }

    #[test]
    fn t11_tokens_issued_before_the_moment_die_and_later_ones_live() {
        for everyone_or_ann in [Revocation::Everyone, Revocation::User(user("ann"))] {
            let revocations = revoked(everyone_or_ann);
            let is_dead = |issued_at| revocations.covers(None, &user("ann"), issued_at);
            assert!(is_dead(issued(0)) && is_dead(issued(999_999)));
            assert!(!is_dead(issued(1_000_000)) && !is_dead(issued(1_000_001)) && !is_dead(issued(u64::MAX)));
        }
    }

    #[test]
    fn t11_a_token_that_does_not_say_when_it_was_issued_is_older_than_any_revocation() {
        assert!(revoked(Revocation::Everyone).covers(None, &user("ann"), None));
        assert!(revoked(Revocation::User(user("ann"))).covers(Some("id"), &user("ann"), None));
        assert!(!Revocations::new().covers(Some("id"), &user("ann"), None));
    }

    #[test]
    fn t11_a_revoked_user_or_token_is_no_other() {
        let ann = revoked(Revocation::User(user("ann")));
        assert!(!ann.covers(None, &user("Ann"), issued(0)));
        let one = revoked(Revocation::Token(TokenId::parse("one").unwrap()));
        assert!(
            one.covers(Some("one"), &user("ann"), issued(u64::MAX)),
            "whenever it was issued"
        );
        assert!(!one.covers(Some("two"), &user("ann"), issued(0)) && !one.covers(None, &user("ann"), None));
    }

    #[test]
    fn t11_an_earlier_moment_added_later_brings_nothing_to_life() {
        for what in [Revocation::Everyone, Revocation::User(user("ann"))] {
            let mut revocations = revoked(what.clone());
            revocations.insert(what, UnixMillis::from_millis(5));
            assert!(revocations.covers(None, &user("ann"), issued(999_999)));
        }
    }
}
