//! How do jobs that belong together stand, and which dead deliveries has an endpoint?

use super::lane;
use crate::{Again, BatchCounts, State};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{EndpointId, Instant, JobId};
use serde_json::json;
use std::collections::HashSet;

/// The dead deliveries to an endpoint: after an id, before another.
macro_rules! dead {
    () => {
        "FROM jobs INDEXED BY jobs_dead_by_endpoint WHERE tenant_id = ?1 AND endpoint_id = ?2 AND state = 'dead'
        AND event_id IS NOT NULL AND job_id > ?3 AND job_id < ?4"
    };
}
const DEAD: &str = concat!("SELECT job_id AS id ", dead!(), " ORDER BY job_id LIMIT ?5");
const DEAD_COUNT: &str = concat!("SELECT COUNT(*) AS n FROM (SELECT 1 ", dead!(), " LIMIT ?5)");
// Each line names the tenant, too: else SQLite would look through all of the tenant's jobs for each.
const REDRIVE: &str = "UPDATE jobs SET state = 'queued', failures = 0, due_at = new.value ->> 1, ended_at = NULL, result = NULL,
        batch_id = ?3, waits_for = CASE WHEN lane IS NULL THEN 'time' ELSE 'lane' END
    FROM json_each(?2) AS new
    WHERE new.value ->> 2 = ?1 AND jobs.tenant_id = new.value ->> 2 AND jobs.job_id = new.value ->> 0 AND jobs.state = 'dead'
    RETURNING tenant_id, job_id, lane, lane_limit";
const MARK: &str = "UPDATE jobs SET batch_id = ?3
    WHERE tenant_id = ?1 AND job_id IN (SELECT value FROM json_each(?2))";
const COUNTS: &str = "SELECT state, failures > 0 AS again, COUNT(*) AS n FROM jobs
    WHERE tenant_id = ?1 AND batch_id = ?2 GROUP BY state, failures > 0";
const WAITING: &str = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM jobs
    WHERE tenant_id = ?1 AND batch_id = ?2 AND state = 'queued' AND failures = 0 LIMIT ?3)";
// Who was tried before it came into the batch was dead then.
const TAKE_BACK: &str = "UPDATE jobs SET state = iif(attempts > 0, 'dead', 'cancelled'), ended_at = ?3, waits_for = 'time',
        reason = iif(attempts > 0, NULL, ?4)
    WHERE tenant_id = ?1 AND job_id IN (SELECT job_id FROM jobs
        WHERE tenant_id = ?1 AND batch_id = ?2 AND state = 'queued' AND failures = 0 AND held_by IS NULL LIMIT ?5)
    RETURNING tenant_id, job_id, lane, lane_limit";
const SENT_TO: &str = "SELECT DISTINCT job.event_id AS id FROM json_each(?3) AS event CROSS JOIN jobs AS job
    ON job.tenant_id = ?1 AND job.event_id = event.value
    WHERE job.endpoint_id = ?2 AND (job.state <> 'cancelled' OR job.attempts > 0)";

fn range(again: &Again<'_>, most: i64) -> [Value; 4] {
    [again.endpoint.into(), again.after.into(), (&JobId::first(again.until)).into(), most.into()]
}

struct Id(JobId);

impl Decode for Id {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.parse("id").map(Self)
    }
}

pub(crate) async fn dead(scope: &mut Scope<'_>, again: &Again<'_>, most: i64) -> Result<Vec<JobId>, DbError> {
    let ids: Vec<Id> = scope.all(DEAD, range(again, most)).await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

pub(crate) async fn dead_count(scope: &mut Scope<'_>, again: &Again<'_>, most: i64) -> Result<i64, DbError> {
    Ok(scope.one(DEAD_COUNT, range(again, most)).await?.unwrap_or_default())
}

pub(crate) async fn redrive(
    scope: &mut Scope<'_>,
    batch: &str,
    jobs: &[(JobId, Instant)],
) -> Result<usize, DbError> {
    let tenant = scope.tenant().clone();
    let line = |(id, due): &(JobId, Instant)| json!([id.as_str(), due.millis(), tenant.as_str()]);
    let lines: Vec<_> = jobs.iter().map(line).collect();
    let moved = scope.all(REDRIVE, [Value::Text(json!(lines).to_string()), batch.into()]).await?;
    Ok(lane::moved(scope, moved).await?.len())
}

pub(crate) async fn mark(scope: &mut Scope<'_>, batch: &str, jobs: &[&str]) -> Result<(), DbError> {
    scope.run_for_effect(MARK, [Value::Text(json!(jobs).to_string()), batch.into()]).await.map(drop)
}

/// How many jobs of a batch are in a state.
struct Count {
    state: State,
    again: bool,
    count: i64,
}

impl Decode for Count {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { state: row.parse("state")?, again: row.get("again")?, count: row.get("n")? })
    }
}

pub(crate) async fn counts(scope: &mut Scope<'_>, batch: &str) -> Result<BatchCounts, DbError> {
    let rows: Vec<Count> = scope.all(COUNTS, [batch.into()]).await?;
    let mut counts = BatchCounts::default();
    for row in rows {
        let place = match (row.state, row.again) {
            (State::Queued, false) => &mut counts.waiting,
            (State::Queued, true) => &mut counts.again,
            (State::Leased, _) => &mut counts.leased,
            (State::Done, _) => &mut counts.done,
            (State::Dead, _) => &mut counts.dead,
            (State::Cancelled, _) => &mut counts.cancelled,
        };
        *place = place.saturating_add(row.count);
    }
    Ok(counts)
}

pub(crate) async fn waiting(scope: &mut Scope<'_>, batch: &str, most: i64) -> Result<i64, DbError> {
    Ok(scope.one(WAITING, [batch.into(), most.into()]).await?.unwrap_or_default())
}

pub(crate) async fn take_back(
    scope: &mut Scope<'_>,
    batch: &str,
    reason: &str,
    now: Instant,
    most: i64,
) -> Result<usize, DbError> {
    let gone = scope.all(TAKE_BACK, [batch.into(), now.into(), reason.into(), most.into()]).await?;
    Ok(lane::moved(scope, gone).await?.len())
}

pub(crate) async fn sent_to(
    scope: &mut Scope<'_>,
    endpoint: &EndpointId,
    events: &[&str],
) -> Result<HashSet<String>, DbError> {
    let ids: Vec<String> =
        scope.all(SENT_TO, [endpoint.into(), Value::Text(json!(events).to_string())]).await?;
    Ok(ids.into_iter().collect())
}

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("DEAD", DEAD),
    ("DEAD_COUNT", DEAD_COUNT),
    ("REDRIVE", REDRIVE),
    ("MARK", MARK),
    ("BATCH_COUNTS", COUNTS),
    ("BATCH_WAITING", WAITING),
    ("TAKE_BACK", TAKE_BACK),
    ("SENT_TO", SENT_TO),
];
