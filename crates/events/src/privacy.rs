//! How does the ledger forget?

use crate::store::privacy as store;
use db::{DbError, Scope};
use kernel::Instant;

pub use store::REDACTIONS;

/// Removes the oldest events that came before `limit`, `most` at most, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    store::forget(scope, limit, most).await
}
