//! The table `letters`.

use crate::{LetterState, Posted};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Instant, JobId, LetterId, TenantId, UserId};
use serde_json::json;

const ORGANIZATION: &str = "SELECT name AS id FROM tenants WHERE tenant_id = ?1";
// For a user who is not there, it inserts nothing: so that who asks for an unknown address costs what a known one costs.
const INSERT: &str = "INSERT INTO letters
    (tenant_id, letter_id, purpose, notice, user_id, recipient, state, content, trace, created_at, expires_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?8, ?9, ?10 FROM tenants WHERE tenant_id = ?1
        AND (?5 IS NULL OR EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND user_id = ?5))";
const ANY_WAITING: &str = "SELECT EXISTS (SELECT 1 FROM letters WHERE state = 'waiting') AS n";
const WAITING: &str = "SELECT tenant_id, letter_id, purpose, notice, recipient, state, last_error, trace, created_at, expires_at,
    ended_at FROM letters WHERE state = 'waiting' ORDER BY created_at LIMIT ?1";
const QUEUED: &str = "UPDATE letters SET state = 'queued', job_id = new.value ->> 2 FROM json_each(?1) AS new
    WHERE letters.tenant_id = new.value ->> 0 AND letters.letter_id = new.value ->> 1 AND letters.state = 'waiting'";
const LADEN: &str = "SELECT tenant_id, letter_id, purpose, notice, recipient, state, last_error, trace, created_at, expires_at,
    ended_at, content FROM letters WHERE tenant_id = ?1 AND letter_id IN (SELECT value FROM json_each(?2))";
// A letter that ended meanwhile stays as it is; one whose job was tried again is queued again by its next outcome.
const SETTLE: &str = "UPDATE letters SET state = ?3, last_error = ?4,
    content = CASE WHEN ?3 IN ('sent', 'expired') THEN NULL ELSE content END,
    ended_at = CASE WHEN ?3 = 'queued' THEN NULL ELSE ?5 END
    WHERE tenant_id = ?1 AND letter_id = ?2 AND state IN ('queued', 'failed')";
const EXPIRE: &str = "UPDATE letters SET state = 'expired', content = NULL, ended_at = ?1
    WHERE content IS NOT NULL AND expires_at <= ?1 RETURNING letter_id AS id";
const LIST: &str = "SELECT tenant_id, letter_id, purpose, notice, recipient, state, last_error, trace, created_at, expires_at,
    ended_at FROM letters WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR tenant_id = ?2) AND (?3 IS NULL OR letter_id = ?3)
    ORDER BY created_at DESC, letter_id DESC LIMIT ?4";

impl Decode for Posted {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            id: row.parse("letter_id")?,
            purpose: row.parse("purpose")?,
            notice: row.parse_opt("notice")?,
            recipient: row.parse("recipient")?,
            state: row.parse("state")?,
            last_error: row.get("last_error")?,
            trace: row.get("trace")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// A letter with its sealed content, if that was not erased.
pub(crate) struct Laden {
    pub(crate) letter: Posted,
    pub(crate) content: Option<Vec<u8>>,
}

impl Decode for Laden {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { content: row.get("content")?, letter: Posted::decode(row)? })
    }
}

/// What people call the tenant.
pub(crate) async fn organization(scope: &mut Scope<'_>) -> Result<Option<String>, DbError> {
    scope.one(ORGANIZATION, []).await
}

/// Writes a letter that waits.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    letter: &Posted,
    user: Option<&UserId>,
    content: Vec<u8>,
) -> Result<(), DbError> {
    let parameters = [
        (&letter.id).into(),
        letter.purpose.as_str().into(),
        letter.notice.map(crate::Notice::as_str).into(),
        user.into(),
        letter.recipient.as_str().into(),
        Value::Blob(content),
        letter.trace.as_str().into(),
        letter.created_at.into(),
        letter.expires_at.into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

/// Whether a letter waits; looks into an index that holds nothing else.
pub(crate) async fn any_waiting(all: &mut AllTenants<'_>) -> Result<bool, DbError> {
    Ok(all.one::<i64>(ANY_WAITING, []).await? == Some(1))
}

/// The letters that wait, oldest first.
pub(crate) async fn waiting(all: &mut AllTenants<'_>, most: u16) -> Result<Vec<Posted>, DbError> {
    all.all(WAITING, [most.into()]).await
}

/// Notes which job carries which letter; one statement.
pub(crate) async fn queued(
    all: &mut AllTenants<'_>,
    carried: &[(&TenantId, &LetterId, &JobId)],
) -> Result<(), DbError> {
    let rows: Vec<_> = carried
        .iter()
        .map(|(tenant, letter, job)| json!([tenant.as_str(), letter.as_str(), job.as_str()]))
        .collect();
    all.run_for_effect(QUEUED, [Value::Text(serde_json::Value::Array(rows).to_string())]).await.map(drop)
}

/// Letters of a tenant with their content.
pub(crate) async fn laden(scope: &mut Scope<'_>, ids: &[LetterId]) -> Result<Vec<Laden>, DbError> {
    let names: Vec<&str> = ids.iter().map(LetterId::as_str).collect();
    scope.all(LADEN, [Value::Text(json!(names).to_string())]).await
}

/// Notes what became of a letter that a job carries; erases what need not be kept.
pub(crate) async fn settle(
    scope: &mut Scope<'_>,
    id: &LetterId,
    state: LetterState,
    error: Option<&str>,
    now: Instant,
) -> Result<(), DbError> {
    let parameters = [id.into(), state.as_str().into(), error.into(), now.into()];
    scope.run_for_effect(SETTLE, parameters).await.map(drop)
}

/// Ends the letters whose time is over, and erases what they say; tells how many.
pub(crate) async fn expire(all: &mut AllTenants<'_>, now: Instant) -> Result<usize, DbError> {
    all.run_for_effect(EXPIRE, [now.into()]).await
}

/// Letters of all tenants, newest first.
pub(crate) async fn list(
    all: &mut AllTenants<'_>,
    state: Option<LetterState>,
    tenant: Option<&TenantId>,
    id: Option<&LetterId>,
    most: u16,
) -> Result<Vec<Posted>, DbError> {
    let parameters = [
        state.map(LetterState::as_str).into(),
        tenant.map(TenantId::as_str).into(),
        id.map(LetterId::as_str).into(),
        most.into(),
    ];
    all.all(LIST, parameters).await
}

/// Contents, for when the key that seals them is turned.
pub(crate) const SEALED: vault::Column = vault::Column {
    table: "letters",
    pick: "SELECT tenant_id, letter_id AS id, tenant_id || '/letters/' || letter_id AS place, content AS sealed FROM letters
        WHERE (tenant_id, letter_id) > (?1, ?2) AND content IS NOT NULL AND substr(content, 1, length(?3)) <> ?3
        ORDER BY tenant_id, letter_id LIMIT ?4",
    put: "UPDATE letters SET content = ?3 WHERE tenant_id = ?1 AND letter_id = ?2 AND content = ?4
        RETURNING letter_id AS id",
    count: "SELECT COUNT(*) AS n FROM letters WHERE content IS NOT NULL AND substr(content, 1, length(?1)) <> ?1",
};
