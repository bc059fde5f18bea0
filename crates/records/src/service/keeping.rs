//! How do planned changes become rows? Insertions, updates and deletions together, and one row of the audit for each.

use crate::{Change, Record, RecordType, store::record as store};
use audit::Entry;
use db::{DbError, Scope};
use kernel::Call;
use std::sync::Arc;

/// Some records of one type.
type Group<'a> = (Arc<RecordType>, Vec<&'a Record>);

fn put<'a>(groups: &mut Vec<Group<'a>>, change: &Change, record: &'a Record) {
    match groups.iter_mut().find(|(kind, _)| kind.name == change.kind.name) {
        Some((_, records)) => records.push(record),
        None => groups.push((Arc::clone(&change.kind), vec![record])),
    }
}

/// Writes planned changes with their audit, within the transaction that they were planned in. What is as it was is left alone.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn keep(scope: &mut Scope<'_>, call: &Call, changes: &[Change]) -> Result<(), DbError> {
    let changes: Vec<&Change> = changes.iter().filter(|change| !change.is_nothing()).collect();
    let (mut made, mut changed, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for change in &changes {
        match (&change.before, &change.after) {
            (None, Some(after)) => put(&mut made, change, after),
            (Some(_), Some(after)) => put(&mut changed, change, after),
            (Some(before), None) => gone.push(&before.id),
            (None, None) => {}
        }
    }
    for (kind, records) in &made {
        store::insert(scope, kind, records).await?;
    }
    for (kind, records) in &changed {
        store::update(scope, kind, records).await?;
    }
    store::delete(scope, &gone).await?;
    let entries: Vec<Entry<'_>> = changes.iter().filter_map(|change| change.entry()).collect();
    audit::append_many(scope, call, &entries).await
}
