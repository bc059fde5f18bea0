//! What must every adapter do? One suite, run natively on rusqlite and inside a component on Spin's SQLite.

use crate::{Connection, DbError, Pool, Value};

/// Runs the whole suite on `pool`; the name of the first promise that is broken, or `Ok`.
///
/// # Errors
/// The broken promise, in words.
pub async fn check(pool: &dyn Pool) -> Result<(), String> {
    let mut one = pool.acquire().await.map_err(|error| format!("a connection is to be had: {error}"))?;
    run(&mut *one, "CREATE TABLE IF NOT EXISTS port_contract (id INTEGER PRIMARY KEY, body ANY, note TEXT NOT NULL) STRICT").await?;
    run(&mut *one, "DELETE FROM port_contract").await?;
    values_come_back(&mut *one).await?;
    errors_are_errors(&mut *one).await?;
    clashes_are_answers(&mut *one).await?;
    many_rows_come_whole(&mut *one).await?;
    rollback_leaves_nothing(&mut *one).await?;
    a_dropped_transaction_leaves_nothing(pool).await?;
    run(&mut *one, "DROP TABLE port_contract").await?;
    pool.release(one);
    Ok(())
}

async fn run(connection: &mut dyn Connection, sql: &str) -> Result<(), String> {
    connection.run(sql, Vec::new()).await.map(drop).map_err(|error| format!("{sql}: {error}"))
}

fn holds(promise: &str, true_now: bool) -> Result<(), String> {
    if true_now { Ok(()) } else { Err(promise.to_owned()) }
}

async fn count(connection: &mut dyn Connection) -> Result<i64, String> {
    let rows = connection.run("SELECT COUNT(*) AS n FROM port_contract", Vec::new()).await;
    let counts: Vec<i64> =
        rows.and_then(crate::Rows::decode).map_err(|error| format!("counting: {error}"))?;
    counts.first().copied().ok_or_else(|| "a count gives one row".to_owned())
}

struct Body(Value);
impl crate::Decode for Body {
    fn decode(row: &mut crate::Row<'_>) -> Result<Self, DbError> {
        row.get("body").map(Self)
    }
}
impl crate::FromValue for Value {
    const WANTED: &'static str = "anything";
    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

async fn values_come_back(connection: &mut dyn Connection) -> Result<(), String> {
    let values = [
        Value::Integer(i64::MIN),
        Value::Integer(i64::MAX),
        Value::Real(0.1),
        Value::Text("Zoë \u{0} 🚂".to_owned()),
        Value::Blob(vec![0, 255, 10]),
        Value::Null,
    ];
    for value in values {
        let sql = "INSERT INTO port_contract (body, note) VALUES (?1, 'v') RETURNING body";
        let rows = connection.run(sql, vec![value.clone()]).await;
        let back: Vec<Body> =
            rows.and_then(crate::Rows::decode).map_err(|error| format!("{value:?}: {error}"))?;
        holds("a value comes back as it went in", back.first().is_some_and(|body| body.0 == value))?;
    }
    Ok(())
}

async fn errors_are_errors(connection: &mut dyn Connection) -> Result<(), String> {
    let broken = connection.run("INSERT INTO port_contract (note) VALUES (NULL)", Vec::new()).await;
    holds("a broken constraint is an error", matches!(broken, Err(DbError::Engine(_))))?;
    let unknown = connection.run("SELECT nothing FROM nowhere", Vec::new()).await;
    holds("an unknown table is an error", matches!(unknown, Err(DbError::Engine(_))))
}

async fn clashes_are_answers(connection: &mut dyn Connection) -> Result<(), String> {
    let sql =
        "INSERT INTO port_contract (id, note) VALUES (7000, 'once') ON CONFLICT DO NOTHING RETURNING id AS n";
    let first = connection.run(sql, Vec::new()).await.map_err(|error| error.to_string())?;
    let second = connection.run(sql, Vec::new()).await.map_err(|error| error.to_string())?;
    holds("a clash returns no row", first.len() == 1 && second.is_empty())
}

async fn many_rows_come_whole(connection: &mut dyn Connection) -> Result<(), String> {
    let sql =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT n FROM c";
    let rows = connection.run(sql, Vec::new()).await.map_err(|error| error.to_string())?;
    let numbers: Vec<i64> = rows.decode().map_err(|error| error.to_string())?;
    holds("5,000 rows come, in order", numbers.iter().copied().eq(1..=5000))
}

async fn rollback_leaves_nothing(connection: &mut dyn Connection) -> Result<(), String> {
    let before = count(connection).await?;
    run(connection, "BEGIN IMMEDIATE").await?;
    run(connection, "INSERT INTO port_contract (note) VALUES ('gone')").await?;
    run(connection, "ROLLBACK").await?;
    holds("a rolled-back row is gone", count(connection).await? == before)
}

async fn a_dropped_transaction_leaves_nothing(pool: &dyn Pool) -> Result<(), String> {
    let Ok(mut other) = pool.acquire().await else {
        return Ok(());
    }; // a pool of one connection cannot show this
    let before = count(&mut *other).await?;
    run(&mut *other, "BEGIN IMMEDIATE").await?;
    run(&mut *other, "INSERT INTO port_contract (note) VALUES ('gone')").await?;
    drop(other);
    let mut next = pool.acquire().await.map_err(|error| error.to_string())?;
    holds("a dropped transaction leaves nothing and no lock", count(&mut *next).await? == before)?;
    run(&mut *next, "BEGIN IMMEDIATE").await?;
    run(&mut *next, "ROLLBACK").await?;
    pool.release(next);
    Ok(())
}
