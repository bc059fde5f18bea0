//! How does one see over HTTP what was told to whom?

use crate::{
    place::Place,
    wire::{MessageOut, MessagesQuery},
};
use edge::{Authorized, Faults, List, Paging, Problem, Query, Shown, needs};
use kernel::MessageId;
use notifications::messages;

/// The messages, newest first, with their deliveries
///
/// Needs `notifications:read`.
#[utoipa::path(
    get, path = "/api/v1/notifications/messages", operation_id = "listMessages", tag = "notifications",
    params(MessagesQuery),
    responses((status = 200, description = "A page of messages.", body = List<MessageOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::NotificationsRead>,
    paging: Paging,
    Query(query): Query<MessagesQuery>,
) -> Result<List<MessageOut>, Problem> {
    let page = messages::list(&world.db, &call, &query.try_into()?, &paging.request).await?;
    Ok(paging.list(page, |message| MessageOut::of(call.tenant(), message)))
}

/// One message with its deliveries
///
/// Needs `notifications:read`.
#[utoipa::path(
    get, path = "/api/v1/notifications/messages/{id}", operation_id = "getMessage", tag = "notifications",
    params(("id" = String, Path, description = "The message's id.")),
    responses((status = 200, description = "The message.", body = MessageOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::NotificationsRead>,
    Place(id): Place<MessageId>,
) -> Result<Shown<MessageOut>, Problem> {
    let message = messages::get(&world.db, &call, &id).await?;
    Ok(Shown::as_is("message", MessageOut::of(call.tenant(), message)))
}
