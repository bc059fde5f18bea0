//! What was told to whom, and what became of it?

use crate::{Delivery, Message, NotificationError, Recipient, store};
use db::{Db, DbError, Scope};
use kernel::{Call, EventId, Instant, MessageId, Page, PageRequest};
use std::collections::BTreeMap;

pub use crate::store::message::Filter;

/// The messages that `filter` lets through, newest first, with their deliveries.
///
/// # Errors
/// [`NotificationError::Db`].
pub async fn list(
    db: &Db,
    call: &Call,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Message>, NotificationError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let rows = store::message::list(&mut scope, filter, page).await?;
    let mut page = Page::cut(rows, page, |message: &Message| message.id.as_str().to_owned());
    page.items = with_deliveries(&mut scope, page.items).await?;
    Ok(page)
}

/// One message with its deliveries.
///
/// # Errors
/// [`NotificationError::MessageUnknown`].
pub async fn get(db: &Db, call: &Call, id: &MessageId) -> Result<Message, NotificationError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let found = store::message::get(&mut scope, id).await?;
    let found = with_deliveries(&mut scope, found.into_iter().collect()).await?;
    found.into_iter().next().ok_or(NotificationError::MessageUnknown)
}

/// All that came of an event, oldest first, with deliveries: for its trace.
///
/// # Errors
/// [`DbError`].
pub async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Message>, DbError> {
    let messages = store::message::of_event(scope, event).await?;
    with_deliveries(scope, messages).await
}

/// Whether somebody was told something with this title since then: for whoever tells things once.
///
/// # Errors
/// [`DbError`].
pub async fn was_told(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    title: &str,
    since: Instant,
) -> Result<bool, DbError> {
    store::message::was_told(scope, recipient, title, since).await
}

async fn with_deliveries(scope: &mut Scope<'_>, mut messages: Vec<Message>) -> Result<Vec<Message>, DbError> {
    if messages.is_empty() {
        return Ok(messages);
    }
    let mut of: BTreeMap<MessageId, Vec<Delivery>> = BTreeMap::new();
    for delivery in store::delivery::of_messages(scope, &messages).await? {
        of.entry(delivery.message_id.clone()).or_default().push(delivery);
    }
    for message in &mut messages {
        message.deliveries = of.remove(&message.id).unwrap_or_default();
    }
    Ok(messages)
}
