//! Where do key-value pairs live?
//!
//! In one SQLite file of the state directory, or in memory without one. Each operation runs on a blocking thread.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

/// The largest value or list of keys that one call gives, in bytes.
const LARGEST: usize = 128 << 20;

/// All stores of the application; opened at the first use.
#[derive(Debug, Default)]
pub struct Pairs {
    file: Option<PathBuf>,
    connection: Mutex<Option<Connection>>,
}

impl Pairs {
    /// Pairs in this file, or in memory.
    pub fn new(file: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self { file, connection: Mutex::default() })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// The text of SQLite's error; as for the other operations.
    pub async fn get(self: Arc<Self>, store: Arc<str>, key: String) -> Result<Option<Vec<u8>>, String> {
        let value: Option<Vec<u8>> = self
            .run(move |connection| {
                let mut get =
                    connection.prepare_cached("SELECT value FROM pairs WHERE store = ?1 AND key = ?2")?;
                get.query_row(params![store, key], |row| row.get(0)).optional()
            })
            .await?;
        if value.as_ref().is_some_and(|value| value.len() > LARGEST) {
            return Err(format!("query result exceeds limit of {LARGEST} bytes"));
        }
        Ok(value)
    }

    /// Sets a key's value, whatever it was.
    ///
    /// # Errors
    /// The text of SQLite's error.
    pub async fn set(self: Arc<Self>, store: Arc<str>, key: String, value: Vec<u8>) -> Result<(), String> {
        self.run(move |connection| {
            let mut set = connection.prepare_cached(
                "INSERT INTO pairs (store, key, value) VALUES (?1, ?2, ?3) ON CONFLICT (store, key) DO UPDATE SET value = ?3",
            )?;
            set.execute(params![store, key, value]).map(drop)
        })
        .await
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// The text of SQLite's error.
    pub async fn delete(self: Arc<Self>, store: Arc<str>, key: String) -> Result<(), String> {
        self.run(move |connection| {
            let mut delete = connection.prepare_cached("DELETE FROM pairs WHERE store = ?1 AND key = ?2")?;
            delete.execute(params![store, key]).map(drop)
        })
        .await
    }

    /// All keys of a store.
    ///
    /// # Errors
    /// The text of SQLite's error.
    pub async fn keys(self: Arc<Self>, store: Arc<str>) -> Result<Vec<String>, String> {
        let keys: Vec<String> = self
            .run(move |connection| {
                let mut keys =
                    connection.prepare_cached("SELECT key FROM pairs WHERE store = ?1 ORDER BY key")?;
                keys.query_map(params![store], |row| row.get(0))?.collect()
            })
            .await?;
        if keys.iter().map(String::len).fold(0, usize::saturating_add) > LARGEST {
            return Err(format!("query result exceeds limit of {LARGEST} bytes"));
        }
        Ok(keys)
    }

    async fn run<R: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, String> {
        let run = move || {
            let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.is_none() {
                *slot = Some(self.open()?);
            }
            slot.as_ref().ok_or(rusqlite::Error::InvalidQuery).and_then(work)
        };
        let result =
            tokio::task::spawn_blocking(run).await.map_err(|e| format!("internal runtime error: {e}"))?;
        result.map_err(|e| e.to_string())
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let connection = match &self.file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000;
             CREATE TABLE IF NOT EXISTS pairs (
                 store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key)
             ) STRICT, WITHOUT ROWID",
        )?;
        Ok(connection)
    }
}
