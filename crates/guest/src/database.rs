//! How does Spin's SQLite serve the port? Connections are kept per instance and lent to one request at a time.
//!
//! Spin opens every connection anew and sets no PRAGMA, so each of ours is brought to WAL, its durability and a busy
//! timeout of nothing: who finds the lock taken naps in the guest (docs/decisions/0005-locks-and-naps.md).
//!
//! Statements go by Spin's synchronous `execute`: one trip to the host instead of three (call, rows, result), and a
//! transaction holds the lock for as long as SQLite works, not for as long as the event loop turns between statements.

use db::{Connection, Db, DbError, Pool, Rows, Value, migrate};
use futures::future::{BoxFuture, FutureExt as _, ready};
use send_wrapper::SendWrapper;
use spin_sdk::sqlite::{Error, Value as SpinValue, wit::sqlite::Connection as SpinConnection};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How safe a commit is when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Synced before the answer: nothing acknowledged is lost.
    Full,
    /// The last commits may be lost with the power, never with the process.
    Normal,
    /// Not synced at all: for what may be forgotten.
    Scratch,
}

impl Durability {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "PRAGMA synchronous = FULL",
            Self::Normal => "PRAGMA synchronous = NORMAL",
            Self::Scratch => "PRAGMA synchronous = OFF",
        }
    }
}

/// The connections of one instance to the database behind one label.
pub struct SpinPool {
    label: &'static str,
    durability: Durability,
    migrated: bool,
    /// Whether this instance has seen the schema.
    known: AtomicBool,
    idle: Mutex<Vec<Box<dyn Connection>>>,
}

/// A writer waits so long, in milliseconds, for the lock before it naps. `signalbox` wakes it when the lock is free; Spin
/// looks every millisecond or two. Longer would be SQLite's own busy wait, which sleeps up to 100 ms beside a free lock.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 4";
/// The most connections kept while nobody uses them.
const KEPT: usize = 20;
/// How often, and how long apart, a statement is tried again that found the database locked while it was being opened.
const TRIES: usize = 2000;
const NAP: Duration = Duration::from_millis(1);

impl SpinPool {
    /// The product's database, brought to the newest schema at the first connection.
    #[must_use]
    pub fn product(durability: Durability) -> Db {
        Db::new(Self {
            label: "default",
            durability,
            migrated: true,
            known: AtomicBool::new(false),
            idle: Mutex::default(),
        })
    }

    /// A database that may be lost: counters.
    #[must_use]
    pub fn scratch(label: &'static str) -> Db {
        Db::new(Self {
            label,
            durability: Durability::Scratch,
            migrated: false,
            known: AtomicBool::new(false),
            idle: Mutex::default(),
        })
    }

    async fn open(&self) -> Result<Box<dyn Connection>, DbError> {
        let mut handle =
            Handle(SpinConnection::open_async(self.label.to_owned()).await.map_err(|error| engine(&error))?);
        for sql in [BUSY_TIMEOUT, "PRAGMA journal_mode = WAL", self.durability.pragma()] {
            match patiently(&mut handle, sql).await {
                // A remote database refuses these: it has its own way with locks and syncs.
                Ok(_) | Err(DbError::Engine(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if self.migrated {
            // What is deleted is overwritten, so that an erased person is not found in the file's gaps.
            match patiently(&mut handle, "PRAGMA secure_delete = ON").await {
                Ok(_) | Err(DbError::Engine(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if self.migrated && !self.known.load(Ordering::Relaxed) {
            self.prepare(&mut handle).await?;
            self.known.store(true, Ordering::Relaxed);
        }
        Ok(Box::new(handle))
    }

    /// Brings the schema up, once per instance; nearly always it is there already.
    async fn prepare(&self, handle: &mut Handle) -> Result<(), DbError> {
        let version: Vec<i64> = patiently(handle, db::VERSION).await?.decode()?;
        if version.first() == Some(&db::SCHEMA_VERSION) {
            return Ok(());
        }
        for _ in 0..TRIES {
            match migrate(handle).await {
                Err(DbError::Locked) => crate::nap(NAP).await,
                other => return other.map(drop),
            }
        }
        Err(DbError::Locked)
    }
}

/// Runs a statement that may meet the lock of another instance that starts at the same time.
async fn patiently(handle: &mut Handle, sql: &str) -> Result<Rows, DbError> {
    for _ in 0..TRIES {
        match handle.run(sql, Vec::new()).await {
            Err(DbError::Locked) => crate::nap(NAP).await,
            other => return other,
        }
    }
    Err(DbError::Locked)
}

impl Pool for SpinPool {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, DbError>> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(connection) => futures::future::ready(Ok(connection)).boxed(),
            None => SendWrapper::new(self.open()).boxed(),
        }
    }

    fn release(&self, connection: Box<dyn Connection>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }

    fn nap(&self, length: Duration) -> BoxFuture<'_, ()> {
        crate::nap(length)
    }
}

/// One connection of Spin's.
struct Handle(SpinConnection);

impl Connection for Handle {
    fn run<'a>(&'a mut self, sql: &'a str, parameters: Vec<Value>) -> BoxFuture<'a, Result<Rows, DbError>> {
        let parameters: Vec<SpinValue> = parameters.into_iter().map(outward).collect();
        if sql == db::BEGIN {
            return SendWrapper::new(self.begin()).boxed();
        }
        let outcome = self.0.execute(sql, &parameters).map_err(|error| engine(&error)).map(|result| {
            let rows =
                result.rows.into_iter().map(|row| row.values.into_iter().map(inward).collect()).collect();
            Rows::new(result.columns, rows)
        });
        ready(outcome).boxed()
    }
}

impl Handle {
    /// Waits for the write lock without keeping the instance's other requests from going on.
    async fn begin(&self) -> Result<Rows, DbError> {
        let (_, rows, end) =
            self.0.execute_async(db::BEGIN.to_owned(), Vec::new()).await.map_err(|error| engine(&error))?;
        drop(rows.collect().await);
        end.await.map_err(|error| engine(&error))?;
        Ok(Rows::default())
    }
}

fn outward(value: Value) -> SpinValue {
    match value {
        Value::Integer(number) => SpinValue::Integer(number),
        Value::Real(number) => SpinValue::Real(number),
        Value::Text(text) => SpinValue::Text(text),
        Value::Blob(bytes) => SpinValue::Blob(bytes),
        Value::Null => SpinValue::Null,
    }
}

fn inward(value: SpinValue) -> Value {
    match value {
        SpinValue::Integer(number) => Value::Integer(number),
        SpinValue::Real(number) => Value::Real(number),
        SpinValue::Text(text) => Value::Text(text),
        SpinValue::Blob(bytes) => Value::Blob(bytes),
        SpinValue::Null => Value::Null,
    }
}

fn engine(error: &Error) -> DbError {
    match error {
        Error::NoSuchDatabase | Error::AccessDenied => DbError::Engine(
            "the component may not use this database: its label is missing in spin.toml or in the runtime configuration"
                .to_owned(),
        ),
        Error::InvalidConnection => DbError::Engine("the connection is no longer valid".to_owned()),
        Error::DatabaseFull => DbError::Full,
        Error::Io(text) => DbError::from_engine(text),
    }
}
