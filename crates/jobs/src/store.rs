//! Where do jobs stand? In `jobs` and `job_attempts`.

pub(crate) mod privacy;

use crate::{Attempt, Filter, Job, NewJob, Next, Patience, Settlement, State};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{EventId, Instant, JobId, PageRequest, RuleId, Span, TenantId};
use serde_json::json;

const INSERT: &str = "INSERT INTO jobs
    (tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, max_attempts, first_wait,
     most_wait, last_error, trace, created_at, ended_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, CASE WHEN value ->> 12 IS NULL THEN 'queued' ELSE 'dead' END,
        value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
        value ->> 11, value ->> 12, value ->> 13, ?2, CASE WHEN value ->> 12 IS NULL THEN NULL ELSE ?2 END
    FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";

// The tenants that have something queued are found by hopping through the index; of each the oldest ?4 due are looked at, and
// the turns go round: first every tenant's first, then every tenant's second.
const CLAIM: &str = "WITH RECURSIVE
    tenant(id) AS (
        SELECT (SELECT tenant_id FROM jobs WHERE state = 'queued' ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM jobs WHERE state = 'queued' AND tenant_id > tenant.id ORDER BY tenant_id LIMIT 1)
        FROM tenant WHERE tenant.id IS NOT NULL
    ),
    due AS (
        SELECT job.rowid AS place, job.due_at,
            ROW_NUMBER() OVER (PARTITION BY job.tenant_id ORDER BY job.due_at, job.rowid) AS turn
        FROM tenant JOIN jobs AS job ON job.rowid IN (
            SELECT rowid FROM jobs WHERE tenant_id = tenant.id AND state = 'queued' AND due_at <= ?1
            ORDER BY due_at, rowid LIMIT ?4)
        WHERE tenant.id IN (SELECT tenant_id FROM tenants WHERE state = 'active')
    )
    UPDATE jobs SET state = 'leased', lease = ?2, leased_until = ?3, leased_at = ?1, attempts = attempts + 1
    WHERE rowid IN (SELECT place FROM due ORDER BY turn, due_at, place LIMIT ?4)
    RETURNING tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts, failures,
        max_attempts, first_wait, most_wait, last_error, trace, created_at, ended_at";

const LOSE: &str = "INSERT INTO job_attempts (tenant_id, job_id, number, started_at, ended_at, ending, status, detail)
    SELECT tenant_id, job_id, attempts, leased_at, ?1, 'lost', NULL, 'the lease ran out: the worker stopped or was too slow'
    FROM jobs WHERE state = 'leased' AND leased_until <= ?1 ON CONFLICT DO NOTHING RETURNING job_id AS id";
const EXPIRE: &str = "UPDATE jobs SET
    state = CASE WHEN failures + 1 >= max_attempts THEN 'dead' ELSE 'queued' END,
    ended_at = CASE WHEN failures + 1 >= max_attempts THEN ?1 ELSE NULL END,
    failures = failures + 1, due_at = ?1, lease = NULL, leased_until = NULL, leased_at = NULL,
    last_error = 'the lease ran out: the worker stopped or was too slow'
    WHERE state = 'leased' AND leased_until <= ?1
    RETURNING tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts, failures,
        max_attempts, first_wait, most_wait, last_error, trace, created_at, ended_at";

const SETTLE: &str = "UPDATE jobs SET state = new.value ->> 3, due_at = coalesce(new.value ->> 4, due_at),
    failures = new.value ->> 5, last_error = new.value ->> 6, ended_at = new.value ->> 7,
    lease = NULL, leased_until = NULL, leased_at = NULL
    FROM json_each(?1) AS new
    WHERE jobs.tenant_id = new.value ->> 0 AND jobs.job_id = new.value ->> 1
        AND jobs.state = 'leased' AND jobs.lease = new.value ->> 2
    RETURNING tenant_id, job_id";
const NOTE: &str = "INSERT INTO job_attempts (tenant_id, job_id, number, started_at, ended_at, ending, status, detail)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
    FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";
const ANYTHING: &str = "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'leased' AND leased_until <= ?1)
    OR EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND due_at <= ?1
        AND tenant_id IN (SELECT tenant_id FROM tenants WHERE state = 'active')) AS n";
const DUE_NEXT: &str = "SELECT MIN(due_at) AS n FROM jobs WHERE state = 'queued'
    AND tenant_id IN (SELECT tenant_id FROM tenants WHERE state = 'active')";

const GET: &str =
    "SELECT tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts,
    failures, max_attempts, first_wait, most_wait, last_error, trace, created_at, ended_at
    FROM jobs WHERE tenant_id = ?1 AND job_id = ?2";
const LIST: &str = "SELECT tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts,
    failures, max_attempts, first_wait, most_wait, last_error, trace, created_at, ended_at
    FROM jobs WHERE tenant_id = ?1 AND job_id < ?2 AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR kind = ?4)
        AND (?5 IS NULL OR event_id = ?5)
    ORDER BY job_id DESC LIMIT ?6";
const OF_EVENT: &str =
    "SELECT tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts,
    failures, max_attempts, first_wait, most_wait, last_error, trace, created_at, ended_at
    FROM jobs WHERE tenant_id = ?1 AND event_id = ?2 ORDER BY job_id LIMIT 1000";
const ATTEMPTS: &str = "SELECT job_id, number, started_at, ended_at, ending, status, detail FROM job_attempts
    WHERE tenant_id = ?1 AND job_id IN (SELECT value FROM json_each(?2)) ORDER BY job_id, number LIMIT 10000";
const AHEAD: &str =
    "SELECT COUNT(*) AS n FROM jobs WHERE tenant_id = ?1 AND state = 'queued' AND due_at < ?2";
const COUNTS: &str = "SELECT kind, state, COUNT(*) AS n, MIN(due_at) AS oldest FROM jobs WHERE tenant_id = ?1
    GROUP BY kind, state ORDER BY kind, state";
const REQUEUE: &str = "UPDATE jobs SET state = 'queued', failures = 0, due_at = ?3, ended_at = NULL
    WHERE tenant_id = ?1 AND job_id = ?2 RETURNING job_id AS id";
const CANCEL: &str =
    "UPDATE jobs SET state = 'cancelled', ended_at = ?3, lease = NULL, leased_until = NULL, leased_at = NULL
    WHERE tenant_id = ?1 AND job_id = ?2 AND state IN ('queued', 'leased') RETURNING job_id AS id";
const CANCEL_RUN: &str = "UPDATE jobs SET state = 'cancelled', ended_at = ?5, last_error = ?4
    WHERE tenant_id = ?1 AND event_id = ?2 AND rule_id = ?3 AND state = 'queued' AND attempts = 0 RETURNING job_id AS id";
const DEAD_COUNT: &str =
    "SELECT COUNT(*) AS n FROM jobs WHERE tenant_id = ?1 AND state = 'dead' AND (?2 IS NULL OR kind = ?2)";
const REDRIVE: &str = "UPDATE jobs SET state = 'queued', failures = 0, due_at = ?3, ended_at = NULL
    WHERE tenant_id = ?1 AND job_id IN (SELECT job_id FROM jobs WHERE tenant_id = ?1 AND state = 'dead'
        AND (?2 IS NULL OR kind = ?2) ORDER BY job_id LIMIT ?4) RETURNING job_id AS id";

// What has ended well is not counted, and of the rest no more than ?1 rows of a state are looked at, so that a gauge costs
// little however much there is.
const OPEN: &str = "SELECT kind, state, COUNT(*) AS n, SUM(failures > 0) AS again FROM (
        SELECT * FROM (SELECT kind, 'queued' AS state, failures FROM jobs WHERE state = 'queued' ORDER BY due_at LIMIT ?1)
        UNION ALL
        SELECT * FROM (SELECT kind, 'leased' AS state, failures FROM jobs WHERE state = 'leased' ORDER BY leased_until LIMIT ?1)
        UNION ALL
        SELECT * FROM (SELECT kind, 'dead' AS state, failures FROM jobs WHERE state = 'dead' ORDER BY tenant_id, job_id LIMIT ?1))
    GROUP BY kind, state ORDER BY kind, state";
// One look into an index per tenant. A suspended tenant's jobs wait on purpose.
const OLDEST: &str = "SELECT
        MIN((SELECT due_at FROM jobs WHERE jobs.tenant_id = tenants.tenant_id AND jobs.state = 'queued'
            ORDER BY due_at LIMIT 1)) FILTER (WHERE tenants.state = 'active') AS due,
        MIN((SELECT created_at FROM jobs WHERE jobs.tenant_id = tenants.tenant_id AND jobs.state = 'dead'
            ORDER BY job_id LIMIT 1)) AS dead,
        (SELECT COALESCE(MAX(rowid), 0) FROM jobs) AS made
    FROM tenants";

impl Decode for Job {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            id: row.parse("job_id")?,
            kind: row.parse("kind")?,
            state: row.parse("state")?,
            payload: row.get("payload")?,
            event: row.parse_opt("event_id")?,
            rule: row.parse_opt("rule_id")?,
            action: row.get("action")?,
            parent: row.parse_opt("parent_id")?,
            due: row.get("due_at")?,
            attempts: row.get("attempts")?,
            failures: row.get("failures")?,
            patience: Patience {
                attempts: row.get("max_attempts")?,
                first: Span::millis(row.get("first_wait")?),
                most: Span::millis(row.get("most_wait")?),
            },
            last_error: row.get("last_error")?,
            trace: row.get("trace")?,
            created: row.get("created_at")?,
            ended: row.get("ended_at")?,
        })
    }
}

impl Decode for Attempt {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            job: row.parse("job_id")?,
            number: row.get("number")?,
            started: row.get("started_at")?,
            ended: row.get("ended_at")?,
            ending: row.parse("ending")?,
            status: row.get("status")?,
            detail: row.get("detail")?,
        })
    }
}

/// A job's whole name.
struct Name(TenantId, JobId);

impl Decode for Name {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.parse("tenant_id")?, row.parse("job_id")?))
    }
}

/// How many jobs of a kind are in a state, and since when the oldest is due.
pub(crate) struct Count {
    pub(crate) kind: crate::Kind,
    pub(crate) state: State,
    pub(crate) count: i64,
    pub(crate) oldest: Instant,
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

pub(crate) async fn insert(all: &mut AllTenants<'_>, jobs: &[NewJob], now: Instant) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> = jobs
        .iter()
        .map(|job| {
            json!([
                job.tenant.as_str(),
                job.id.as_str(),
                job.kind.as_str(),
                job.payload,
                job.event.as_ref().map(EventId::as_str),
                job.rule.as_ref().map(|(rule, _)| rule.as_str()),
                job.rule.as_ref().map(|(_, action)| action),
                job.parent.as_ref().map(JobId::as_str),
                job.due.millis(),
                job.patience.attempts,
                job.patience.first.as_millis(),
                job.patience.most.as_millis(),
                job.stillborn,
                job.trace,
            ])
        })
        .collect();
    let text = serde_json::Value::Array(lines).to_string();
    all.run_for_effect(INSERT, [Value::Text(text), now.into()]).await.map(drop)
}

pub(crate) async fn claim(
    all: &mut AllTenants<'_>,
    now: Instant,
    lease: &str,
    until: Instant,
    most: u16,
) -> Result<Vec<Job>, DbError> {
    all.all(CLAIM, [now.into(), lease.into(), until.into(), most.into()]).await
}

pub(crate) async fn expire(all: &mut AllTenants<'_>, now: Instant) -> Result<Vec<Job>, DbError> {
    if all.run_for_effect(LOSE, [now.into()]).await? == 0 {
        return Ok(Vec::new());
    }
    all.all(EXPIRE, [now.into()]).await
}

pub(crate) async fn settle(
    all: &mut AllTenants<'_>,
    settlements: &[Settlement],
) -> Result<Vec<(TenantId, JobId)>, DbError> {
    let jobs: Vec<serde_json::Value> = settlements.iter().map(outcome).collect();
    let attempts: Vec<serde_json::Value> = settlements
        .iter()
        .map(|one| {
            let job = &one.leased.job;
            json!([
                job.tenant.as_str(),
                job.id.as_str(),
                job.attempts,
                one.leased.started.millis(),
                one.ended.millis(),
                one.next.ending().as_str(),
                one.status,
                one.detail,
            ])
        })
        .collect();
    let names: Vec<Name> = all.all(SETTLE, [Value::Text(serde_json::Value::Array(jobs).to_string())]).await?;
    all.run_for_effect(NOTE, [Value::Text(serde_json::Value::Array(attempts).to_string())]).await?;
    Ok(names.into_iter().map(|name| (name.0, name.1)).collect())
}

fn outcome(one: &Settlement) -> serde_json::Value {
    let job = &one.leased.job;
    let (state, due, ended) = match one.next {
        Next::Done => (State::Done, None, Some(one.ended)),
        Next::Later(at) | Next::Again(at) => (State::Queued, Some(at), None),
        Next::Dead => (State::Dead, None, Some(one.ended)),
    };
    let (failures, error) = match one.next {
        Next::Done | Next::Later(_) => (job.failures, None),
        Next::Again(_) | Next::Dead => (job.failures.saturating_add(1), Some(one.detail.as_str())),
    };
    json!([
        job.tenant.as_str(),
        job.id.as_str(),
        one.leased.lease.as_str(),
        state.as_str(),
        due.map(Instant::millis),
        failures,
        error,
        ended.map(Instant::millis),
    ])
}

pub(crate) async fn cancel_run(
    scope: &mut Scope<'_>,
    event: &EventId,
    rule: &RuleId,
    why: &str,
    now: Instant,
) -> Result<usize, DbError> {
    scope.run_for_effect(CANCEL_RUN, [event.into(), rule.into(), why.into(), now.into()]).await
}

pub(crate) async fn anything(all: &mut AllTenants<'_>, now: Instant) -> Result<bool, DbError> {
    Ok(all.one::<i64>(ANYTHING, [now.into()]).await? == Some(1))
}

/// One column named `n` that may be null.
struct Maybe(Option<Instant>);

impl Decode for Maybe {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("n").map(Self)
    }
}

pub(crate) async fn due_next(all: &mut AllTenants<'_>) -> Result<Option<Instant>, DbError> {
    Ok(all.one::<Maybe>(DUE_NEXT, []).await?.and_then(|row| row.0))
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &JobId) -> Result<Option<Job>, DbError> {
    scope.one(GET, [id.into()]).await
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
        page.probe().into(),
    ];
    scope.all(LIST, parameters).await
}

pub(crate) async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Job>, DbError> {
    scope.all(OF_EVENT, [event.into()]).await
}

pub(crate) async fn attempts(scope: &mut Scope<'_>, jobs: &[JobId]) -> Result<Vec<Attempt>, DbError> {
    let ids: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
    scope.all(ATTEMPTS, [Value::Text(json!(ids).to_string())]).await
}

pub(crate) async fn ahead(scope: &mut Scope<'_>, due: Instant) -> Result<i64, DbError> {
    Ok(scope.one(AHEAD, [due.into()]).await?.unwrap_or(0))
}

pub(crate) async fn counts(scope: &mut Scope<'_>) -> Result<Vec<Count>, DbError> {
    scope.all(COUNTS, []).await
}

pub(crate) async fn requeue(scope: &mut Scope<'_>, id: &JobId, now: Instant) -> Result<(), DbError> {
    scope.run_for_effect(REQUEUE, [id.into(), now.into()]).await.map(drop)
}

pub(crate) async fn cancel(scope: &mut Scope<'_>, id: &JobId, now: Instant) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(CANCEL, [id.into(), now.into()]).await? > 0)
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
    scope.run_for_effect(REDRIVE, [kind.map(crate::Kind::as_str).into(), now.into(), most.into()]).await
}

impl Decode for crate::Open {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            kind: row.parse("kind")?,
            state: row.parse("state")?,
            count: row.get("n")?,
            again: row.get("again")?,
        })
    }
}

/// Since when the oldest wait, and how many jobs there ever were.
pub(crate) struct Oldest {
    pub(crate) due: Option<Instant>,
    pub(crate) dead: Option<Instant>,
    pub(crate) made: i64,
}

impl Decode for Oldest {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { due: row.get("due")?, dead: row.get("dead")?, made: row.get("made")? })
    }
}

pub(crate) async fn open(all: &mut AllTenants<'_>, most: i64) -> Result<Vec<crate::Open>, DbError> {
    all.all(OPEN, [most.into()]).await
}

pub(crate) async fn oldest(all: &mut AllTenants<'_>) -> Result<Option<Oldest>, DbError> {
    all.one(OLDEST, []).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::native::Native;
    use futures::executor::block_on;

    struct Step(String);
    impl Decode for Step {
        fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
            row.get("detail").map(Self)
        }
    }

    fn plan(sql: &str) -> String {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut lease = db.read().await.unwrap();
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let steps: Vec<Step> = lease.all_tenants().unwrap().all(&explain, [1_i64.into()]).await.unwrap();
            steps.into_iter().map(|step| step.0 + "\n").collect()
        })
    }

    #[test]
    fn gauges_never_walk_through_the_whole_table() {
        let plan = plan(OPEN) + &plan(&OLDEST.replace("FROM tenants", "FROM tenants WHERE ?1"));
        for line in plan.lines().filter(|line| line.contains("jobs")) {
            assert!(
                line.contains("USING INDEX")
                    || line.contains("USING COVERING INDEX")
                    || line == "SEARCH jobs",
                "{plan}"
            );
        }
        for index in ["jobs_soonest", "jobs_leased", "jobs_dead", "jobs_due"] {
            assert!(plan.contains(index), "{index}: {plan}");
        }
    }
}
