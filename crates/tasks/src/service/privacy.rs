//! What is held of a person here, and what is too old to be kept?

use crate::store::{comment, privacy as store, task};
use db::{DbError, Scope};
use kernel::{Instant, Person};

/// The names of the sections of [`personal_data`], in their order.
pub const SECTIONS: [&str; 2] = ["tasks", "task_comments"];

/// What is held of a person in one section, after the key `after`, `most` at most: each key with what it is as JSON text.
///
/// # Errors
/// [`DbError`].
pub async fn personal_data(
    scope: &mut Scope<'_>,
    section: &str,
    person: &Person,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    if section == "tasks" {
        store::tasks(scope, person, after, most).await
    } else {
        store::comments(scope, person, after, most).await
    }
}

/// Removes tasks that ended before `limit` with what was said about them, at most so many rows, within the caller's
/// transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    // Comments go first, so that no task takes more with it than a step may.
    let gone = comment::forget(scope, limit, most).await?;
    if gone > 0 { Ok(gone) } else { task::forget(scope, limit, most).await }
}
