//! Where does the audit stand? Two tables: the rows, and each tenant's length.

use crate::{Filter, GENESIS, Hash, Recorded};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::PageRequest;
use serde_json::json;

/// Takes the next ?2 places of the chain; gives the last place taken before and its hash.
const TAKE: &str = "INSERT INTO audit_chains (tenant_id, length) VALUES (?1, ?2)
    ON CONFLICT (tenant_id) DO UPDATE SET length = length + ?2
    RETURNING length - ?2 AS sequence, (SELECT hash FROM audit_entries AS last
        WHERE last.tenant_id = ?1 AND last.sequence = audit_chains.length - ?2) AS hash";
const INSERT: &str = "INSERT INTO audit_entries
    (tenant_id, sequence, audit_id, at, actor, action, subject, request_id, address, before, after, hash)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, unhex(value ->> 10) FROM json_each(?2)";
const LIST: &str = "SELECT tenant_id, sequence, audit_id, at, actor, action, subject, request_id, address, before, after, hash
    FROM audit_entries WHERE tenant_id = ?1 AND sequence < ?2
    AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR subject = ?5)
    AND (?6 IS NULL OR at >= ?6) AND (?7 IS NULL OR at < ?7)
    ORDER BY sequence DESC LIMIT ?8";
const WALK: &str = "SELECT tenant_id, sequence, audit_id, at, actor, action, subject, request_id, address, before, after, hash
    FROM audit_entries WHERE tenant_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
const LENGTH: &str = "SELECT length AS n FROM audit_chains WHERE tenant_id = ?1";

/// The end of a chain: the last place taken, and its hash.
pub(crate) struct Head {
    pub(crate) sequence: i64,
    pub(crate) hash: Hash,
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash)
}

impl Decode for Head {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let bytes: Option<Vec<u8>> = row.get("hash")?;
        // Nothing there although places were taken: somebody removed the last row. The chain begins anew, and its
        // verification names the gap; to refuse would let the same somebody stop the tenant's work.
        let found = bytes.map_or(Some(GENESIS), |bytes| hash(&bytes));
        Ok(Self {
            sequence: row.get("sequence")?,
            hash: found.ok_or_else(|| row.surprise("hash", "32 bytes"))?,
        })
    }
}

impl Decode for Recorded {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let bytes: Vec<u8> = row.get("hash")?;
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            sequence: row.get("sequence")?,
            id: row.parse("audit_id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            request: row.get("request_id")?,
            address: row.get("address")?,
            before: row.get("before")?,
            after: row.get("after")?,
            hash: hash(&bytes).ok_or_else(|| row.surprise("hash", "32 bytes"))?,
        })
    }
}

pub(crate) async fn take(scope: &mut Scope<'_>, places: i64) -> Result<Head, DbError> {
    let head = scope.one(TAKE, [places.into()]).await?;
    head.ok_or_else(|| DbError::Engine("an upsert of the audit's length returned no row".to_owned()))
}

pub(crate) async fn insert(scope: &mut Scope<'_>, rows: &[Recorded]) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!([
                row.sequence,
                row.id.as_str(),
                row.at.millis(),
                row.actor,
                row.action,
                row.subject,
                row.request,
                row.address,
                row.before,
                row.after,
                row.hash.to_string(),
            ])
        })
        .collect();
    let text = serde_json::Value::Array(lines).to_string();
    scope.run_for_effect(INSERT, [Value::Text(text)]).await.map(drop)
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    filter: &Filter,
    below: i64,
    page: &PageRequest,
) -> Result<Vec<Recorded>, DbError> {
    let parameters = [
        below.into(),
        filter.actor.as_deref().into(),
        filter.action.as_deref().into(),
        filter.subject.as_deref().into(),
        filter.since.into(),
        filter.until.into(),
        page.probe().into(),
    ];
    scope.all(LIST, parameters).await
}

pub(crate) async fn walk(scope: &mut Scope<'_>, after: i64, limit: i64) -> Result<Vec<Recorded>, DbError> {
    scope.all(WALK, [after.into(), limit.into()]).await
}

pub(crate) async fn length(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(LENGTH, []).await?.unwrap_or(0))
}
