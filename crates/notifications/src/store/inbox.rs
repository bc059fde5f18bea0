//! How does an inbox stand in the table `inbox`?

use crate::{InboxEntry, Recipient};
use db::{DbError, Decode, Row, Scope};
use kernel::{Instant, MessageId, PageRequest};
use serde_json::json;

const INSERT: &str = "INSERT INTO inbox (tenant_id, recipient_key, message_id)
    SELECT ?1, value->>'recipient_key', value->>'message_id' FROM json_each(?2)";
const LIST: &str = "SELECT i.message_id, m.title, m.body, m.event_id, m.created_at, i.read_at
    FROM inbox AS i CROSS JOIN messages AS m ON m.tenant_id = ?1 AND m.id = i.message_id
    WHERE i.tenant_id = ?1 AND i.recipient_key = ?2 AND i.message_id < ?3
    ORDER BY i.message_id DESC LIMIT ?4";
const LIST_UNREAD: &str = "SELECT i.message_id, m.title, m.body, m.event_id, m.created_at, i.read_at
    FROM inbox AS i CROSS JOIN messages AS m ON m.tenant_id = ?1 AND m.id = i.message_id
    WHERE i.tenant_id = ?1 AND i.recipient_key = ?2 AND i.message_id < ?3 AND i.read_at IS NULL
    ORDER BY i.message_id DESC LIMIT ?4";
const GET: &str = "SELECT i.message_id, m.title, m.body, m.event_id, m.created_at, i.read_at
    FROM inbox AS i CROSS JOIN messages AS m ON m.tenant_id = ?1 AND m.id = i.message_id
    WHERE i.tenant_id = ?1 AND i.recipient_key = ?2 AND i.message_id = ?3";
const UNREAD: &str = "SELECT COUNT(*) AS n FROM inbox
    WHERE tenant_id = ?1 AND recipient_key = ?2 AND read_at IS NULL";
const READ: &str = "UPDATE inbox SET read_at = ?4
    WHERE tenant_id = ?1 AND recipient_key = ?2 AND message_id = ?3 AND read_at IS NULL";
const READ_ALL: &str =
    "UPDATE inbox SET read_at = ?3 WHERE tenant_id = ?1 AND recipient_key = ?2 AND read_at IS NULL";

#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 7] = [INSERT, LIST, LIST_UNREAD, GET, UNREAD, READ, READ_ALL];

/// A key beyond all ids.
const END: &str = "msg_~";

impl Decode for InboxEntry {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            message_id: row.parse("message_id")?,
            title: row.get("title")?,
            body: row.get("body")?,
            event_id: row.parse_opt("event_id")?,
            created_at: row.get("created_at")?,
            read_at: row.get("read_at")?,
        })
    }
}

/// Puts messages into their recipients' inboxes, unread.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    entries: &[(&Recipient, &MessageId)],
) -> Result<(), DbError> {
    let rows: Vec<serde_json::Value> = entries
        .iter()
        .map(|(recipient, id)| json!({ "recipient_key": recipient.key(), "message_id": id.as_str() }))
        .collect();
    let rows = serde_json::Value::Array(rows).to_string();
    scope.run_for_effect(INSERT, [rows.into()]).await.map(drop)
}

/// Newest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    unread_only: bool,
    page: &PageRequest,
) -> Result<Vec<InboxEntry>, DbError> {
    let sql = if unread_only { LIST_UNREAD } else { LIST };
    let parameters = [recipient.key().into(), page.after_or(END).into(), page.probe().into()];
    scope.all(sql, parameters).await
}

pub(crate) async fn get(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    id: &MessageId,
) -> Result<Option<InboxEntry>, DbError> {
    scope.one(GET, [recipient.key().into(), id.into()]).await
}

pub(crate) async fn unread(scope: &mut Scope<'_>, recipient: &Recipient) -> Result<i64, DbError> {
    Ok(scope.one(UNREAD, [recipient.key().into()]).await?.unwrap_or_default())
}

pub(crate) async fn read(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    id: &MessageId,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(READ, [recipient.key().into(), id.into(), now.into()]).await.map(drop)
}

pub(crate) async fn read_all(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(READ_ALL, [recipient.key().into(), now.into()]).await.map(drop)
}
