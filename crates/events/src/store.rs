//! Where do events stand? In `events`, and their matches in `event_matches`.

pub(crate) mod past;
pub(crate) mod privacy;

use crate::{Entry, Event, Filter, Origin};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Bounds, EventId, PageRequest, TenantId};
use serde_json::json;
use std::collections::{BTreeSet, HashSet};

const INSERT: &str = "INSERT INTO events
    (tenant_id, event_id, trigger_id, module_type, source, external_id, subject, occurred_at, received_at, data,
     dedupe_key, fingerprint, actor, request_id, trace, depth, parent_id, matched, verdicts, record)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, unhex(value ->> 11), value ->> 12, value ->> 13, value ->> 14,
        value ->> 15, value ->> 16, value ->> 17, value ->> 18, value ->> 19
    FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING RETURNING event_id AS id";
const MATCHES: &str = "INSERT INTO event_matches (tenant_id, rule_id, event_id, rule_version)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";
const BEFORE: &str = "SELECT tenant_id, event_id, dedupe_key, fingerprint, matched FROM events
    WHERE (tenant_id, dedupe_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
    UNION
    SELECT tenant_id, event_id, dedupe_key, fingerprint, matched FROM events
    WHERE (tenant_id, event_id) IN (SELECT value ->> 0, value ->> 2 FROM json_each(?1))";
const GET: &str =
    "SELECT tenant_id, event_id, trigger_id, module_type, source, external_id, subject, occurred_at,
    received_at, data, actor, request_id, trace, depth, parent_id, matched, verdicts, record
    FROM events WHERE tenant_id = ?1 AND event_id = ?2";
const LIST: &str =
    "SELECT tenant_id, event_id, trigger_id, module_type, source, external_id, subject, occurred_at,
    received_at, data, actor, request_id, trace, depth, parent_id, matched, verdicts, record
    FROM events WHERE tenant_id = ?1 AND event_id < ?2 AND (?3 IS NULL OR trigger_id = ?3)
        AND (?4 IS NULL OR received_at >= ?4) AND (?5 IS NULL OR received_at < ?5)
        AND (?7 IS NULL OR module_type IN (SELECT value FROM json_each(?7)) OR event_id IN (SELECT value FROM json_each(?8)))
    ORDER BY event_id DESC LIMIT ?6";
const LIST_OF_RULE: &str = "SELECT event.tenant_id, event.event_id, trigger_id, module_type, source, external_id, subject,
    occurred_at, received_at, data, actor, request_id, trace, depth, parent_id, matched, verdicts, record
    FROM event_matches AS hit JOIN events AS event ON event.tenant_id = hit.tenant_id AND event.event_id = hit.event_id
    WHERE hit.tenant_id = ?1 AND hit.rule_id = ?9 AND hit.event_id < ?2 AND (?3 IS NULL OR trigger_id = ?3)
        AND (?4 IS NULL OR received_at >= ?4) AND (?5 IS NULL OR received_at < ?5)
        AND (?7 IS NULL OR module_type IN (SELECT value FROM json_each(?7))
            OR event.event_id IN (SELECT value FROM json_each(?8)))
    ORDER BY hit.event_id DESC LIMIT ?6";
// The rows are numbered as they come, so that the last number counts them without looking at them.
const STORED: &str = "SELECT COALESCE(MAX(rowid), 0) AS n FROM events";

const KNOWN: &str = "SELECT tenant_id, dedupe_key FROM events
    WHERE (tenant_id, dedupe_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";
const CHILDREN: &str = "SELECT event_id AS id FROM events WHERE tenant_id = ?1 AND parent_id = ?2
    ORDER BY event_id LIMIT 1000";

impl Decode for Event {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            id: row.parse("event_id")?,
            trigger: row.get("trigger_id")?,
            module: row.get("module_type")?,
            source: row.get("source")?,
            external_id: row.get("external_id")?,
            subject: row.get("subject")?,
            occurred: row.get("occurred_at")?,
            received: row.get("received_at")?,
            data: row.get("data")?,
            actor: row.get("actor")?,
            request: row.get("request_id")?,
            trace: row.get("trace")?,
            origin: Origin { depth: row.get("depth")?, parent: row.parse_opt("parent_id")? },
            matched: row.get("matched")?,
            verdicts: row.get("verdicts")?,
            record: row.get("record")?,
        })
    }
}

/// What is known of an event that was there before.
pub(crate) struct Before {
    pub(crate) tenant: TenantId,
    pub(crate) id: EventId,
    pub(crate) key: Option<String>,
    pub(crate) fingerprint: Option<Vec<u8>>,
    pub(crate) matched: String,
}

impl Decode for Before {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            id: row.parse("event_id")?,
            key: row.get("dedupe_key")?,
            fingerprint: row.get("fingerprint")?,
            matched: row.get("matched")?,
        })
    }
}

struct Known(TenantId, String);

impl Decode for Known {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.parse("tenant_id")?, row.get("dedupe_key")?))
    }
}

/// Which of these keys stand there.
pub(crate) async fn known(
    all: &mut AllTenants<'_>,
    keys: &[(&TenantId, &str)],
) -> Result<BTreeSet<(TenantId, String)>, DbError> {
    let lines: Vec<serde_json::Value> =
        keys.iter().map(|(tenant, key)| json!([tenant.as_str(), key])).collect();
    let rows: Vec<Known> = all.all(KNOWN, [Value::Text(serde_json::Value::Array(lines).to_string())]).await?;
    Ok(rows.into_iter().map(|Known(tenant, key)| (tenant, key)).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn matched_ids(entry: &Entry) -> String {
    let ids: Vec<&str> = entry.matched.iter().map(|(rule, _)| rule.as_str()).collect();
    json!(ids).to_string()
}

fn line(entry: &Entry) -> serde_json::Value {
    let event = &entry.event;
    json!([
        entry.tenant.as_str(),
        entry.id.as_str(),
        event.trigger,
        entry.module,
        event.source,
        event.external_id,
        event.subject,
        event.occurred.unwrap_or(entry.received).millis(),
        entry.received.millis(),
        event.data,
        event.dedupe.as_ref().map(|dedupe| dedupe.key.as_str()),
        event.dedupe.as_ref().map(|dedupe| hex(&dedupe.fingerprint)),
        entry.actor,
        entry.request,
        entry.trace,
        entry.origin.depth,
        entry.origin.parent.as_ref().map(EventId::as_str),
        matched_ids(entry),
        entry.verdicts,
        entry.record,
    ])
}

/// Writes entries; the ids of those that were not there before.
pub(crate) async fn insert(all: &mut AllTenants<'_>, entries: &[Entry]) -> Result<HashSet<String>, DbError> {
    let lines: Vec<serde_json::Value> = entries.iter().map(line).collect();
    let ids: Vec<String> =
        all.all(INSERT, [Value::Text(serde_json::Value::Array(lines).to_string())]).await?;
    Ok(ids.into_iter().collect())
}

pub(crate) async fn insert_matches(
    all: &mut AllTenants<'_>,
    entries: impl Iterator<Item = &Entry> + Send,
) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> = entries
        .flat_map(|entry| {
            let line = |(rule, version): &(kernel::RuleId, i64)| {
                json!([entry.tenant.as_str(), rule.as_str(), entry.id.as_str(), version])
            };
            entry.matched.iter().map(line)
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    all.run_for_effect(MATCHES, [Value::Text(serde_json::Value::Array(lines).to_string())]).await.map(drop)
}

pub(crate) async fn before(
    all: &mut AllTenants<'_>,
    entries: impl Iterator<Item = &Entry> + Send,
) -> Result<Vec<Before>, DbError> {
    let lines: Vec<serde_json::Value> = entries
        .map(|entry| {
            let key = entry.event.dedupe.as_ref().map(|dedupe| dedupe.key.as_str());
            json!([entry.tenant.as_str(), key, entry.id.as_str()])
        })
        .collect();
    all.all(BEFORE, [Value::Text(serde_json::Value::Array(lines).to_string())]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &EventId) -> Result<Option<Event>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn children(scope: &mut Scope<'_>, id: &EventId) -> Result<Vec<String>, DbError> {
    scope.all(CHILDREN, [id.into()]).await
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    bounds: &Bounds,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Vec<Event>, DbError> {
    let parts = bounds.parts();
    let mut parameters: Vec<Value> = vec![
        page.after_or("evt_~").into(),
        filter.trigger.as_deref().into(),
        filter.since.into(),
        filter.until.into(),
        page.probe().into(),
        parts.map(|parts| json!(parts.modules).to_string()).into(),
        parts.map(|parts| json!(parts.resources).to_string()).into(),
    ];
    match &filter.rule {
        None => scope.all(LIST, parameters).await,
        Some(rule) => {
            parameters.push(rule.into());
            scope.all(LIST_OF_RULE, parameters).await
        }
    }
}

pub(crate) async fn stored(all: &mut AllTenants<'_>) -> Result<i64, DbError> {
    Ok(all.one(STORED, []).await?.unwrap_or(0))
}
