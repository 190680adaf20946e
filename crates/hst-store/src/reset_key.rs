use crate::{Store, StoreError, random};

impl Store {
    /// The key by which a server recognises connections of its earlier runs: random bytes, made when it is first asked for.
    /// It is a secret.
    ///
    /// # Errors
    /// [`StoreError::NoRandomness`]; what any call can meet.
    pub fn reset_key(&self) -> Result<[u8; 32], StoreError> {
        let new = random::key()?;
        self.write(|database| {
            database.execute("INSERT OR IGNORE INTO server (id, reset_key) VALUES (1, ?)", [new])?;
            Ok(database.query_row("SELECT reset_key FROM server", [], |row| row.get(0))?)
        })
    }
}
