//! How do deliveries stand in the table `deliveries`?

use super::channel;
use crate::{Delivery, DeliveryChannel, DeliveryState, Message, Setup};
use db::{DbError, Decode, Row, Scope};
use kernel::{ChannelId, DeliveryId, Instant};
use serde_json::json;

const INSERT: &str = "INSERT INTO deliveries
    (tenant_id, id, message_id, kind, channel_id, channel_name, state, attempts, created_at, updated_at)
    SELECT ?1, value->>'id', value->>'message_id', value->>'kind', value->>'channel_id', value->>'channel_name',
        value->>'state', value->>'attempts', ?3, ?3
    FROM json_each(?2)";
const OF_MESSAGES: &str =
    "SELECT d.id, d.message_id, d.kind, d.channel_id, d.channel_name, d.state, d.attempts,
        d.last_error, d.provider_status, d.created_at, d.updated_at
    FROM json_each(?2) AS wanted
    CROSS JOIN deliveries AS d ON d.tenant_id = ?1 AND d.message_id = wanted.value
    ORDER BY d.id";
const GET: &str = "SELECT d.id, d.message_id, d.kind, d.channel_id, d.channel_name, d.state, d.attempts,
        d.last_error, d.provider_status, d.created_at, d.updated_at
    FROM json_each(?2) AS wanted
    CROSS JOIN deliveries AS d ON d.tenant_id = ?1 AND d.id = wanted.value";
/// What a message's columns are called here is what [`Message`] decodes; a delivery's and a channel's have prefixes.
const LADEN: &str = "SELECT m.id, m.recipient, m.title, m.body, m.event_id, m.job_id, m.created_at,
        d.id AS delivery_id, d.state AS delivery_state, d.channel_id, d.channel_name, c.kind AS channel_kind, c.config AS channel_config, c.secret AS channel_secret,
        c.is_active AS channel_is_active
    FROM json_each(?2) AS wanted
    CROSS JOIN deliveries AS d ON d.tenant_id = ?1 AND d.id = wanted.value
    CROSS JOIN messages AS m ON m.tenant_id = ?1 AND m.id = d.message_id
    LEFT JOIN channels AS c ON c.tenant_id = ?1 AND c.id = d.channel_id";
const UPDATE: &str = "UPDATE deliveries SET state = s.value->>'state', attempts = s.value->>'attempts',
        last_error = s.value->>'last_error', provider_status = s.value->>'provider_status',
        updated_at = s.value->>'updated_at'
    FROM json_each(?2) AS s WHERE deliveries.tenant_id = ?1 AND deliveries.id = s.value->>'id'";

#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 5] = [INSERT, OF_MESSAGES, GET, LADEN, UPDATE];

fn delivery_channel(row: &mut Row<'_>) -> Result<Option<DeliveryChannel>, DbError> {
    let id: Option<ChannelId> = row.parse_opt("channel_id")?;
    let name: Option<String> = row.get("channel_name")?;
    Ok(id.zip(name).map(|(id, name)| DeliveryChannel { id, name }))
}

impl Decode for Delivery {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let status: Option<u32> = row.get("provider_status")?;
        Ok(Self {
            id: row.parse("id")?,
            message_id: row.parse("message_id")?,
            kind: row.parse("kind")?,
            channel: delivery_channel(row)?,
            state: row.parse("state")?,
            attempts: row.get("attempts")?,
            last_error: row.get("last_error")?,
            provider_status: status
                .map(u16::try_from)
                .transpose()
                .map_err(|_| row.surprise("provider_status", "a status of 16 bits"))?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// What leaves by a delivery: its message, and its channel if that is still there.
pub(crate) struct Laden {
    pub(crate) delivery_id: DeliveryId,
    pub(crate) state: DeliveryState,
    /// The channel as it was called when the way was laid; nothing for in-app.
    pub(crate) by: Option<DeliveryChannel>,
    pub(crate) message: Message,
    pub(crate) channel: Option<LadenChannel>,
}

/// What of a channel is needed to leave by it.
pub(crate) struct LadenChannel {
    pub(crate) setup: Setup,
    pub(crate) sealed: Vec<u8>,
    pub(crate) is_active: bool,
}

impl Decode for Laden {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let is_active: Option<bool> = row.get("channel_is_active")?;
        let channel = match is_active {
            Some(is_active) => Some(LadenChannel {
                setup: channel::setup(row, "channel_kind", "channel_config")?.1,
                sealed: row.get("channel_secret")?,
                is_active,
            }),
            None => None,
        };
        Ok(Self {
            delivery_id: row.parse("delivery_id")?,
            state: row.parse("delivery_state")?,
            by: delivery_channel(row)?,
            channel,
            message: Message::decode(row)?,
        })
    }
}

/// Puts new deliveries in, all laid at `now`.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    deliveries: &[Delivery],
    now: Instant,
) -> Result<(), DbError> {
    let rows: Vec<serde_json::Value> = deliveries
        .iter()
        .map(|delivery| {
            json!({
                "id": delivery.id.as_str(),
                "message_id": delivery.message_id.as_str(),
                "kind": delivery.kind.as_str(),
                "channel_id": delivery.channel.as_ref().map(|channel| channel.id.as_str()),
                "channel_name": delivery.channel.as_ref().map(|channel| channel.name.as_str()),
                "state": delivery.state.as_str(),
                "attempts": delivery.attempts,
            })
        })
        .collect();
    let rows = serde_json::Value::Array(rows).to_string();
    scope.run_for_effect(INSERT, [rows.into(), now.into()]).await.map(drop)
}

/// The deliveries of these messages, in the order in which they were laid.
pub(crate) async fn of_messages(
    scope: &mut Scope<'_>,
    messages: &[Message],
) -> Result<Vec<Delivery>, DbError> {
    let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    scope.all(OF_MESSAGES, [json!(ids).to_string().into()]).await
}

fn list_of(ids: &[&DeliveryId]) -> String {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    json!(ids).to_string()
}

pub(crate) async fn get(scope: &mut Scope<'_>, ids: &[&DeliveryId]) -> Result<Vec<Delivery>, DbError> {
    scope.all(GET, [list_of(ids).into()]).await
}

pub(crate) async fn laden(scope: &mut Scope<'_>, ids: &[&DeliveryId]) -> Result<Vec<Laden>, DbError> {
    scope.all(LADEN, [list_of(ids).into()]).await
}

/// Writes down how far these deliveries are.
pub(crate) async fn update(scope: &mut Scope<'_>, deliveries: &[&Delivery]) -> Result<(), DbError> {
    let rows: Vec<serde_json::Value> = deliveries
        .iter()
        .map(|delivery| {
            json!({
                "id": delivery.id.as_str(),
                "state": delivery.state.as_str(),
                "attempts": delivery.attempts,
                "last_error": delivery.last_error,
                "provider_status": delivery.provider_status,
                "updated_at": delivery.updated_at.millis(),
            })
        })
        .collect();
    let rows = serde_json::Value::Array(rows).to_string();
    scope.run_for_effect(UPDATE, [rows.into()]).await.map(drop)
}
