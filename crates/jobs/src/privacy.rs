//! How does the queue forget? Jobs whose time is over, and jobs that would reach somebody who is being erased.

use crate::store::privacy as store;
use db::{DbError, Scope};
use kernel::{Instant, Person};

pub use store::REDACTIONS;

/// Removes the oldest jobs that ended before `limit`, dead letters too with what they hold, `most` at most, within the caller's transaction;
/// tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    store::forget(scope, limit, most).await
}

/// Takes back the queued jobs that would carry these messages, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn take_back_carriers(
    scope: &mut Scope<'_>,
    messages: &[String],
    now: Instant,
) -> Result<usize, DbError> {
    let ids: Vec<&str> = messages.iter().map(String::as_str).collect();
    if ids.is_empty() { Ok(0) } else { store::cancel_carriers(scope, &ids, now).await }
}

/// Takes back those of these jobs that are queued, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn take_back(scope: &mut Scope<'_>, jobs: &[String], now: Instant) -> Result<usize, DbError> {
    if jobs.is_empty() { Ok(0) } else { store::cancel_queued(scope, jobs, now).await }
}

/// Takes back the queued jobs that would tell a person something, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn take_back_telling(
    scope: &mut Scope<'_>,
    person: &Person,
    now: Instant,
) -> Result<usize, DbError> {
    store::cancel_telling(scope, &person.email.to_lowercase(), &person.pseudonym(), now).await
}
