//! The adapter on rusqlite: for native tests, and for the `signalbox` program's own commands.

use crate::{Connection, Db, DbError, Pool, Rows, Value, migrate};
use futures::future::{BoxFuture, FutureExt as _, ready};
use rusqlite::types::{Value as Cell, ValueRef};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// One rusqlite connection.
struct Handle(rusqlite::Connection);

fn engine(error: &rusqlite::Error) -> DbError {
    DbError::from_engine(&error.to_string())
}

fn run(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: Vec<Value>,
) -> Result<Rows, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let parameters = parameters.into_iter().map(|value| match value {
        Value::Integer(number) => Cell::Integer(number),
        Value::Real(number) => Cell::Real(number),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Blob(bytes),
        Value::Null => Cell::Null,
    });
    let mut cursor = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next()? {
        let values: Result<Vec<Value>, rusqlite::Error> = (0..columns.len())
            .map(|place| {
                Ok(match row.get_ref(place)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Real(number) => Value::Real(number),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                })
            })
            .collect();
        rows.push(values?);
    }
    Ok(Rows::new(columns, rows))
}

impl Connection for Handle {
    fn run<'a>(&'a mut self, sql: &'a str, parameters: Vec<Value>) -> BoxFuture<'a, Result<Rows, DbError>> {
        ready(run(&self.0, sql, parameters).map_err(|error| engine(&error))).boxed()
    }
}

/// A pool on one file.
pub struct Native {
    file: PathBuf,
    idle: Mutex<Vec<Box<dyn Connection>>>,
}

/// Where the one connection to a database in memory lives while nobody uses it.
type Home = Arc<Mutex<Option<rusqlite::Connection>>>;

/// A pool of one connection, to a database in memory.
struct Memory(Home);

/// The one connection on loan: it rolls back and goes home when dropped, for the database would be gone with it.
struct Loan {
    connection: Option<rusqlite::Connection>,
    home: Home,
}

impl Connection for Loan {
    fn run<'a>(&'a mut self, sql: &'a str, parameters: Vec<Value>) -> BoxFuture<'a, Result<Rows, DbError>> {
        let outcome = match &self.connection {
            Some(connection) => run(connection, sql, parameters).map_err(|error| engine(&error)),
            None => Err(DbError::Locked),
        };
        ready(outcome).boxed()
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.is_autocommit() {
            // If even this fails the next statement will tell.
            let _: Result<(), rusqlite::Error> = connection.execute_batch("ROLLBACK");
        }
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }
}

/// Lets whatever else the caller's executor runs go on.
async fn yield_once() {
    let mut yielded = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl Pool for Memory {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, DbError>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let loan = kept.map(|connection| -> Box<dyn Connection> {
            Box::new(Loan { connection: Some(connection), home: Arc::clone(&self.0) })
        });
        ready(loan.ok_or(DbError::Locked)).boxed()
    }

    fn release(&self, connection: Box<dyn Connection>) {
        drop(connection);
    }

    fn nap(&self, length: Duration) -> BoxFuture<'_, ()> {
        std::thread::sleep(length);
        yield_once().boxed()
    }
}

impl Native {
    /// The database in `file`, made if it is missing, brought to the newest schema.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn file(file: &Path) -> Result<Db, DbError> {
        let pool = Self { file: file.to_owned(), idle: Mutex::default() };
        let mut first = open(file)?;
        futures::executor::block_on(migrate(&mut first))?;
        pool.release(Box::new(impatient(first)?));
        Ok(Db::new(pool))
    }

    /// A database in memory at the newest schema. It has one connection: a second use while the first goes on is
    /// [`DbError::Locked`], which finds a use case that reads beside its own transaction.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn memory() -> Result<Db, DbError> {
        let connection = rusqlite::Connection::open_in_memory().map_err(|error| engine(&error))?;
        connection.pragma_update(None, "foreign_keys", "ON").map_err(|error| engine(&error))?;
        connection.set_prepared_statement_cache_capacity(128);
        let mut handle = Handle(connection);
        futures::executor::block_on(migrate(&mut handle))?;
        Ok(Db::new(Memory(Arc::new(Mutex::new(Some(handle.0))))))
    }
}

/// One connection to `file` as the components have it, without migrating it: for `signalbox doctor`.
///
/// # Errors
/// [`DbError`].
pub fn connect(file: &Path) -> Result<Box<dyn Connection>, DbError> {
    Ok(Box::new(open(file)?))
}

/// Waiting for the lock is the caller's affair, by naps.
fn impatient(handle: Handle) -> Result<Handle, DbError> {
    handle.0.busy_timeout(Duration::ZERO).map_err(|error| engine(&error))?;
    Ok(handle)
}

fn open(file: &Path) -> Result<Handle, DbError> {
    let set = || -> Result<rusqlite::Connection, rusqlite::Error> {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(connection)
    };
    set().map(Handle).map_err(|error| engine(&error))
}

impl Pool for Native {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, DbError>> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => Ok(connection),
            None => {
                open(&self.file).and_then(impatient).map(|handle| -> Box<dyn Connection> { Box::new(handle) })
            }
        };
        ready(connection).boxed()
    }

    fn release(&self, connection: Box<dyn Connection>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn nap(&self, length: Duration) -> BoxFuture<'_, ()> {
        std::thread::sleep(length);
        yield_once().boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn the_contract_holds_on_a_file() {
        let folder = std::env::temp_dir().join(format!("signalbox-db-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("contract.db");
        let pool = Native { file, idle: Mutex::default() };
        let outcome = futures::executor::block_on(contract::check(&pool));
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn a_fresh_database_is_brought_to_the_newest_schema_once() {
        let mut handle = Handle(rusqlite::Connection::open_in_memory().unwrap());
        let numbers = futures::executor::block_on(migrate(&mut handle)).unwrap();
        assert_eq!(numbers, (1..=crate::SCHEMA_VERSION).collect::<Vec<_>>());
        assert_eq!(futures::executor::block_on(migrate(&mut handle)).unwrap(), Vec::<i64>::new());
    }

    #[test]
    fn a_newer_or_changed_schema_is_refused() {
        let mut handle = Handle(rusqlite::Connection::open_in_memory().unwrap());
        futures::executor::block_on(migrate(&mut handle)).unwrap();
        handle.0.execute("UPDATE schema_migrations SET checksum = 'x' WHERE number = 1", []).unwrap();
        let changed = futures::executor::block_on(migrate(&mut handle)).unwrap_err().to_string();
        assert!(changed.contains("another content"), "{changed}");

        let mut handle = Handle(rusqlite::Connection::open_in_memory().unwrap());
        futures::executor::block_on(migrate(&mut handle)).unwrap();
        handle.0.execute("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 0)", []).unwrap();
        let newer = futures::executor::block_on(migrate(&mut handle)).unwrap_err().to_string();
        assert!(newer.contains("newer Signalbox"), "{newer}");
    }
}
