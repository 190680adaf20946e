use hst_auth::{AppSecret, UnixMillis};
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::{
    InvalidValue, Store, StoreError,
    column::{Moment, Parsed},
    random,
    text::{check_all, check_characters, text},
};

const ID_DIGITS: usize = 32;

text! {
    /// A developer, unique on the platform: 32 lower-case hexadecimal digits.
    DeveloperId, check
}

fn check(text: &str) -> Result<(), InvalidValue> {
    check_characters(text, ID_DIGITS, ID_DIGITS)?;
    check_all(text, "0 to 9 and a to f are", |c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// An account: a person or a company who owns Apps. Only their backends use it, towards the platform's REST interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Developer {
    /// Its Developer ID.
    pub id: DeveloperId,
    /// What it makes its credentials with, as an App makes its tokens with the App Secret.
    pub secret: AppSecret,
    /// When it was created.
    pub created_at: UnixMillis,
}

impl Developer {
    /// One with an id and a secret of its own, which is nowhere yet.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`].
    pub fn new(now: UnixMillis) -> Result<Self, StoreError> {
        Ok(Self {
            id: DeveloperId::parse(&random::id()?).expect("a random id is 32 hexadecimal digits"),
            secret: random::secret()?,
            created_at: now,
        })
    }
}

/// The answer to [`Store::ensure_developer`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: there is no third case")]
pub enum FirstDeveloper {
    /// There was none. Show its secret to whoever started the program: now, and never again.
    Created(Developer),
    /// It was there before.
    Known(Developer),
}

impl Store {
    /// The oldest developer, who is created if there is none yet.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`]; what any call can meet.
    pub fn ensure_developer(&self, now: UnixMillis) -> Result<FirstDeveloper, StoreError> {
        self.write(|database| {
            let mut statement = database.prepare("SELECT * FROM developer ORDER BY created_at, id LIMIT 1")?;
            match statement.query_row([], read).optional()? {
                Some(developer) => Ok(FirstDeveloper::Known(developer)),
                None => create(database, now).map(FirstDeveloper::Created),
            }
        })
    }

    /// Creates a developer with an id and a secret of its own.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`]; what any call can meet.
    pub fn create_developer(&self, now: UnixMillis) -> Result<Developer, StoreError> {
        self.write(|database| create(database, now))
    }

    /// The developer with this id, if there is one.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn developer(&self, id: &DeveloperId) -> Result<Option<Developer>, StoreError> {
        self.read(|database| find(database, id))
    }

    /// All developers, the oldest first.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn developers(&self) -> Result<Vec<Developer>, StoreError> {
        self.read(|database| {
            let mut statement = database.prepare("SELECT * FROM developer ORDER BY created_at, id")?;
            let developers = statement.query_map([], read)?;
            Ok(developers.collect::<Result<_, _>>()?)
        })
    }
}

pub(crate) fn find(database: &Transaction<'_>, id: &DeveloperId) -> Result<Option<Developer>, StoreError> {
    let mut statement = database.prepare("SELECT * FROM developer WHERE id = ?")?;
    Ok(statement.query_row([id.as_str()], read).optional()?)
}

fn create(database: &Transaction<'_>, now: UnixMillis) -> Result<Developer, StoreError> {
    let developer = Developer::new(now)?;
    database.execute(
        "INSERT INTO developer (id, secret, created_at) VALUES (?, ?, ?)",
        (developer.id.as_str(), developer.secret.reveal(), Moment(now)),
    )?;
    Ok(developer)
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Developer> {
    let Parsed(id) = row.get("id")?;
    let Parsed(secret) = row.get("secret")?;
    let Moment(created_at) = row.get("created_at")?;
    Ok(Developer { id, secret, created_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_developer_id_has_32_lower_hexadecimal_digits() {
        let id = "a92b6225".repeat(4);
        assert_eq!(DeveloperId::parse(&id).unwrap().as_str(), id);
        for text in [
            "",
            &id[1..],
            &id.to_uppercase(),
            &id.replace('a', "g"),
            &format!("{id}0"),
        ] {
            assert!(DeveloperId::parse(text).is_err(), "{text:?}");
        }
    }
}
