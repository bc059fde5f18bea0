//! Who follows whom? Those that a job held are let go when it has ended, and taken back with it when it is taken back.

use super::{
    lane,
    lane::{Lanes, Moved},
};
use crate::{Job, Run, Step};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Instant, JobId};
use serde_json::json;

const RELEASE: &str = "UPDATE jobs SET held_by = NULL, due_at = (new.value ->> 2) + delay,
    waits_for = CASE WHEN lane IS NULL THEN 'time' ELSE 'lane' END
    FROM json_each(?1) AS new
    WHERE jobs.tenant_id = new.value ->> 0 AND jobs.held_by = new.value ->> 1
    RETURNING tenant_id, job_id, lane, lane_limit";

/// A statement that takes back the jobs that it begins with and all that they hold. ?2 says which, ?3 is now, ?4 the reason.
macro_rules! taking_back {
    ($first:literal) => {
        concat!(
            "WITH RECURSIVE first(id) AS MATERIALIZED (",
            $first,
            "),
    gone(id) AS (
        SELECT id FROM first
        UNION
        SELECT job.job_id FROM gone CROSS JOIN jobs AS job ON job.tenant_id = ?1 AND job.held_by = gone.id
    )
    UPDATE jobs SET state = 'cancelled', ended_at = ?3, lease = NULL, leased_until = NULL, leased_at = NULL,
        held_by = NULL, waits_for = 'time',
        reason = CASE WHEN job_id IN (SELECT id FROM first) THEN ?4
            ELSE 'the job before it, ' || held_by || ', was taken back: ' || ?4 END
    WHERE tenant_id = ?1 AND job_id IN (SELECT id FROM gone)
    RETURNING tenant_id, job_id, lane, lane_limit"
        )
    };
}
pub(super) use taking_back;

const CANCEL: &str = taking_back!(
    "SELECT job_id FROM jobs WHERE tenant_id = ?1 AND job_id IN (SELECT value FROM json_each(?2))
        AND state IN ('queued', 'leased')"
);
const CANCEL_RUNS: &str = taking_back!(
    "SELECT job.job_id FROM json_each(?2) AS run CROSS JOIN jobs AS job ON job.tenant_id = ?1
        AND job.event_id = run.value ->> 0 AND job.rule_id = run.value ->> 1
        WHERE job.parent_id IS NULL AND job.state = 'queued' AND job.attempts = 0"
);

// Only where nothing of the run has begun. Those that are held come after the first by themselves.
const RESCHEDULE: &str = "UPDATE jobs SET due_at = ?4, waits_for = CASE WHEN lane IS NULL THEN 'time' ELSE 'lane' END
    WHERE tenant_id = ?1 AND event_id = ?2 AND rule_id = ?3 AND parent_id IS NULL AND state = 'queued'
        AND held_by IS NULL AND NOT EXISTS (SELECT 1 FROM jobs AS one WHERE one.tenant_id = ?1 AND one.event_id = ?2
            AND one.rule_id = ?3 AND one.parent_id IS NULL AND one.attempts > 0)
    RETURNING tenant_id, job_id, lane, lane_limit";

// The jobs that carry the message of an action are no steps: they have a parent.
const STEPS: &str =
    "SELECT job.event_id, job.rule_id, job.action, job.action_name, job.state, job.result, job.last_error
    FROM (SELECT DISTINCT value ->> 0 AS event_id, value ->> 1 AS rule_id FROM json_each(?2)) AS run
    CROSS JOIN jobs AS job ON job.tenant_id = ?1 AND job.event_id = run.event_id AND job.rule_id = run.rule_id
    WHERE job.parent_id IS NULL AND job.action IS NOT NULL AND job.ended_at IS NOT NULL
    ORDER BY job.event_id, job.rule_id, job.action";

impl Decode for Step {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            run: Run { event: row.parse("event_id")?, rule: row.parse("rule_id")? },
            action: row.get("action")?,
            name: row.get("action_name")?,
            state: row.parse("state")?,
            result: row.get::<Option<String>>("result")?.map(kernel::Secret::new),
            error: row.get("last_error")?,
        })
    }
}

/// Lets go whom these jobs held, each at the end of its holder; notes their lanes, and tells how many may run without any.
pub(crate) async fn release(
    all: &mut AllTenants<'_>,
    ended: &[(&Job, Instant)],
    lanes: &mut Lanes,
) -> Result<usize, DbError> {
    if ended.is_empty() {
        return Ok(0);
    }
    let lines: Vec<serde_json::Value> =
        ended.iter().map(|(job, at)| json!([job.tenant.as_str(), job.id.as_str(), at.millis()])).collect();
    let released: Vec<Moved> =
        all.all(RELEASE, [Value::Text(serde_json::Value::Array(lines).to_string())]).await?;
    lanes.add_moved(&released);
    Ok(released.iter().filter(|one| one.lane.is_none()).count())
}

/// Takes back those of these jobs that have not ended, with all that they hold; gives the ids of all.
pub(crate) async fn cancel(
    scope: &mut Scope<'_>,
    jobs: &[&str],
    now: Instant,
    reason: &str,
) -> Result<Vec<JobId>, DbError> {
    let gone = scope.all(CANCEL, [Value::Text(json!(jobs).to_string()), now.into(), reason.into()]).await?;
    lane::moved(scope, gone).await
}

/// Takes back what of these runs has not begun; gives the ids.
pub(crate) async fn cancel_runs(
    scope: &mut Scope<'_>,
    runs: &[Run],
    now: Instant,
    reason: &str,
) -> Result<Vec<JobId>, DbError> {
    let gone = scope.all(CANCEL_RUNS, [text(runs), now.into(), reason.into()]).await?;
    lane::moved(scope, gone).await
}

/// Gives the first job of a run another time, if nothing of the run has begun; whether it did.
pub(crate) async fn reschedule(scope: &mut Scope<'_>, run: &Run, due: Instant) -> Result<bool, DbError> {
    let moved = scope.all(RESCHEDULE, [(&run.event).into(), (&run.rule).into(), due.into()]).await?;
    Ok(!lane::moved(scope, moved).await?.is_empty())
}

/// The jobs of these runs that have ended, run by run in the order of their actions.
pub(crate) async fn steps(scope: &mut Scope<'_>, runs: &[Run]) -> Result<Vec<Step>, DbError> {
    scope.all(STEPS, [text(runs)]).await
}

fn text(runs: &[Run]) -> Value {
    let lines: Vec<_> = runs.iter().map(|run| json!([run.event.as_str(), run.rule.as_str()])).collect();
    Value::Text(serde_json::Value::Array(lines).to_string())
}

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("RELEASE", RELEASE),
    ("CANCEL", CANCEL),
    ("CANCEL_RUNS", CANCEL_RUNS),
    ("RESCHEDULE", RESCHEDULE),
    ("STEPS", STEPS),
];
