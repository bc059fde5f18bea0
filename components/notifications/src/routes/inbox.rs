//! How does one read an inbox over HTTP?

use crate::wire::{InboxEntryOut, InboxQuery, ReadOut, ReaderQuery, UnreadOut};
use edge::{Authorized, Faults, Id, List, Paging, Problem, Query, Shown, Unspecific, needs};
use kernel::{MessageId, Permission};
use notifications::{Recipient, inbox};

/// Whose inbox it is: the one that is named, for which a stranger needs `stranger`, or the caller's own.
fn reader(
    authorized: &Authorized<needs::InboxRead>,
    named: Option<&str>,
    stranger: Permission,
) -> Result<Recipient, Problem> {
    let fault = |words: &str| Problem::field("recipient", words);
    let own = authorized.email.as_deref().and_then(|email| email.parse::<Recipient>().ok());
    let Some(named) = named else {
        return own.ok_or_else(|| fault("must be given: this credential belongs to no person"));
    };
    let named = named.parse::<Recipient>().map_err(fault)?;
    if own.as_ref() == Some(&named) || authorized.call.principal.may(stranger) {
        Ok(named)
    } else {
        Err(Unspecific::Permission(stranger).into())
    }
}

/// An inbox, newest first
///
/// Needs `inbox:read`; for somebody else's inbox `notifications:read` too.
#[utoipa::path(
    get, path = "/api/v1/notifications/inbox", operation_id = "listInbox", tag = "notifications",
    params(InboxQuery),
    responses((status = 200, description = "A page of the inbox.", body = List<InboxEntryOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    authorized: Authorized<needs::InboxRead>,
    paging: Paging,
    Query(query): Query<InboxQuery>,
) -> Result<List<InboxEntryOut>, Problem> {
    let recipient = reader(&authorized, query.recipient.as_deref(), Permission::NotificationsRead)?;
    let Authorized { call, world, .. } = authorized;
    let page = inbox::list(&world.db, &call, &recipient, query.unread, &paging.request).await?;
    Ok(paging.list(page, InboxEntryOut::from))
}

/// How much of an inbox is not read
///
/// Needs `inbox:read`; for somebody else's inbox `notifications:read` too.
#[utoipa::path(
    get, path = "/api/v1/notifications/inbox/unread-count", operation_id = "countUnread", tag = "notifications",
    params(ReaderQuery),
    responses((status = 200, description = "The count.", body = UnreadOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn unread_count(
    authorized: Authorized<needs::InboxRead>,
    Query(query): Query<ReaderQuery>,
) -> Result<Shown<UnreadOut>, Problem> {
    let recipient = reader(&authorized, query.recipient.as_deref(), Permission::NotificationsRead)?;
    let Authorized { call, world, .. } = authorized;
    let unread = inbox::unread(&world.db, &call, &recipient).await?;
    Ok(Shown::as_is("inbox", UnreadOut { unread }))
}

/// Note that a message is read
///
/// Needs `inbox:read`; for somebody else's inbox `notifications:write` too. The first time counts.
#[utoipa::path(
    post, path = "/api/v1/notifications/inbox/{id}/read", operation_id = "readMessage", tag = "notifications",
    params(("id" = String, Path, description = "The message's id."), ReaderQuery),
    responses((status = 200, description = "The message in the inbox.", body = InboxEntryOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn read(
    authorized: Authorized<needs::InboxRead>,
    Id(id): Id<MessageId>,
    Query(query): Query<ReaderQuery>,
) -> Result<Shown<InboxEntryOut>, Problem> {
    let recipient = reader(&authorized, query.recipient.as_deref(), Permission::NotificationsWrite)?;
    let Authorized { call, world, .. } = authorized;
    let entry = inbox::read(&world.db, &call, &recipient, &id).await?;
    Ok(Shown::as_is("inbox_entry", entry.into()))
}

/// Note that all of an inbox is read
///
/// Needs `inbox:read`; for somebody else's inbox `notifications:write` too.
#[utoipa::path(
    post, path = "/api/v1/notifications/inbox/read-all", operation_id = "readAllMessages", tag = "notifications",
    params(ReaderQuery),
    responses((status = 200, description = "How many were not read before.", body = ReadOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn read_all(
    authorized: Authorized<needs::InboxRead>,
    Query(query): Query<ReaderQuery>,
) -> Result<Shown<ReadOut>, Problem> {
    let recipient = reader(&authorized, query.recipient.as_deref(), Permission::NotificationsWrite)?;
    let Authorized { call, world, .. } = authorized;
    let read = inbox::read_all(&world.db, &call, &recipient).await?;
    Ok(Shown::as_is("inbox", ReadOut { read }))
}
