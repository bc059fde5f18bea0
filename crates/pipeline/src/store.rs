//! Where do tenants stand? Their state and revisions, looked at inside the transaction that relies on them.

pub(crate) mod portal;
pub(crate) mod removal;
pub(crate) mod runs;

use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Person, TenantId};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

const STANDINGS: &str =
    "SELECT tenant_id, state = 'active' AS active, access_revision, rules_revision FROM tenants
    WHERE tenant_id IN (SELECT value FROM json_each(?1))";

/// How many kept answers one window has.
const WINDOW: i64 = 500;
const ANSWERS_END: &str =
    "SELECT key AS id FROM idempotency_keys WHERE tenant_id = ?1 AND key > ?2 ORDER BY key LIMIT 1 OFFSET ?3";
// A body is bytes; `lower` reads them as text.
const FORGET_ANSWERS: &str = "DELETE FROM idempotency_keys WHERE tenant_id = ?1 AND key > ?2
    AND (?3 IS NULL OR key <= ?3) AND (instr(lower(CAST(body AS TEXT)), ?4) OR instr(lower(headers), ?4)
        OR instr(lower(key), ?4)) RETURNING key AS id";
const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Where a tenant stands at this moment.
pub(crate) struct Standing {
    tenant: TenantId,
    pub(crate) active: bool,
    pub(crate) access: i64,
    pub(crate) rules: i64,
}

impl Decode for Standing {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            active: row.get("active")?,
            access: row.get("access_revision")?,
            rules: row.get("rules_revision")?,
        })
    }
}

/// Where these tenants stand; one statement.
pub(crate) async fn standings(
    all: &mut AllTenants<'_>,
    tenants: &BTreeSet<&TenantId>,
) -> Result<HashMap<TenantId, Standing>, DbError> {
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.as_str()).collect();
    let rows: Vec<Standing> = all.all(STANDINGS, [Value::Text(json!(names).to_string())]).await?;
    Ok(rows.into_iter().map(|row| (row.tenant.clone(), row)).collect())
}

/// Removes, of the next 500 answers that the doors keep under idempotency keys, those that name a person: an answer must
/// not bring back who is erased. Tells how many, and where to go on.
pub(crate) async fn forget_answers(
    scope: &mut Scope<'_>,
    person: &Person,
    after: &str,
) -> Result<(usize, Option<String>), DbError> {
    let end: Option<String> = scope.one(ANSWERS_END, [after.into(), WINDOW.into()]).await?;
    let email = person.email.to_ascii_lowercase();
    let gone =
        scope.run_for_effect(FORGET_ANSWERS, [after.into(), end.as_deref().into(), email.into()]).await?;
    Ok((gone, end))
}

/// Moves what stands in SQLite's write-ahead log into the database and empties the log, so that nothing of what was
/// deleted is left there. Where somebody is using it, it stays: the next who writes much moves it.
pub(crate) async fn empty_log(all: &mut AllTenants<'_>) {
    // A remote database knows no such log.
    let _: Result<usize, DbError> = all.run_for_effect(EMPTY_LOG, []).await;
}
