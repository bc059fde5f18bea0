//! What do people see of jobs, and what may they change?

use super::lane;
use crate::{Attempt, Filter, Job, State};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{EventId, Instant, JobId, PageRequest, Secret};
use serde_json::json;

const GET: &str = concat!("SELECT ", super::seen!(), " FROM jobs WHERE tenant_id = ?1 AND job_id = ?2");
/// A list of jobs; between its beginning and its end stands what finds them.
macro_rules! list {
    ($found:literal) => {
        concat!(
            "SELECT ",
            super::seen!(),
            " FROM jobs WHERE tenant_id = ?1 AND job_id < ?2 AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR kind = ?4)
        AND (?5 IS NULL OR event_id = ?5) AND (?6 IS NULL OR rule_id = ?6) AND (?7 IS NULL OR (held_by IS NOT NULL) = ?7)
        AND (?8 IS NULL OR EXISTS (SELECT 1 FROM job_attempts AS try WHERE try.tenant_id = jobs.tenant_id
            AND try.job_id = jobs.job_id AND try.number = jobs.attempts AND try.status = ?8))
        AND (?9 IS NULL OR created_at >= ?9) AND (?10 IS NULL OR created_at < ?10) AND ",
            $found,
            " ORDER BY job_id DESC LIMIT ?12"
        )
    };
}
const LIST: &str = list!("?11 IS NULL");
const LIST_OF_ENDPOINT: &str = list!("endpoint_id = ?11");
// Rows stand in the order in which they were made; ids of one millisecond do not.
const OF_EVENT: &str = concat!(
    "SELECT ",
    super::seen!(),
    " FROM jobs WHERE tenant_id = ?1 AND event_id = ?2 ORDER BY rowid LIMIT 1000"
);
const RESULT: &str = "SELECT result FROM jobs WHERE tenant_id = ?1 AND job_id = ?2";
const ATTEMPTS: &str = "SELECT job_id, number, started_at, ended_at, ending, status, detail FROM job_attempts
    WHERE tenant_id = ?1 AND job_id IN (SELECT value FROM json_each(?2)) ORDER BY job_id, number LIMIT 10000";
const AHEAD: &str = concat!(
    "SELECT
    (SELECT COUNT(*) FROM jobs WHERE tenant_id = ?1 AND state = 'queued' AND waits_for = 'time' AND due_at < ?2) AS ahead,
    (SELECT COUNT(*) FROM jobs WHERE +tenant_id = ?1 AND state = 'leased') AS running, ",
    super::queue::at_once!("tenants"),
    " AS at_once, state = 'active' AS active FROM tenants WHERE tenant_id = ?1"
);
const COUNTS: &str = "SELECT kind, state, COUNT(*) AS n, MIN(due_at) AS oldest FROM jobs WHERE tenant_id = ?1
    GROUP BY kind, state ORDER BY kind, state";
const REQUEUE: &str =
    "UPDATE jobs SET state = 'queued', failures = 0, due_at = ?3, ended_at = NULL, result = NULL,
        batch_id = NULL, reason = NULL, held_by = NULL, waits_for = CASE WHEN lane IS NULL THEN 'time' ELSE 'lane' END
    WHERE tenant_id = ?1 AND job_id = ?2 RETURNING tenant_id, job_id, lane, lane_limit";
const DEAD_COUNT: &str =
    "SELECT COUNT(*) AS n FROM jobs WHERE tenant_id = ?1 AND state = 'dead' AND (?2 IS NULL OR kind = ?2)";
const REDRIVE: &str = "UPDATE jobs SET state = 'queued', failures = 0, due_at = ?3, ended_at = NULL, result = NULL,
        batch_id = NULL, waits_for = CASE WHEN lane IS NULL THEN 'time' ELSE 'lane' END
    WHERE tenant_id = ?1 AND job_id IN (SELECT job_id FROM jobs WHERE tenant_id = ?1 AND state = 'dead'
        AND (?2 IS NULL OR kind = ?2) ORDER BY job_id LIMIT ?4) RETURNING tenant_id, job_id, lane, lane_limit";

/// How many jobs of a kind are in a state, and since when the oldest is due.
pub(crate) struct Count {
    pub(crate) kind: crate::Kind,
    pub(crate) state: State,
    pub(crate) count: i64,
    pub(crate) oldest: Option<Instant>,
}

impl Decode for Count {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            kind: row.parse("kind")?,
            state: row.parse("state")?,
            count: row.get("n")?,
            oldest: row.get("oldest")?,
        })
    }
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &JobId) -> Result<Option<Job>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// What a job left.
struct Left(Option<String>);

impl Decode for Left {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("result").map(Self)
    }
}

pub(crate) async fn result(scope: &mut Scope<'_>, id: &JobId) -> Result<Option<Secret<String>>, DbError> {
    let left = scope.one::<Left>(RESULT, [id.into()]).await?;
    Ok(left.and_then(|left| left.0).map(Secret::new))
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Vec<Job>, DbError> {
    let parameters = [
        page.after_or("job_~").into(),
        filter.state.map(State::as_str).into(),
        filter.kind.map(crate::Kind::as_str).into(),
        filter.event.as_ref().into(),
        filter.rule.as_ref().into(),
        filter.held.into(),
        filter.status.into(),
        filter.since.into(),
        filter.until.into(),
        filter.endpoint.as_ref().into(),
        page.probe().into(),
    ];
    scope.all(if filter.endpoint.is_some() { LIST_OF_ENDPOINT } else { LIST }, parameters).await
}

pub(crate) async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Job>, DbError> {
    scope.all(OF_EVENT, [event.into()]).await
}

pub(crate) async fn attempts(scope: &mut Scope<'_>, jobs: &[JobId]) -> Result<Vec<Attempt>, DbError> {
    let ids: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
    scope.all(ATTEMPTS, [Value::Text(json!(ids).to_string())]).await
}

/// How a tenant's queue stands before a job.
pub(crate) struct Ahead {
    /// So many jobs are due before it.
    pub(crate) jobs: i64,
    /// So many of the tenant are leased.
    pub(crate) running: i64,
    /// So many may be.
    pub(crate) at_once: i64,
    /// Whether the tenant's jobs run at all.
    pub(crate) active: bool,
}

impl Decode for Ahead {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            jobs: row.get("ahead")?,
            running: row.get("running")?,
            at_once: row.get("at_once")?,
            active: row.get("active")?,
        })
    }
}

pub(crate) async fn ahead(scope: &mut Scope<'_>, due: Option<Instant>) -> Result<Option<Ahead>, DbError> {
    scope.one(AHEAD, [due.into()]).await
}

pub(crate) async fn counts(scope: &mut Scope<'_>) -> Result<Vec<Count>, DbError> {
    scope.all(COUNTS, []).await
}

pub(crate) async fn requeue(scope: &mut Scope<'_>, id: &JobId, now: Instant) -> Result<(), DbError> {
    let moved = scope.all(REQUEUE, [id.into(), now.into()]).await?;
    lane::moved(scope, moved).await.map(drop)
}

pub(crate) async fn dead_count(scope: &mut Scope<'_>, kind: Option<crate::Kind>) -> Result<i64, DbError> {
    Ok(scope.one(DEAD_COUNT, [kind.map(crate::Kind::as_str).into()]).await?.unwrap_or(0))
}

pub(crate) async fn redrive(
    scope: &mut Scope<'_>,
    kind: Option<crate::Kind>,
    now: Instant,
    most: i64,
) -> Result<usize, DbError> {
    let parameters = [kind.map(crate::Kind::as_str).into(), now.into(), most.into()];
    let moved = scope.all(REDRIVE, parameters).await?;
    Ok(lane::moved(scope, moved).await?.len())
}
