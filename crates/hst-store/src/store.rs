use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{
    StoreError,
    migrations::{MIGRATIONS, migrate},
    private,
};

/// The name of the database in its folder. SQLite keeps `hst.db-wal` and `hst.db-shm` beside it while it is open.
pub const FILE_NAME: &str = "hst.db";

/// How long a call waits for another process that writes, before it gives up with [`StoreError::Busy`].
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before it tries again itself, where SQLite does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// What of the platform survives a restart: Apps, developers, revocations, bans, and what was consumed.
///
/// Every call blocks: to read one thing well under a millisecond, and for a change as long as the disk takes to make it
/// durable. An async program calls it off its async threads and keeps what it reads often. A change that was answered
/// with `Ok` survives a crash of the program and of the machine; one that was not has left nothing behind.
///
/// It looks at no clock: the caller hands over the present time.
#[derive(Debug)]
pub struct Store {
    // A lock, because SQLite lets one thread at a time use a connection. One connection is enough: SQLite writes one
    // change at a time whatever we do, and what is read often is kept by the caller.
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the database in the folder `dir`, and makes both if they are missing, readable by their owner alone.
    ///
    /// Brings an older database up to date. Other processes may have it open at the same time.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], [`StoreError::Newer`], [`StoreError::Damaged`], [`StoreError::Busy`],
    /// [`StoreError::Disk`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join(FILE_NAME);
        let unusable = |path: &Path, source| StoreError::Unusable {
            path: path.to_owned(),
            source,
        };
        private::make_folder(dir).map_err(|e| unusable(dir, e))?;
        private::make_file(&file).map_err(|e| unusable(&file, e))?;
        // No mutex of SQLite's: ours is around the connection.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&file, flags)?;
        // Readers and the writer do not wait for each other; FULL, because in WAL mode less than that may lose the
        // latest changes when the power fails.
        connection.busy_timeout(BUSY_TIMEOUT)?;
        keep_a_log(&connection)?;
        connection.pragma_update(None, "synchronous", "full")?;
        Self::with(connection)
    }

    /// A store that ends with the value, for tests and for trying things out.
    ///
    /// # Errors
    /// [`StoreError::Statement`], which would be a fault of this crate.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::with(Connection::open_in_memory()?)
    }

    fn with(mut connection: Connection) -> Result<Self, StoreError> {
        connection.pragma_update(None, "foreign_keys", true)?;
        // The database is small, and better found damaged now than by somebody who logs in.
        let verdict: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if verdict != "ok" {
            return Err(StoreError::Damaged { detail: verdict });
        }
        migrate(&mut connection, MIGRATIONS)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// Runs queries that all see the same moment.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        query(&self.lock().transaction()?)
    }

    /// Runs statements of which all take effect, or none. The lock on the file is taken at once: a transaction that
    /// reads first and writes then could find that another process has written in between.
    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        transact(&mut self.lock(), change)
    }

    /// The same, without the bonds between tables: what is written belongs together elsewhere.
    pub(crate) fn write_unbound<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        // It cannot be turned within a transaction.
        connection.pragma_update(None, "foreign_keys", false)?;
        let written = transact(&mut connection, change);
        connection.pragma_update(None, "foreign_keys", true)?;
        written
    }

    /// A thread that panicked with the lock in hand has rolled its transaction back, so nothing is half done.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn transact<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = change(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// Turns the file to WAL mode. Two who do that to a new file at once get in each other's way, and for that one SQLite does
/// not wait by itself.
fn keep_a_log(connection: &Connection) -> Result<(), StoreError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let turned = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match turned.map_err(StoreError::from) {
            Err(StoreError::Busy) if Instant::now() < deadline => thread::sleep(BUSY_PAUSE),
            turned => return turned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_opened_so_that_no_answered_change_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let connection = store.lock();
        let journal: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(journal, "wal");
        let setting = |name| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, u32>(0))
                .unwrap()
        };
        assert_eq!(setting("synchronous"), 2, "full");
        assert_eq!(setting("foreign_keys"), 1);
        assert_eq!(setting("busy_timeout"), 5000);
    }

    #[test]
    fn a_file_that_another_process_keeps_busy_may_be_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [(); 2].map(|()| Store::open(folder.path()).unwrap());
        one.lock().busy_timeout(Duration::ZERO).unwrap();
        two.write(|_| {
            let error = one.write(|_| Ok(())).unwrap_err();
            assert!(matches!(error, StoreError::Busy) && error.is_retryable(), "{error}");
            assert!(one.developers().is_ok(), "readers do not wait");
            Ok(())
        })
        .unwrap();
        one.write(|_| Ok(())).unwrap();
    }

    #[test]
    fn a_full_disk_is_called_so_and_nothing_is_half_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let pages: u32 = store
            .lock()
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        store
            .lock()
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
        let error = store.write(|database| {
            for _ in 0..10_000 {
                let one = "INSERT INTO developer (id, secret, created_at) VALUES (hex(randomblob(16)), 'secret', 0)";
                database.execute(one, [])?;
            }
            Ok(())
        });
        assert!(matches!(error, Err(StoreError::Disk(_))), "{error:?}");
        assert_eq!(store.developers().unwrap(), []);
    }

    #[test]
    fn threads_may_share_a_store() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Store>();
    }
}
