//! How are channels set up over HTTP?

use super::messages::tell;
use crate::wire::{ChannelIn, ChannelOut, ChannelPatchIn, ChannelsQuery, MessageOut};
use axum::response::NoContent;
use edge::{Authorized, Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Shown, World, needs};
use kernel::{Call, ChannelId};
use notifications::{Channel, ChannelPatch, Means, NewMessage, NotificationError, channels};

fn means(world: &World) -> Result<Means, NotificationError> {
    Means::new(&world.settings.vault_keys, world.settings.allow_private_outbound)
}

fn shown(call: &Call, channel: Channel) -> Shown<ChannelOut> {
    let version = channel.version;
    Shown::as_is("channel", ChannelOut::of(call.tenant(), channel)).version(version)
}

/// The channels, oldest first
///
/// Needs `notifications:read`.
#[utoipa::path(
    get, path = "/api/v1/notifications/channels", operation_id = "listChannels", tag = "notifications",
    params(ChannelsQuery),
    responses((status = 200, description = "A page of channels.", body = List<ChannelOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::NotificationsRead>,
    paging: Paging,
    _: Query<ChannelsQuery>,
) -> Result<List<ChannelOut>, Problem> {
    let page = channels::list(&world.db, &call, &paging.request).await?;
    Ok(paging.list(page, |channel| ChannelOut::of(call.tenant(), channel)))
}

/// Set up a channel
///
/// Needs `notifications:write`. The address and the values of headers are sealed and never shown again.
#[utoipa::path(
    post, path = "/api/v1/notifications/channels", operation_id = "createChannel", tag = "notifications",
    request_body = ChannelIn,
    responses((status = 201, description = "The channel.", body = ChannelOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn create(
    Authorized { call, world, .. }: Authorized<needs::NotificationsWrite>,
    Json(sent): Json<ChannelIn>,
) -> Result<Shown<ChannelOut>, Problem> {
    let channel = channels::create(&world.db, &call, &means(&world)?, sent.into()).await?;
    let (location, version) = (format!("/api/v1/notifications/channels/{}", channel.id), channel.version);
    let out = ChannelOut::of(call.tenant(), channel);
    Ok(Shown::created("channel", out, location).version(version))
}

/// One channel
///
/// Needs `notifications:read`.
#[utoipa::path(
    get, path = "/api/v1/notifications/channels/{id}", operation_id = "getChannel", tag = "notifications",
    params(("id" = String, Path, description = "The channel's id.")),
    responses((status = 200, description = "The channel.", body = ChannelOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::NotificationsRead>,
    Id(id): Id<ChannelId>,
) -> Result<Shown<ChannelOut>, Problem> {
    let channel = channels::get(&world.db, &call, &id).await?;
    Ok(shown(&call, channel))
}

/// Make a channel anew
///
/// Needs `notifications:write`. What is left out is as for a new channel; its kind must stay.
#[utoipa::path(
    put, path = "/api/v1/notifications/channels/{id}", operation_id = "replaceChannel", tag = "notifications",
    params(
        ("id" = String, Path, description = "The channel's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = ChannelIn,
    responses((status = 200, description = "The channel.", body = ChannelOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn replace(
    Authorized { call, world, .. }: Authorized<needs::NotificationsWrite>,
    Id(id): Id<ChannelId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<ChannelIn>,
) -> Result<Shown<ChannelOut>, Problem> {
    let anew = ChannelPatch::from(notifications::NewChannel::from(sent));
    let channel = channels::change(&world.db, &call, &means(&world)?, &id, anew, expected).await?;
    Ok(shown(&call, channel))
}

/// Change a channel
///
/// Needs `notifications:write`. What is left out stays.
#[utoipa::path(
    patch, path = "/api/v1/notifications/channels/{id}", operation_id = "changeChannel", tag = "notifications",
    params(
        ("id" = String, Path, description = "The channel's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = ChannelPatchIn,
    responses((status = 200, description = "The channel.", body = ChannelOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn change(
    Authorized { call, world, .. }: Authorized<needs::NotificationsWrite>,
    Id(id): Id<ChannelId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<ChannelPatchIn>,
) -> Result<Shown<ChannelOut>, Problem> {
    let channel = channels::change(&world.db, &call, &means(&world)?, &id, sent.into(), expected).await?;
    Ok(shown(&call, channel))
}

/// Take a channel down
///
/// Needs `notifications:write`. Messages that are queued for it will fail.
#[utoipa::path(
    delete, path = "/api/v1/notifications/channels/{id}", operation_id = "deleteChannel", tag = "notifications",
    params(
        ("id" = String, Path, description = "The channel's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn delete(
    Authorized { call, world, .. }: Authorized<needs::NotificationsWrite>,
    Id(id): Id<ChannelId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Problem> {
    channels::delete(&world.db, &call, &id, expected).await?;
    Ok(NoContent)
}

/// Test a channel
///
/// Sends a test message through this channel alone; its delivery tells what became of it. Needs `notifications:write`.
#[utoipa::path(
    post, path = "/api/v1/notifications/channels/{id}/test", operation_id = "testChannel", tag = "notifications",
    params(("id" = String, Path, description = "The channel's id.")),
    responses((status = 202, description = "The test message is queued.", body = MessageOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn test(
    Authorized { call, world, email, .. }: Authorized<needs::NotificationsWrite>,
    Id(id): Id<ChannelId>,
) -> Result<Shown<MessageOut>, Problem> {
    let channel = channels::get(&world.db, &call, &id).await?;
    let message = NewMessage {
        recipient: email.unwrap_or_else(|| call.principal.actor.name().to_owned()),
        title: Some("Test message".to_owned()),
        body: format!(
            "This is a test of the channel {}. If you can read it, the channel works.",
            channel.name
        ),
        channel: Some(id.to_string()),
        event_id: None,
        job_id: None,
    };
    tell(&world, &call, message).await
}
