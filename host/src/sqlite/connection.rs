//! What is a component's connection?
//!
//! A connection opens at its first use and belongs to one handle; when the handle goes, an open transaction is rolled
//! back. It decides for each statement where to run it and how to wait for a lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rusqlite::TransactionState;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::statement::{self, Kind, Stop};
use super::{Answer, Database, Job, Location, SHORT, SHORT_SYNC, TOO_LONG};

/// How long a locked database is waited for, as Spin's SQLite does by default.
const BUSY_TIMEOUT_MS: u32 = 5_000;
/// The first and the longest pause before a lock that another process may hold is asked for again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));
/// Statements that stay prepared on one connection.
const CACHED_STATEMENTS: usize = 128;
/// After how many steps of SQLite's machine a running statement looks at the clock.
const STEPS_PER_LOOK: i32 = 2_000;

/// A connection that opens at its first use.
#[derive(Debug)]
pub struct Connection {
    database: Arc<Database>,
    session: Mutex<Option<Session>>,
    /// How long to wait for a lock, in milliseconds; a component may change it by `PRAGMA busy_timeout`.
    patience: AtomicU32,
}

/// An open connection.
#[derive(Debug)]
struct Session {
    sqlite: rusqlite::Connection,
    /// When a statement on an async worker has to stop, in microseconds since `born`; zero for never.
    stop_at: Arc<AtomicU64>,
    born: Instant,
    /// The busy timeout that SQLite itself has at the moment.
    native_patience: u32,
}

enum Attempt {
    Done(Answer),
    Locked(Answer),
    /// Not here: on a blocking thread.
    Elsewhere,
}

impl Connection {
    /// A connection to this database; nothing is opened yet.
    pub fn new(database: Arc<Database>) -> Arc<Self> {
        Arc::new(Self { database, session: Mutex::new(None), patience: AtomicU32::new(BUSY_TIMEOUT_MS) })
    }

    /// Runs one statement to its end.
    pub async fn execute(self: &Arc<Self>, job: Job) -> Answer {
        let mut attempt = self.here(&job);
        let job = Arc::new(job);
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            match attempt {
                Attempt::Done(answer) => return answer,
                Attempt::Elsewhere => {
                    let (this, work) = (Arc::clone(self), Arc::clone(&job));
                    attempt = match tokio::task::spawn_blocking(move || this.anywhere(&work)).await {
                        Ok(attempt) => attempt,
                        Err(error) => return Answer::io(format!("internal runtime error: {error}")),
                    };
                }
                Attempt::Locked(answer) => {
                    let patience = Duration::from_millis(u64::from(self.patience.load(Ordering::Relaxed)));
                    let Some(left) = patience.checked_sub(begun.elapsed()).filter(|left| !left.is_zero())
                    else {
                        return answer;
                    };
                    // An early wake-up or none at all is fine: the lock itself is asked again.
                    let _elapsed =
                        tokio::time::timeout(pause.min(left), self.database.released.notified()).await;
                    pause = (pause * 2).min(PAUSES.1);
                    attempt = self.here(&job);
                }
            }
        }
    }

    /// The row id of the last insert on this connection.
    pub async fn last_insert_rowid(self: &Arc<Self>) -> i64 {
        self.ask(rusqlite::Connection::last_insert_rowid).await
    }

    /// How many rows the last statement changed.
    pub async fn changes(self: &Arc<Self>) -> u64 {
        self.ask(rusqlite::Connection::changes).await
    }

    /// Asks the connection something that it knows; waits on a blocking thread while a statement runs.
    async fn ask<R: Default + Send + 'static>(self: &Arc<Self>, what: fn(&rusqlite::Connection) -> R) -> R {
        let ask = move |session: &Option<Session>| session.as_ref().map(|session| what(&session.sqlite));
        if let Ok(session) = self.session.try_lock() {
            return ask(&session).unwrap_or_default();
        }
        let this = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || ask(&this.session())).await;
        asked.ok().flatten().unwrap_or_default()
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the statement on this thread if it is short and cannot wait.
    fn here(&self, job: &Job) -> Attempt {
        let mut guard = match self.session.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Attempt::Elsewhere,
        };
        let Some(session) = guard.as_mut() else { return Attempt::Elsewhere };
        let idle = session.sqlite.is_autocommit();
        let writing = matches!(session.sqlite.transaction_state::<&str>(None), Ok(TransactionState::Write));
        match job.kind {
            Kind::Heavy => return Attempt::Elsewhere,
            Kind::Commit if writing && !self.database.known(&job.sql, SHORT_SYNC) => {
                return Attempt::Elsewhere;
            }
            Kind::Plain if !self.database.known(&job.sql, SHORT) => return Attempt::Elsewhere,
            Kind::Commit | Kind::Begin | Kind::Plain => {}
        }
        session.patience(0);
        let mut prepared = match session.sqlite.prepare_cached(&job.sql) {
            Ok(prepared) => prepared,
            Err(_) => return Attempt::Elsewhere,
        };
        let reads = prepared.readonly();
        let begun = Instant::now();
        if reads {
            let stop = begun.duration_since(session.born).saturating_add(TOO_LONG);
            session.stop_at.store(u64::try_from(stop.as_micros()).unwrap_or(0), Ordering::Relaxed);
        }
        let (answer, stop) = statement::run(&mut prepared, &job.parameters);
        session.stop_at.store(0, Ordering::Relaxed);
        drop(prepared);
        let took = begun.elapsed();
        if took > SHORT {
            self.database.took(&job.sql, took);
        }
        // Who did not get the lock has none to give: waking others then would be a circle.
        if stop != Stop::Locked && session.sqlite.is_autocommit() && (writing || !reads) {
            self.database.released.notify_one();
        }
        match stop {
            Stop::Ended => Attempt::Done(answer),
            Stop::Interrupted => Attempt::Elsewhere,
            Stop::Locked if idle || job.kind == Kind::Commit => Attempt::Locked(answer),
            Stop::Locked => Attempt::Elsewhere,
        }
    }

    /// Runs the statement on this thread, which may block.
    fn anywhere(&self, job: &Job) -> Attempt {
        let mut guard = self.session();
        let session = match open_once(&mut guard, &self.database) {
            Ok(session) => session,
            Err(error) => return Attempt::Done(Answer::io(error.to_string())),
        };
        let patience = self.patience.load(Ordering::Relaxed);
        let idle = session.sqlite.is_autocommit();
        // Inside a transaction only SQLite knows whether waiting can help, so it waits itself; so it does for PRAGMA
        // and its like, which would otherwise read a changed timeout.
        let retried = job.kind == Kind::Commit || (idle && job.kind != Kind::Heavy);
        session.patience(if retried { 0 } else { patience });
        let begun = Instant::now();
        let (answer, stop) = match session.sqlite.prepare_cached(&job.sql) {
            Ok(mut prepared) => statement::run(&mut prepared, &job.parameters),
            Err(error) => statement::unprepared(&error),
        };
        if matches!(job.kind, Kind::Plain | Kind::Commit) && stop == Stop::Ended {
            self.database.took(&job.sql, begun.elapsed());
        }
        if job.names("busy_timeout") {
            session.native_patience = read_patience(&session.sqlite);
            self.patience.store(session.native_patience, Ordering::Relaxed);
        }
        let free = stop != Stop::Locked && session.sqlite.is_autocommit();
        if job.names("journal_mode") {
            self.database.keep();
        }
        drop(guard);
        if free {
            self.database.released.notify_one();
        }
        if stop == Stop::Locked && retried { Attempt::Locked(answer) } else { Attempt::Done(answer) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(session) = self.session.get_mut().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let database = Arc::clone(&self.database);
        let close = move || {
            drop(session); // rolls back
            database.released.notify_one();
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(close)),
            Err(_) => close(),
        }
    }
}

impl Session {
    fn patience(&mut self, milliseconds: u32) {
        let time = Duration::from_millis(u64::from(milliseconds));
        if self.native_patience != milliseconds && self.sqlite.busy_timeout(time).is_ok() {
            self.native_patience = milliseconds;
        }
    }
}

fn open_once<'a>(slot: &'a mut Option<Session>, database: &Database) -> rusqlite::Result<&'a mut Session> {
    match slot {
        Some(session) => Ok(session),
        None => Ok(slot.insert(open(database)?)),
    }
}

fn open(database: &Database) -> rusqlite::Result<Session> {
    let mut sqlite = match &database.location {
        Location::Memory => rusqlite::Connection::open_in_memory()?,
        Location::File(path) => rusqlite::Connection::open_with_flags(path, statement::flags())?,
    };
    sqlite.busy_timeout(Duration::from_millis(u64::from(BUSY_TIMEOUT_MS)))?;
    sqlite.pragma_update(None, "foreign_keys", true)?;
    sqlite.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    sqlite.authorizer(Some(authorize))?;
    let (stop_at, born) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let limit = Arc::clone(&stop_at);
    let late = move || {
        let limit = limit.load(Ordering::Relaxed);
        limit != 0 && born.elapsed() > Duration::from_micros(limit)
    };
    sqlite.progress_handler(STEPS_PER_LOOK, Some(late))?;
    database.keep();
    Ok(Session { sqlite, stop_at, born, native_patience: BUSY_TIMEOUT_MS })
}

/// Refuses to attach other files, which is also how VACUUM INTO writes one.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

fn read_patience(sqlite: &rusqlite::Connection) -> u32 {
    sqlite.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap_or(BUSY_TIMEOUT_MS)
}
