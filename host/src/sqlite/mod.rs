//! How does a component's statement reach SQLite, without holding up anybody else?
//!
//! A statement that is known to be short runs where it is called, on the async worker, and costs no switch of threads
//! (which would be 0.1 ms, ten times the statement). Everything else runs on a blocking thread: the first run of a
//! statement, what has taken long before, and PRAGMA and its like. A commit waits for the disk, but only one connection
//! can commit at one time, so it holds up one worker at most; when the disk is slow it goes to a blocking thread too.
//! A lock that another connection holds is never waited for on a thread: the call sleeps, and is woken when a
//! connection of this host lets go.

mod connection;
mod statement;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

pub use connection::Connection;
pub use statement::{Answer, Job};

use crate::failure::{Failure, Outcome};

/// A statement whose runs took longer than this is not run on an async worker.
const SHORT: Duration = Duration::from_micros(400);
/// The same for a commit.
const SHORT_SYNC: Duration = Duration::from_micros(1_500);
/// A read that turns out longer than this on an async worker is stopped and begun again on a blocking thread.
const TOO_LONG: Duration = Duration::from_millis(2);
/// How many statements' times are remembered for one database.
const REMEMBERED: usize = 4096;

/// Where a database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In this file.
    File(PathBuf),
    /// In memory, anew for every connection.
    Memory,
}

/// One database, as all connections to it share it.
#[derive(Debug)]
pub struct Database {
    location: Location,
    /// How long each statement takes on average, in microseconds.
    times: RwLock<HashMap<String, u32>>,
    /// Told when a connection has let go of the write lock.
    released: Notify,
    /// Stays open so that closing the last connection of a component does not fold the write-ahead log each time.
    keeper: Mutex<Option<rusqlite::Connection>>,
}

impl Database {
    /// A database at this place; nothing is opened yet.
    pub fn new(location: Location) -> Arc<Self> {
        Arc::new(Self {
            location,
            times: RwLock::default(),
            released: Notify::new(),
            keeper: Mutex::new(None),
        })
    }

    /// Where it lives.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Whether a statement has run before and takes no longer than this.
    fn known(&self, sql: &str, limit: Duration) -> bool {
        let times = self.times.read().unwrap_or_else(PoisonError::into_inner);
        times.get(sql).is_some_and(|average| Duration::from_micros(u64::from(*average)) <= limit)
    }

    /// Remembers how long a statement took.
    fn took(&self, sql: &str, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let mut times = self.times.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(average) = times.get_mut(sql) {
            *average = average.midpoint(micros);
            return;
        }
        if times.len() >= REMEMBERED {
            times.clear();
        }
        times.insert(sql.to_owned(), micros);
    }

    /// Opens the connection that keeps the write-ahead log alive, or lets it notice a new journal mode.
    fn keep(&self) {
        let Location::File(path) = &self.location else { return };
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if keeper.is_none() {
            *keeper = rusqlite::Connection::open_with_flags(path, statement::flags()).ok();
        }
        if let Some(connection) = keeper.as_ref() {
            let _unused: Result<i64, _> =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
        }
    }
}

/// The databases of the application by label.
pub type Databases = BTreeMap<String, Arc<Database>>;

/// Decides where each label lives: the runtime configuration's word first, else a file in the state directory, else memory.
///
/// # Errors
/// If a database's directory cannot be made.
pub fn locate(
    labels: impl IntoIterator<Item = String>,
    configured: &BTreeMap<String, Option<PathBuf>>,
    state: Option<&Path>,
) -> Outcome<Databases> {
    let mut databases = Databases::new();
    for label in labels {
        let default = || state.map(|dir| dir.join("sqlite").join(format!("{label}.db")));
        let path = match configured.get(&label) {
            Some(Some(path)) => Some(path.clone()),
            Some(None) | None => default(),
        };
        if let Some(parent) = path.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(parent).map_err(|e| {
                Failure::new(
                    format!(
                        "The directory {} of the database '{label}' cannot be made: {e}.",
                        parent.display()
                    ),
                    "Components could not store anything.",
                    "Check the path and its permissions.",
                )
            })?;
        }
        let location = path.map_or(Location::Memory, Location::File);
        if location == Location::Memory {
            tracing::warn!(
                label,
                "This database lives in memory only, anew for every connection; give --state DIR to keep it"
            );
        }
        databases.insert(label, Database::new(location));
    }
    Ok(databases)
}
