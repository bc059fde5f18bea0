//! How is the audit written and read? Within the transaction of whoever changes something, in two statements.

mod cut;
mod forget;
mod reading;
#[cfg(test)]
mod tests;

pub use cut::{cut, due, sweep};
pub use forget::{Trace, erase, personal_data, traces};
pub use reading::{Anchor, export, head, list, range, verify, verify_from};

use crate::{Content, Entry, Format, GENESIS, Recorded, Salt, chain, store};
use db::{DbError, Scope};
use kernel::{AuditId, Call};

/// Writes one row, within the caller's transaction: what the call did is on record if and only if it was done.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn append(scope: &mut Scope<'_>, call: &Call, entry: &Entry<'_>) -> Result<(), DbError> {
    append_many(scope, call, std::slice::from_ref(entry)).await
}

/// Writes several rows in their order, in two statements however many they are.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn append_many(scope: &mut Scope<'_>, call: &Call, entries: &[Entry<'_>]) -> Result<(), DbError> {
    let entries: Vec<(&Call, &Entry<'_>)> = entries.iter().map(|entry| (call, entry)).collect();
    write(scope, &entries).await.map(drop)
}

/// Writes rows of several calls in their order, in two statements however many they are: for those who commit together.
/// All are the scope's tenant's.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn append_for(scope: &mut Scope<'_>, entries: &[(&Call, Entry<'_>)]) -> Result<(), DbError> {
    let entries: Vec<(&Call, &Entry<'_>)> = entries.iter().map(|(call, entry)| (*call, entry)).collect();
    write(scope, &entries).await.map(drop)
}

/// Writes rows and gives the place of the first.
async fn write(scope: &mut Scope<'_>, entries: &[(&Call, &Entry<'_>)]) -> Result<i64, DbError> {
    let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(0);
    }
    let head = store::take(scope, count).await?;
    let first = head.sequence.saturating_add(1);
    let mut before = head.hash;
    let rows: Vec<Recorded> = (first..)
        .zip(entries)
        .map(|(sequence, (call, entry))| {
            let [address, earlier, after] = Salt::three(&*call.chance);
            let text = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
            let mut row = Recorded {
                format: Format::Two,
                tenant: scope.tenant().clone(),
                sequence,
                id: AuditId::new(call.now, &*call.chance),
                at: call.now,
                actor: call.principal.actor.name().to_owned(),
                action: entry.action.to_owned(),
                subject: entry.subject.to_owned(),
                request: call.request.as_str().to_owned(),
                address: Content::salted(call.address.clone(), address),
                before: Content::salted(text(&entry.before), earlier),
                after: Content::salted(text(&entry.after), after),
                erased_by: None,
                hash: GENESIS,
            };
            row.hash = chain::committed(before, &row);
            before = row.hash;
            row
        })
        .collect();
    store::insert(scope, &rows).await?;
    Ok(first)
}
