//! What does somebody find in the inbox, and what of it is read?

use super::end;
use crate::{InboxEntry, NotificationError, Recipient, store::inbox as store};
use db::Db;
use kernel::{Call, MessageId, Page, PageRequest};

/// The recipient's inbox, newest first; all of it, or what is unread.
///
/// # Errors
/// [`NotificationError::Db`].
pub async fn list(
    db: &Db,
    call: &Call,
    recipient: &Recipient,
    unread_only: bool,
    page: &PageRequest,
) -> Result<Page<InboxEntry>, NotificationError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(call.tenant())?, recipient, unread_only, page).await?;
    Ok(Page::cut(rows, page, |entry: &InboxEntry| entry.message_id.as_str().to_owned()))
}

/// How many messages the recipient has not read.
///
/// # Errors
/// [`NotificationError::Db`].
pub async fn unread(db: &Db, call: &Call, recipient: &Recipient) -> Result<i64, NotificationError> {
    let mut lease = db.read().await?;
    Ok(store::unread(&mut lease.scope(call.tenant())?, recipient).await?)
}

/// Notes that the recipient has read a message; the first time counts.
///
/// # Errors
/// [`NotificationError::MessageUnknown`] if it is not in this inbox.
pub async fn read(
    db: &Db,
    call: &Call,
    recipient: &Recipient,
    id: &MessageId,
) -> Result<InboxEntry, NotificationError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let outcome = async {
        store::read(&mut scope, recipient, id, call.now).await?;
        let entry = store::get(&mut scope, recipient, id).await?;
        entry.ok_or(NotificationError::MessageUnknown)
    };
    let outcome = outcome.await;
    end(tx, outcome).await
}

/// Notes that the recipient has read everything, and tells how many messages that were.
///
/// # Errors
/// [`NotificationError::Db`].
pub async fn read_all(db: &Db, call: &Call, recipient: &Recipient) -> Result<i64, NotificationError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let unread = store::unread(&mut scope, recipient).await?;
    store::read_all(&mut scope, recipient, call.now).await?;
    tx.commit().await?;
    Ok(unread)
}
