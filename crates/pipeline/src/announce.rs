//! How does a change of ours raise its events? Within its own transaction: matched, with their jobs, or not at all.

use crate::{Books, Draft, PublishError, Receipt, decide, write};
use db::Tx;
use events::{NewEvent, Origin};
use kernel::{Call, EventId, Principal};

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
    // The change was let in already, and what it raises with it, whatever happens to the caller's rights meanwhile.
    let principal = Principal { access_revision: i64::MAX, ..call.principal.clone() };
    let call = Call { principal, ..call.clone() };
    let decided = events.into_iter().map(|event| {
        let id = EventId::new(call.now, &*call.chance);
        decide(&book, &call, id, event, origin.clone(), None)
    });
    let drafts: Vec<Draft> = decided.collect::<Result<_, _>>()?;
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
