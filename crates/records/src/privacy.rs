//! What is held of a person in records, and how are they taken out?

use crate::{
    service::kinds,
    store::{privacy as store, record},
};
use db::{DbError, Found, Redaction, Scope};
use kernel::Person;

pub use store::REDACTIONS;

/// How many records are read anew in one statement.
const WINDOW: i64 = 200;

/// The records that hold a person's address as their own, after the id `after`, `most` at most: each id with the record as
/// JSON text.
///
/// # Errors
/// [`DbError`].
pub async fn personal_data(
    scope: &mut Scope<'_>,
    person: &Person,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    let records = store::personal(scope, &person.email.to_lowercase(), after, most).await?;
    Ok(records.into_iter().map(|record| (record.id.to_string(), record.seen().to_string())).collect())
}

/// Takes a person's address out of the records within the caller's transaction, in the window of [`REDACTIONS`] that
/// `redaction` found; the index of words is told anew, so that nobody finds them by it.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn take_out(scope: &mut Scope<'_>, redaction: &Redaction, found: Found) -> Result<(), DbError> {
    let mut left = found.rows;
    redaction.take_out(scope, found).await?;
    let kinds = kinds::all(scope).await?;
    while left > 0 {
        let records = record::unread(scope, WINDOW).await?;
        if records.is_empty() {
            break;
        }
        record::say(scope, &kinds, &records).await?;
        left = left.saturating_sub(records.len());
    }
    Ok(())
}
