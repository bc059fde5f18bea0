//! What of messages names people, and what of them is old?

use crate::Recipient;
use db::{DbError, Decode, Redaction, Row, Scope, Value};
use kernel::{Instant, MessageId};
use serde_json::json;

/// Where messages may name somebody whom they are not for.
pub const REDACTIONS: [Redaction; 1] = [Redaction {
    name: "messages",
    window: "SELECT id FROM messages WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT 1 OFFSET ?3",
    naming: "SELECT json_array(id, title, body) AS id FROM messages
        WHERE tenant_id = ?1 AND id > ?2 AND id <= coalesce(?3, 'msg_~')
        AND (instr(lower(body), ?4) OR instr(lower(title), ?4))",
    write: "UPDATE messages SET title = new.value ->> 1, body = new.value ->> 2
        FROM json_each(?2) AS new WHERE messages.tenant_id = ?1 AND messages.id = new.value ->> 0",
}];

const TO: &str =
    "SELECT id, recipient_key FROM messages WHERE tenant_id = ?1 AND recipient_key = ?2 ORDER BY id LIMIT ?3";
const OLD: &str =
    "SELECT id, recipient_key FROM messages WHERE tenant_id = ?1 AND id < ?2 ORDER BY id LIMIT ?3";
const DELETE_INBOX: &str = "DELETE FROM inbox WHERE tenant_id = ?1 AND (recipient_key, message_id) IN
    (SELECT value ->> 1, value ->> 0 FROM json_each(?2))";
const DELETE_DELIVERIES: &str = "DELETE FROM deliveries WHERE tenant_id = ?1 AND message_id IN
    (SELECT value ->> 0 FROM json_each(?2))";
const DELETE: &str =
    "DELETE FROM messages WHERE tenant_id = ?1 AND id IN (SELECT value ->> 0 FROM json_each(?2))";
const PERSONAL: &str = "SELECT id, json_object('id', id, 'recipient', recipient, 'title', title, 'body', body, 'event_id',
        event_id, 'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
        'read_at', (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', read_at / 1000.0, 'unixepoch') FROM inbox
            WHERE inbox.tenant_id = ?1 AND inbox.recipient_key = ?2 AND inbox.message_id = messages.id),
        'deliveries', (SELECT json_group_array(json_object('id', d.id, 'kind', d.kind, 'channel', d.channel_name,
                'state', d.state, 'attempts', d.attempts))
            FROM deliveries AS d WHERE d.tenant_id = ?1 AND d.message_id = messages.id)) AS item
    FROM messages WHERE tenant_id = ?1 AND recipient_key = ?2 AND id > ?3 ORDER BY id LIMIT ?4";

#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 6] = [TO, OLD, DELETE_INBOX, DELETE_DELIVERIES, DELETE, PERSONAL];

/// A message and whose it is.
struct Whose(String, String);

impl Decode for Whose {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("id")?, row.get("recipient_key")?))
    }
}

/// What is held of somebody, as JSON, under its id.
struct Item(String, String);

impl Decode for Item {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("id")?, row.get("item")?))
    }
}

async fn remove(scope: &mut Scope<'_>, found: Vec<Whose>) -> Result<Vec<String>, DbError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let pairs: Vec<_> = found.iter().map(|Whose(id, recipient)| json!([id, recipient])).collect();
    let text = serde_json::Value::Array(pairs).to_string();
    for sql in [DELETE_INBOX, DELETE_DELIVERIES, DELETE] {
        scope.run_for_effect(sql, [Value::Text(text.clone())]).await?;
    }
    Ok(found.into_iter().map(|Whose(id, _)| id).collect())
}

/// Removes messages to a recipient with their ways, so many at most; gives their ids.
pub(crate) async fn remove_to(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    most: i64,
) -> Result<Vec<String>, DbError> {
    let found = scope.all(TO, [recipient.key().into(), most.into()]).await?;
    remove(scope, found).await
}

/// Removes the oldest messages that were written before `limit`, so many at most; gives their ids.
pub(crate) async fn remove_old(
    scope: &mut Scope<'_>,
    limit: Instant,
    most: i64,
) -> Result<Vec<String>, DbError> {
    let found = scope.all(OLD, [(&MessageId::first(limit)).into(), most.into()]).await?;
    remove(scope, found).await
}

/// The messages to a recipient after the id `after`, as JSON.
pub(crate) async fn personal(
    scope: &mut Scope<'_>,
    recipient: &Recipient,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    let items: Vec<Item> = scope.all(PERSONAL, [recipient.key().into(), after.into(), most.into()]).await?;
    Ok(items.into_iter().map(|Item(id, item)| (id, item)).collect())
}
