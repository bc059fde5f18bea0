//! How are old rows removed, so that the rest still holds? A row says where the chain was cut; then what stands before the
//! cut is removed bit by bit.

use crate::{
    Entry, cover,
    service::{reading, write},
    store::{self, forget as rows},
};
use db::{DbError, Scope};
use kernel::{Call, Instant};
use serde_json::json;

/// The place of the last row that was written before `limit` and may go; `None` if none may.
///
/// # Errors
/// [`DbError`].
pub async fn due(scope: &mut Scope<'_>, limit: Instant) -> Result<Option<i64>, DbError> {
    let chain = store::chain(scope).await?;
    let to = reading::place_of(scope, &chain, limit).await?.saturating_sub(1);
    Ok((to >= chain.first).then_some(to))
}

/// Lets the tenant's chain begin after the row at `to`, within the caller's transaction. A row `audit.retention` says so,
/// with the hash after which the rest stands. The rows themselves go by [`sweep`]. False, and nothing is done, if the chain
/// has a gap at this very place: a cut would hide it.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn cut(scope: &mut Scope<'_>, call: &Call, to: i64, limit: Instant) -> Result<bool, DbError> {
    let chain = store::chain(scope).await?;
    let hash = if to < chain.first || to > chain.length { None } else { store::hash_at(scope, to).await? };
    let Some(hash) = hash else { return Ok(false) };
    let entry = Entry {
        action: cover::CUT,
        subject: "audit",
        before: Some(json!({"first": chain.first})),
        after: Some(json!({"removed_to": to, "hash": hash.to_string(), "older_than": limit.to_string()})),
    };
    let by = write(scope, &[(call, &entry)]).await?;
    rows::cut(scope, to, hash, by).await?;
    Ok(true)
}

/// Removes rows from before the chain's beginning, `limit` at most, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn sweep(scope: &mut Scope<'_>, limit: i64) -> Result<usize, DbError> {
    rows::sweep(scope, limit).await
}
