//! How is what rules remember loaded and kept? In the transaction that writes the events, so that nothing is counted twice.

use crate::{Memo, Recall, Wanted, store};
use db::{DbError, Scope};
use kernel::{EventId, Instant};

/// What is remembered of what is wanted at `now`: two statements at most.
///
/// # Errors
/// [`DbError`].
pub async fn load(scope: &mut Scope<'_>, wanted: &[Wanted], now: Instant) -> Result<Recall, DbError> {
    store::recall::load(scope, wanted, now).await
}

/// Keeps what events left to be remembered, in the order in which they were decided.
///
/// # Errors
/// [`DbError`].
pub async fn keep(scope: &mut Scope<'_>, events: &[(&EventId, Instant, &[Memo])]) -> Result<(), DbError> {
    if events.iter().all(|(.., memos)| memos.is_empty()) {
        Ok(())
    } else {
        store::recall::keep(scope, events).await
    }
}

/// Forgets what no longer counts at `now`, at most so many rows of each kind; tells how many went.
///
/// # Errors
/// [`DbError`].
pub async fn forget(scope: &mut Scope<'_>, now: Instant, most: i64) -> Result<usize, DbError> {
    store::recall::forget(scope, now, most).await
}
