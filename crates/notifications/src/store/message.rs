//! How do messages stand in the table `messages`?

use crate::{DeliveryState, Message, Recipient, message::Draft};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{ChannelId, DeliveryId, EventId, Instant, JobId, MessageId, PageRequest};
use serde_json::json;

const INSERT: &str = "INSERT INTO messages
    (tenant_id, id, recipient, recipient_key, title, body, event_id, job_id, created_at)
    SELECT ?1, value->>'id', value->>'recipient', value->>'recipient_key', value->>'title', value->>'body',
        value->>'event_id', value->>'job_id', ?3
    FROM json_each(?2) WHERE true
    ON CONFLICT DO NOTHING RETURNING id";
const OF_JOBS: &str = "SELECT m.id AS message_id, m.job_id, d.id AS delivery_id, d.channel_id
    FROM json_each(?2) AS wanted
    CROSS JOIN messages AS m ON m.tenant_id = ?1 AND m.job_id = wanted.value
    LEFT JOIN deliveries AS d ON d.tenant_id = ?1 AND d.message_id = m.id AND d.channel_id IS NOT NULL
    ORDER BY m.id, d.id";
const GET: &str = "SELECT id, recipient, title, body, event_id, job_id, created_at
    FROM messages WHERE tenant_id = ?1 AND id = ?2";
const LIST: &str = "SELECT id, recipient, title, body, event_id, job_id, created_at
    FROM messages WHERE tenant_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
const LIST_BY_EVENT: &str = "SELECT id, recipient, title, body, event_id, job_id, created_at
    FROM messages WHERE tenant_id = ?1 AND id < ?2 AND event_id = ?4
        AND (?5 IS NULL OR recipient_key = ?5)
        AND (?6 IS NULL OR EXISTS (SELECT 1 FROM deliveries AS d
            WHERE d.tenant_id = ?1 AND d.message_id = messages.id AND d.state = ?6))
    ORDER BY id DESC LIMIT ?3";
const LIST_BY_RECIPIENT: &str = "SELECT id, recipient, title, body, event_id, job_id, created_at
    FROM messages WHERE tenant_id = ?1 AND id < ?2 AND recipient_key = ?4
        AND (?5 IS NULL OR EXISTS (SELECT 1 FROM deliveries AS d
            WHERE d.tenant_id = ?1 AND d.message_id = messages.id AND d.state = ?5))
    ORDER BY id DESC LIMIT ?3";
const LIST_BY_STATE: &str = "SELECT id, recipient, title, body, event_id, job_id, created_at
    FROM (SELECT DISTINCT message_id FROM deliveries
        WHERE tenant_id = ?1 AND state = ?4 AND message_id < ?2 ORDER BY message_id DESC LIMIT ?3) AS found
    CROSS JOIN messages ON tenant_id = ?1 AND id = found.message_id
    ORDER BY id DESC";
const OF_EVENT: &str = "SELECT id, recipient, title, body, event_id, job_id, created_at
    FROM messages WHERE tenant_id = ?1 AND event_id = ?2 ORDER BY id";
const TOLD: &str = "SELECT EXISTS (SELECT 1 FROM messages
    WHERE tenant_id = ?1 AND recipient_key = ?2 AND id >= ?3 AND title = ?4) AS n";

#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] =
    [INSERT, OF_JOBS, GET, LIST, LIST_BY_EVENT, LIST_BY_RECIPIENT, LIST_BY_STATE, OF_EVENT, TOLD];

/// A key beyond all ids.
const END: &str = "msg_~";

/// Which messages a list shows; an empty filter shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those to this recipient.
    pub recipient: Option<Recipient>,
    /// Only those with a delivery in this state.
    pub state: Option<DeliveryState>,
    /// Only those that came of this event.
    pub event: Option<EventId>,
}

/// A message to be put in.
pub(crate) struct Fresh {
    pub(crate) id: MessageId,
    pub(crate) draft: Draft,
    pub(crate) event_id: Option<EventId>,
    pub(crate) job_id: Option<JobId>,
}

/// A message that a job made before, with one of the deliveries that go through a channel.
pub(crate) struct Made {
    pub(crate) message_id: MessageId,
    pub(crate) job_id: JobId,
    pub(crate) delivery: Option<(DeliveryId, ChannelId)>,
}

impl Decode for Made {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let delivery: Option<DeliveryId> = row.parse_opt("delivery_id")?;
        Ok(Self {
            message_id: row.parse("message_id")?,
            job_id: row.parse("job_id")?,
            delivery: delivery.zip(row.parse_opt("channel_id")?),
        })
    }
}

impl Decode for Message {
    /// Its deliveries stand elsewhere.
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("id")?,
            recipient: row.parse("recipient")?,
            title: row.get("title")?,
            body: row.get("body")?,
            event_id: row.parse_opt("event_id")?,
            job_id: row.parse_opt("job_id")?,
            created_at: row.get("created_at")?,
            deliveries: Vec::new(),
        })
    }
}

/// Puts messages in and gives the ids of those whose job had not made one before.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    messages: &[&Fresh],
    now: Instant,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<serde_json::Value> = messages
        .iter()
        .map(|message| {
            json!({
                "id": message.id.as_str(),
                "recipient": message.draft.recipient.as_str(),
                "recipient_key": message.draft.recipient.key(),
                "title": message.draft.title,
                "body": message.draft.body,
                "event_id": message.event_id.as_ref().map(EventId::as_str),
                "job_id": message.job_id.as_ref().map(JobId::as_str),
            })
        })
        .collect();
    let rows = serde_json::Value::Array(rows).to_string();
    scope.all(INSERT, [rows.into(), now.into()]).await
}

/// What these jobs made before.
pub(crate) async fn of_jobs(scope: &mut Scope<'_>, jobs: &[&JobId]) -> Result<Vec<Made>, DbError> {
    let jobs: Vec<&str> = jobs.iter().map(|job| job.as_str()).collect();
    scope.all(OF_JOBS, [json!(jobs).to_string().into()]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &MessageId) -> Result<Option<Message>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// Newest first, without their deliveries. The narrowest filter leads, by its index.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Vec<Message>, DbError> {
    let mut parameters = vec![Value::from(page.after_or(END)), Value::from(page.probe())];
    let state = || Value::from(filter.state.map(DeliveryState::as_str));
    let sql = match (&filter.event, &filter.recipient, filter.state) {
        (Some(event), recipient, _) => {
            parameters.extend([event.into(), recipient.as_ref().map(Recipient::key).into(), state()]);
            LIST_BY_EVENT
        }
        (None, Some(recipient), _) => {
            parameters.extend([recipient.key().into(), state()]);
            LIST_BY_RECIPIENT
        }
        (None, None, Some(_)) => {
            parameters.push(state());
            LIST_BY_STATE
        }
        (None, None, None) => LIST,
    };
    scope.all(sql, parameters).await
}

/// Whether somebody was told something with this title since then.
pub(crate) async fn was_told(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    title: &str,
    since: Instant,
) -> Result<bool, DbError> {
    let first = MessageId::first(since);
    Ok(scope.one::<i64>(TOLD, [recipient.key().into(), (&first).into(), title.into()]).await? == Some(1))
}

/// All that came of an event, oldest first, without their deliveries.
pub(crate) async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Message>, DbError> {
    scope.all(OF_EVENT, [event.into()]).await
}
