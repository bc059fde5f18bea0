//! How does one see over HTTP what was told to whom?

use crate::wire::{MessageIn, MessageOut, MessagesQuery};
use edge::{Authorized, Faults, Id, Json, List, Paging, Problem, Query, Shown, World, needs};
use kernel::{Call, MessageId};
use notifications::{NewMessage, messages};

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
    Id(id): Id<MessageId>,
) -> Result<Shown<MessageOut>, Problem> {
    let message = messages::get(&world.db, &call, &id).await?;
    Ok(Shown::as_is("message", MessageOut::of(call.tenant(), message)))
}

/// Send a message
///
/// It stands in its recipient's inbox at once, and leaves by its channels. Needs `notifications:write`.
#[utoipa::path(
    post, path = "/api/v1/notifications/messages", operation_id = "sendMessage", tag = "notifications",
    request_body = MessageIn,
    responses((status = 202, description = "It is stored, its deliveries are queued.", body = MessageOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn send(
    Authorized { call, world, .. }: Authorized<needs::NotificationsWrite>,
    Json(sent): Json<MessageIn>,
) -> Result<Shown<MessageOut>, Problem> {
    tell(&world, &call, sent.into()).await
}

/// Writes a message, wakes the queue and shows what is stored.
pub(super) async fn tell(
    world: &World,
    call: &Call,
    message: NewMessage,
) -> Result<Shown<MessageOut>, Problem> {
    let expanded = pipeline::tell(&world.db, call, message).await?;
    guest::nudge(&world.settings.internal_token);
    let message = messages::get(&world.db, call, &expanded.message_id).await?;
    Ok(Shown::accepted("message", MessageOut::of(call.tenant(), message)))
}
