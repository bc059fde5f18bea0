//! What does one statement give back?
//!
//! Runs a statement on an open rusqlite connection and collects columns, rows and the final result. Nothing here waits
//! for anything but SQLite.

use rusqlite::OpenFlags;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::bindings::sqlite::{Error, RowResult, Value};

/// The largest result that one statement may give, in bytes of the host's memory.
const LARGEST_RESULT: usize = 128 << 20;

/// A statement and its parameters.
#[derive(Debug)]
pub struct Job {
    /// The SQL text: one statement. Spin ignores what follows the first `;`; here a second statement is an error.
    pub sql: String,
    /// The parameters in order.
    pub parameters: Vec<Value>,
    /// What kind of statement it is, as far as waiting is concerned.
    pub(super) kind: Kind,
}

/// What matters about a statement before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// COMMIT, END, RELEASE: may wait for the disk.
    Commit,
    /// Begins a transaction; takes a lock, touches no disk worth waiting for.
    Begin,
    /// A PRAGMA, VACUUM and the like: always on a blocking thread.
    Heavy,
    /// Everything else.
    Plain,
}

impl Job {
    /// A statement with its parameters.
    pub fn new(sql: String, parameters: Vec<Value>) -> Self {
        let first: String =
            past_comments(&sql).chars().take_while(char::is_ascii_alphabetic).take(10).collect();
        let kind = match first.to_ascii_uppercase().as_str() {
            "COMMIT" | "END" | "RELEASE" => Kind::Commit,
            "BEGIN" | "SAVEPOINT" | "ROLLBACK" => Kind::Begin,
            "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "WITH" | "REPLACE" | "VALUES" => Kind::Plain,
            _ => Kind::Heavy,
        };
        Self { sql, parameters, kind }
    }

    /// Whether the statement's text names this word, whatever its case.
    pub(super) fn names(&self, word: &str) -> bool {
        self.kind == Kind::Heavy && self.sql.to_ascii_lowercase().contains(word)
    }
}

/// The statement from its first word on.
fn past_comments(sql: &str) -> &str {
    let mut left = sql.trim_start();
    loop {
        let rest = if let Some(line) = left.strip_prefix("--") {
            line.split_once('\n').map(|(_, rest)| rest)
        } else if let Some(block) = left.strip_prefix("/*") {
            block.split_once("*/").map(|(_, rest)| rest)
        } else {
            return left;
        };
        left = rest.unwrap_or("").trim_start();
    }
}

/// What a statement gave: rows, and how it ended.
#[derive(Debug)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows up to the end or the error.
    pub rows: Vec<RowResult>,
    /// How it ended.
    pub result: Result<(), Error>,
}

/// Why a statement stopped, when it matters to whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It ended, well or badly.
    Ended,
    /// Another connection holds the lock, and asking again may help.
    Locked,
    /// It was interrupted because it took too long where it ran.
    Interrupted,
}

impl Answer {
    fn failed(error: Error) -> Self {
        Self { columns: Vec::new(), rows: Vec::new(), result: Err(error) }
    }

    /// An answer that is only an I/O error with this text.
    pub(super) fn io(text: impl Into<String>) -> Self {
        Self::failed(Error::Io(text.into()))
    }
}

/// How the host opens files: no URIs, so that a label's path means only itself.
pub(super) fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Runs a prepared statement to its end and collects everything.
pub(super) fn run(statement: &mut rusqlite::Statement<'_>, parameters: &[Value]) -> (Answer, Stop) {
    let columns = statement.column_names().map(ToOwned::to_owned).collect::<Vec<_>>();
    let width = columns.len();
    let mut answer = Answer { columns, rows: Vec::new(), result: Ok(()) };
    let mut rows = match statement.query(rusqlite::params_from_iter(parameters.iter().map(Bound))) {
        Ok(rows) => rows,
        Err(error) => return stopped(answer, &error),
    };
    let mut size = 0_usize;
    loop {
        match rows.next() {
            Ok(None) => return (answer, Stop::Ended),
            Ok(Some(row)) => match read(row, width) {
                Ok(values) => {
                    size = values.iter().map(weight).fold(size, usize::saturating_add);
                    if size > LARGEST_RESULT {
                        answer.result =
                            Err(Error::Io(format!("query result exceeds limit of {LARGEST_RESULT} bytes")));
                        return (answer, Stop::Ended);
                    }
                    answer.rows.push(RowResult { values });
                }
                Err(text) => {
                    answer.result = Err(Error::Io(text));
                    return (answer, Stop::Ended);
                }
            },
            Err(error) => return stopped(answer, &error),
        }
    }
}

/// The answer to an error of SQLite, and what it means for whoever ran the statement.
pub(super) fn stopped(mut answer: Answer, error: &rusqlite::Error) -> (Answer, Stop) {
    let stop = match error.sqlite_error() {
        // A snapshot that has become old does not become young by waiting.
        Some(e) if e.extended_code == rusqlite::ffi::SQLITE_BUSY_SNAPSHOT => Stop::Ended,
        Some(e) if e.code == rusqlite::ErrorCode::DatabaseBusy => Stop::Locked,
        Some(e) if e.code == rusqlite::ErrorCode::OperationInterrupted => Stop::Interrupted,
        Some(_) | None => Stop::Ended,
    };
    answer.result = Err(match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => Error::DatabaseFull,
        Some(_) | None => Error::Io(error.to_string()),
    });
    (answer, stop)
}

/// The answer to an error before any row.
pub(super) fn unprepared(error: &rusqlite::Error) -> (Answer, Stop) {
    stopped(Answer { columns: Vec::new(), rows: Vec::new(), result: Ok(()) }, error)
}

fn read(row: &rusqlite::Row<'_>, width: usize) -> Result<Vec<Value>, String> {
    (0..width)
        .map(|column| {
            Ok(match row.get_ref(column).map_err(|e| e.to_string())? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(integer) => Value::Integer(integer),
                ValueRef::Real(real) => Value::Real(real),
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                ValueRef::Text(text) => match std::str::from_utf8(text) {
                    Ok(text) => Value::Text(text.to_owned()),
                    Err(_) => {
                        return Err(format!(
                            "the text in column {column} is not UTF-8; bytes belong into a BLOB"
                        ));
                    }
                },
            })
        })
        .collect()
}

fn weight(value: &Value) -> usize {
    let payload = match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Integer(_) | Value::Real(_) | Value::Null => 0,
    };
    payload.saturating_add(size_of::<Value>())
}

/// A parameter as rusqlite takes it, without a copy.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
