//! Which schema does this program want, and how does a database get there?
//!
//! `migrations/NNNN_name.sql` are applied in order, each in one transaction with its entry in `schema_migrations` and
//! the new `PRAGMA user_version`. What was applied is compared by SHA-256: a database that is newer, or whose history
//! differs, is refused.

use crate::{Connection, DbError, Decode, Row, Rows, Value};
use sha2::{Digest, Sha256};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3 …
    pub number: i64,
    /// What it is about.
    pub name: &'static str,
    /// Its statements; each ends with `;` at the end of a line.
    pub sql: &'static str,
}

/// All steps, in order.
pub const MIGRATIONS: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The schema that this program wants: the number of its last migration.
#[expect(clippy::as_conversions, reason = "a count of files; TryFrom is not const")]
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Asks a database for the number of its last migration, as `n`.
pub const VERSION: &str = "SELECT user_version AS n FROM pragma_user_version";

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
const HAS_HISTORY: &str =
    "SELECT COUNT(*) AS n FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";
const APPLIED: &str = "SELECT number, name, checksum FROM schema_migrations ORDER BY number";
const NOTE: &str = "INSERT INTO schema_migrations (number, name, checksum, applied_at)
    VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))";

impl Migration {
    /// SHA-256 of the text, in hexadecimal.
    #[must_use]
    pub fn checksum(&self) -> String {
        Sha256::digest(self.sql).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A migration that a database says was applied to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    number: i64,
    name: String,
    checksum: String,
}

impl Decode for Applied {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { number: row.get("number")?, name: row.get("name")?, checksum: row.get("checksum")? })
    }
}

/// The statements of a migration: comments dropped, cut after each `;` that ends a line.
pub fn statements(sql: &str) -> impl Iterator<Item = String> {
    let bare: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let mut all = Vec::new();
    let mut one = String::new();
    for line in bare {
        one.push_str(line);
        one.push('\n');
        if line.trim_end().ends_with(';') {
            all.push(std::mem::take(&mut one));
        }
    }
    all.push(one);
    all.into_iter().filter(|statement| !statement.trim().is_empty())
}

/// What was applied to this database, in order; nothing if it is empty.
///
/// # Errors
/// [`DbError`].
pub async fn applied(connection: &mut dyn Connection) -> Result<Vec<Applied>, DbError> {
    let known: Vec<i64> = connection.run(HAS_HISTORY, Vec::new()).await?.decode()?;
    if known.first() == Some(&0) {
        return Ok(Vec::new());
    }
    connection.run(APPLIED, Vec::new()).await?.decode()
}

/// Whether `history` is a beginning of our migrations; gives those that are still to be applied.
///
/// # Errors
/// [`DbError::Schema`] if the database is newer than this program, or its history differs.
pub fn verify(history: &[Applied]) -> Result<&'static [Migration], DbError> {
    for (place, was) in history.iter().enumerate() {
        let Some(ours) = MIGRATIONS.get(place) else {
            return Err(DbError::Schema(format!(
                "the database is at version {}, this program knows {SCHEMA_VERSION}: it was used by a newer Signalbox; \
                 start that one, or restore a backup",
                history.len()
            )));
        };
        if was.number != ours.number || was.name != ours.name || was.checksum != ours.checksum() {
            return Err(DbError::Schema(format!(
                "migration {} was applied as {:?} with another content than this program's: the database belongs to \
                 another build or was damaged; restore a backup",
                was.number, was.name
            )));
        }
    }
    Ok(MIGRATIONS.get(history.len()..).unwrap_or_default())
}

/// Brings the database to [`SCHEMA_VERSION`] and gives the numbers that were applied now.
///
/// # Errors
/// [`DbError::Schema`] if it is newer, or its history differs; [`DbError::Locked`] if another writer is at it.
pub async fn migrate(connection: &mut dyn Connection) -> Result<Vec<i64>, DbError> {
    let mut done = Vec::new();
    loop {
        // Cheap and lock-free: nearly always there is nothing to do.
        if verify(&applied(connection).await?)?.is_empty() {
            return Ok(done);
        }
        connection.run("BEGIN IMMEDIATE", Vec::new()).await?;
        match step(connection).await {
            Ok(Some(number)) => {
                connection.run("COMMIT", Vec::new()).await?;
                done.push(number);
            }
            Ok(None) => {
                connection.run("ROLLBACK", Vec::new()).await?;
            }
            Err(error) => {
                // The first error is the one to tell; the connection is dropped with its transaction in any case.
                let _: Result<Rows, DbError> = connection.run("ROLLBACK", Vec::new()).await;
                return Err(error);
            }
        }
    }
}

/// Applies the next migration inside an open transaction; `None` if another process was faster.
async fn step(connection: &mut dyn Connection) -> Result<Option<i64>, DbError> {
    let Some(next) = verify(&applied(connection).await?)?.first() else {
        return Ok(None);
    };
    connection.run(HISTORY, Vec::new()).await?;
    for statement in statements(next.sql) {
        connection.run(&statement, Vec::new()).await.map_err(|error| {
            DbError::Schema(format!("migration {} ({}): {error}", next.number, next.name))
        })?;
    }
    let note = vec![Value::from(next.number), Value::from(next.name), Value::from(next.checksum())];
    connection.run(NOTE, note).await?;
    connection.run(&format!("PRAGMA user_version = {}", next.number), Vec::new()).await?;
    Ok(Some(next.number))
}
