//! What is held of somebody to whom messages go, and how does it go?

use crate::{NotificationError, Recipient, store::privacy as store};
use db::{DbError, Scope};
use kernel::{Instant, Person};

pub use store::REDACTIONS;

fn recipient(person: &Person) -> Result<Recipient, DbError> {
    let read = person.email.parse();
    read.map_err(|_| DbError::Decode { column: "email".to_owned(), wanted: "a recipient's address" })
}

/// The messages to a person after the id `after`, `most` at most: each id with the message as JSON text.
///
/// # Errors
/// [`DbError`].
pub async fn personal_data(
    scope: &mut Scope<'_>,
    person: &Person,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    store::personal(scope, &recipient(person)?, after, most).await
}

/// Removes messages to a person from the inbox and everywhere, `most` at most, within the caller's transaction; gives
/// their ids, whose carriers are to be taken back.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn erase(scope: &mut Scope<'_>, person: &Person, most: i64) -> Result<Vec<String>, DbError> {
    store::remove_to(scope, &recipient(person)?, most).await
}

/// Removes the oldest messages of before `limit`, `most` at most, within the caller's transaction; gives their ids.
///
/// # Errors
/// [`NotificationError::Db`]; give the transaction up then.
pub async fn forget(
    scope: &mut Scope<'_>,
    limit: Instant,
    most: i64,
) -> Result<Vec<String>, NotificationError> {
    Ok(store::remove_old(scope, limit, most).await?)
}
