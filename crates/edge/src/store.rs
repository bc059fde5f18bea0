//! What do the doors remember? Used-up quotas (in a database of their own, which may forget) and answers under
//! idempotency keys.

use crate::limits::Counted;
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Instant, Span};

const COUNTERS: &str = "CREATE TABLE IF NOT EXISTS counters (
    key TEXT NOT NULL, window INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (key, window)) STRICT, WITHOUT ROWID";
const TAKE: &str = "INSERT INTO counters (key, window, used) SELECT ?1, ?2, ?3 WHERE ?3 <= ?4
    ON CONFLICT (key, window) DO UPDATE SET used = used + ?3 WHERE used + ?3 <= ?4 RETURNING used AS n";
const COUNT: &str = "INSERT INTO counters (key, window, used) VALUES (?1, ?2, 1)
    ON CONFLICT (key, window) DO UPDATE SET used = min(used + 1, 4294967295) RETURNING used AS this,
    coalesce((SELECT was.used FROM counters AS was WHERE was.key = ?1 AND was.window = ?2 - ?3), 0) AS before";
const FORGET: &str = "DELETE FROM counters WHERE window < ?1";

const PERMITS: &str = "CREATE TABLE IF NOT EXISTS permits (
    place INTEGER PRIMARY KEY, holder TEXT NOT NULL, ends_at INTEGER NOT NULL) STRICT";
const HELD: &str = "SELECT COUNT(*) AS n FROM permits WHERE ends_at > ?1";
const TAKE_PERMIT: &str = "WITH RECURSIVE places(place) AS (SELECT 1 UNION ALL SELECT place + 1 FROM places WHERE place < ?1)
    INSERT INTO permits (place, holder, ends_at)
    SELECT place, ?2, ?4 FROM places WHERE place NOT IN (SELECT place FROM permits WHERE ends_at > ?3) LIMIT 1
    ON CONFLICT (place) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at WHERE permits.ends_at <= ?3
    RETURNING place AS n";
const GIVE_BACK: &str = "DELETE FROM permits WHERE place = ?1 AND holder = ?2";

const CLAIM: &str = "INSERT INTO idempotency_keys (tenant_id, key, fingerprint, state, created_at)
    VALUES (?1, ?2, ?3, 'running', ?4) ON CONFLICT DO NOTHING RETURNING key AS id";
const LAPSE: &str = "DELETE FROM idempotency_keys WHERE tenant_id = ?1 AND key = ?2
    AND created_at <= ?3";
const KEPT: &str = "SELECT fingerprint, state, status, headers, body FROM idempotency_keys
    WHERE tenant_id = ?1 AND key = ?2";
const SWEEP: &str = "DELETE FROM idempotency_keys WHERE rowid IN
    (SELECT rowid FROM idempotency_keys WHERE created_at <= ?1 ORDER BY created_at LIMIT 500)";
const FINISH: &str = "UPDATE idempotency_keys SET state = ?3, status = ?4, headers = ?5, body = ?6
    WHERE tenant_id = ?1 AND key = ?2";
const RELEASE: &str = "DELETE FROM idempotency_keys WHERE tenant_id = ?1 AND key = ?2";

/// How long an answer is kept under its key.
const KEPT_FOR: Span = Span::hours(24);

/// Makes the counters' table, if it is missing.
pub(crate) async fn prepare_counters(all: &mut AllTenants<'_>) -> Result<(), DbError> {
    all.run_for_effect(COUNTERS, []).await.map(drop)
}

/// Makes the permits' table, if it is missing.
pub(crate) async fn prepare_permits(all: &mut AllTenants<'_>) -> Result<(), DbError> {
    all.run_for_effect(PERMITS, []).await.map(drop)
}

/// How many permits are held at `now`.
pub(crate) async fn permits_held(all: &mut AllTenants<'_>, now: Instant) -> Result<i64, DbError> {
    Ok(all.one(HELD, [now.into()]).await?.unwrap_or_default())
}

/// Takes one of `places` permits until `end`, if one is free at `now`; gives its place.
pub(crate) async fn take_permit(
    all: &mut AllTenants<'_>,
    places: u32,
    holder: &str,
    now: Instant,
    end: Instant,
) -> Result<Option<i64>, DbError> {
    all.one(TAKE_PERMIT, [places.into(), holder.into(), now.into(), end.into()]).await
}

/// Gives a permit back that `holder` still has.
pub(crate) async fn give_permit_back(
    all: &mut AllTenants<'_>,
    place: i64,
    holder: &str,
) -> Result<(), DbError> {
    all.run_for_effect(GIVE_BACK, [place.into(), holder.into()]).await.map(drop)
}

/// Takes `amount` from a quota of `limit` in the window that began at `window`; how much is used then, or `None` if
/// that would be too much.
pub(crate) async fn take(
    all: &mut AllTenants<'_>,
    key: &str,
    window: i64,
    amount: u32,
    limit: u32,
) -> Result<Option<i64>, DbError> {
    all.one(TAKE, [key.into(), window.into(), amount.into(), limit.into()]).await
}

impl Decode for Counted {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { this: row.get("this")?, before: row.get("before")? })
    }
}

/// Counts one in the window of `span` milliseconds that began at `window`.
pub(crate) async fn count(
    all: &mut AllTenants<'_>,
    key: &str,
    window: i64,
    span: i64,
) -> Result<Counted, DbError> {
    let counted = all.one(COUNT, [key.into(), window.into(), span.into()]).await?;
    counted.ok_or_else(|| DbError::Engine("an upsert of a counter returned no row".to_owned()))
}

/// Drops the counters of windows that began before `window`.
pub(crate) async fn forget(all: &mut AllTenants<'_>, window: i64) -> Result<(), DbError> {
    all.run_for_effect(FORGET, [window.into()]).await.map(drop)
}

/// What stands under an idempotency key.
pub(crate) struct Kept {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) state: String,
    pub(crate) status: Option<i64>,
    pub(crate) headers: Option<String>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Decode for Kept {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            fingerprint: row.get("fingerprint")?,
            state: row.get("state")?,
            status: row.get("status")?,
            headers: row.get("headers")?,
            body: row.get("body")?,
        })
    }
}

/// Claims a key for a request that begins now; what stands there, if it is taken.
pub(crate) async fn claim(
    scope: &mut Scope<'_>,
    key: &str,
    fingerprint: &[u8],
    now: Instant,
) -> Result<Option<Kept>, DbError> {
    scope.run_for_effect(LAPSE, [key.into(), (now - KEPT_FOR).into()]).await?;
    if scope.run_for_effect(CLAIM, [key.into(), fingerprint.into(), now.into()]).await? > 0 {
        return Ok(None);
    }
    scope.one(KEPT, [key.into()]).await
}

/// Keeps the answer that was given under a key; without one, only that it was confidential.
pub(crate) async fn finish(
    scope: &mut Scope<'_>,
    key: &str,
    answer: Option<(u16, String, Vec<u8>)>,
) -> Result<(), DbError> {
    let values = match answer {
        Some((status, headers, body)) => {
            [key.into(), "done".into(), status.into(), headers.into(), Value::Blob(body)]
        }
        None => [key.into(), "confidential".into(), Value::Null, Value::Null, Value::Null],
    };
    scope.run_for_effect(FINISH, values).await.map(drop)
}

/// Drops keys whose day is over, 500 at most.
pub(crate) async fn sweep(all: &mut AllTenants<'_>, now: Instant) -> Result<(), DbError> {
    all.run_for_effect(SWEEP, [(now - KEPT_FOR).into()]).await.map(drop)
}

/// Frees a key whose request failed on our side.
pub(crate) async fn release(scope: &mut Scope<'_>, key: &str) -> Result<(), DbError> {
    scope.run_for_effect(RELEASE, [key.into()]).await.map(drop)
}
