use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// The steps from an empty database to the present one; after the n-th it has version n. A step that was released is
/// never changed again: what must change comes as a further step.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_apps_developers_revocations_bans.sql"),
    include_str!("../migrations/0002_consumption.sql"),
    include_str!("../migrations/0003_reset_key.sql"),
    include_str!("../migrations/0004_agreed.sql"),
];

/// Takes the steps that the database has not seen yet, each in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    loop {
        // The version is read under the lock: another process may be bringing the same file up to date.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: usize = transaction.pragma_query_value(None, VERSION, |row| row.get::<_, u32>(0))? as usize;
        if version > steps.len() {
            let (found, known) = (version, steps.len());
            return Err(StoreError::Newer { found, known });
        }
        let Some(step) = steps.get(version) else {
            return Ok(());
        };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, VERSION, version as i64 + 1)?;
        transaction.commit()?;
    }
}

/// The number that SQLite keeps for its user in the header of the file.
const VERSION: &str = "user_version";

#[cfg(test)]
mod tests {
    use super::*;

    fn at_version(version: usize) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &MIGRATIONS[..version]).unwrap();
        connection
    }

    fn version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, VERSION, |row| row.get(0)).unwrap()
    }

    fn schema(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name")
            .unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn every_earlier_version_becomes_the_present_one() {
        let present = schema(&at_version(MIGRATIONS.len()));
        assert!(!present.is_empty());
        for from in 0..=MIGRATIONS.len() {
            let mut connection = at_version(from);
            migrate(&mut connection, MIGRATIONS).unwrap();
            assert_eq!(version(&connection) as usize, MIGRATIONS.len());
            assert_eq!(schema(&connection), present, "from version {from}");
        }
    }

    #[test]
    fn what_is_in_an_earlier_version_is_still_there() {
        let steps = ["CREATE TABLE t (a)", "ALTER TABLE t ADD COLUMN b"];
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &steps[..1]).unwrap();
        connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
        migrate(&mut connection, &steps).unwrap();
        let row = connection.query_row("SELECT a, b FROM t", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.unwrap(), (1, None::<u8>));
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"];
        assert!(migrate(&mut connection, &steps).is_err());
        assert_eq!(version(&connection), 1);
        assert_eq!(schema(&connection).len(), 1, "b was rolled back");
    }

    #[test]
    fn a_newer_version_is_refused_and_left_alone() {
        let mut connection = at_version(MIGRATIONS.len());
        connection.pragma_update(None, VERSION, 7).unwrap();
        let error = migrate(&mut connection, MIGRATIONS).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 7, .. }), "{error}");
        assert_eq!(version(&connection), 7);
    }
}
