//! How does a change of ours raise its events? Within its own transaction: matched, with their jobs, or not at all.

use crate::{Books, Draft, PublishError, Receipt, books::Book, decide, regard, write};
use db::Tx;
use events::{EventError, NewEvent, Origin};
use kernel::{Call, EventId, Principal};
use serde_json::Value;
use std::sync::Arc;

/// Raises events on behalf of `call`, whose change they tell of; gives one receipt for each.
///
/// # Errors
/// [`PublishError`]; give the transaction up then.
pub(crate) async fn announce(
    tx: &mut Tx,
    books: &Books,
    call: &Call,
    origin: &Origin,
    events: Vec<NewEvent>,
) -> Result<Vec<Receipt>, PublishError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let book = books.within(tx, call.tenant()).await?;
    let wanted: Vec<_> = events.iter().map(|event| regard::wanted(&book, event)).collect();
    let records = regard::records(&mut tx.scope(call.tenant()), &wanted).await?;
    let drafts = drafted(&book, call, origin, events.into_iter().zip(records))?;
    written(tx, &drafts).await
}

/// Decides what comes of events that a change of ours raises, each with the record that it is about.
///
/// # Errors
/// [`EventError`]; nothing is written yet.
pub(crate) fn drafted(
    book: &Arc<Book>,
    call: &Call,
    origin: &Origin,
    events: impl IntoIterator<Item = (NewEvent, Option<Value>)>,
) -> Result<Vec<Draft>, EventError> {
    // The change was let in already, and what it raises with it, whatever happens to the caller's rights meanwhile.
    let principal = Principal { access_revision: i64::MAX, ..call.principal.clone() };
    let call = Call { principal, ..call.clone() };
    let events: Vec<_> = events.into_iter().collect();
    // Ids of one instant sort by chance; what happened first is to be listed first.
    let mut ids: Vec<EventId> = events.iter().map(|_| EventId::new(call.now, &*call.chance)).collect();
    ids.sort();
    let all = ids.into_iter().zip(events);
    all.map(|(id, (event, record))| decide(book, &call, id, event, origin.clone(), record)).collect()
}

/// Writes what was decided; gives one receipt for each.
///
/// # Errors
/// [`PublishError`]; give the transaction up then.
pub(crate) async fn written(tx: &mut Tx, drafts: &[Draft]) -> Result<Vec<Receipt>, PublishError> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let drafts: Vec<&Draft> = drafts.iter().collect();
    let written = write::write(tx, &drafts).await?;
    let receipts = written.into_iter().map(|written| match written {
        write::Written::Stored(receipt) => Ok(receipt),
        write::Written::Refused(error) => Err(error),
        // The book is of this very transaction.
        write::Written::RulesMoved => Err(PublishError::Restless),
    });
    receipts.collect()
}
