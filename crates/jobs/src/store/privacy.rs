//! What of the queue names people, and what of it is old?

use super::{lane, order::taking_back};
use db::{DbError, Redaction, Scope, Value};
use kernel::{Instant, JobId};
use serde_json::json;

/// Where jobs may name somebody.
pub const REDACTIONS: [Redaction; 2] = [
    Redaction {
        name: "jobs",
        window: "SELECT job_id AS id FROM jobs WHERE tenant_id = ?1 AND job_id > ?2 ORDER BY job_id LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(job_id, payload, last_error, result, reason) AS id FROM jobs
            WHERE tenant_id = ?1 AND job_id > ?2 AND job_id <= coalesce(?3, 'job_~')
            AND (instr(lower(payload), ?4) OR instr(lower(last_error), ?4) OR instr(lower(result), ?4)
                OR instr(lower(reason), ?4))",
        write: "UPDATE jobs SET payload = new.value ->> 1, last_error = new.value ->> 2, result = new.value ->> 3,
            reason = new.value ->> 4
            FROM json_each(?2) AS new WHERE jobs.tenant_id = ?1 AND jobs.job_id = new.value ->> 0",
    },
    Redaction {
        name: "job_attempts",
        window: "SELECT job_id AS id FROM jobs WHERE tenant_id = ?1 AND job_id > ?2 ORDER BY job_id LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(json_array(job_id, number), detail) AS id FROM job_attempts
            WHERE tenant_id = ?1 AND job_id > ?2 AND job_id <= coalesce(?3, 'job_~') AND instr(lower(detail), ?4)",
        write: "UPDATE job_attempts SET detail = new.value ->> 1 FROM json_each(?2) AS new
            WHERE job_attempts.tenant_id = ?1 AND job_attempts.job_id = new.value ->> '$[0][0]'
            AND job_attempts.number = new.value ->> '$[0][1]'",
    },
];

// Jobs made before the limit are looked at, in the order in which they were made; those that have not ended stay, but for those
// that a dead letter holds, which go with it.
const FORGET: &str = "DELETE FROM jobs WHERE tenant_id = ?1 AND job_id IN (SELECT job_id FROM jobs
    WHERE tenant_id = ?1 AND job_id < ?2 AND ended_at IS NOT NULL AND ended_at < ?3 ORDER BY job_id LIMIT ?4)
    RETURNING job_id AS id";
const CANCEL_CARRIERS: &str = taking_back!(
    "SELECT job_id FROM jobs WHERE tenant_id = ?1 AND state = 'queued' AND kind = 'deliver_message'
        AND payload ->> 'message_id' IN (SELECT value FROM json_each(?2))"
);
const CANCEL_QUEUED: &str = taking_back!(
    "SELECT job_id FROM jobs WHERE tenant_id = ?1 AND job_id IN (SELECT value FROM json_each(?2)) AND state = 'queued'"
);
const CANCEL_TELLING: &str = taking_back!(
    "SELECT job_id FROM jobs WHERE tenant_id = ?1 AND state = 'queued' AND kind = 'send_notification'
        AND lower(payload ->> 'recipient') IN (SELECT value FROM json_each(?2))"
);

/// What is said of jobs that were taken back for these reasons.
const GONE: &str = "what it carries was deleted";
const ERASED: &str = "the person whom it would tell was erased";

/// Removes the oldest jobs that ended before `limit`, so many at most; tells how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    let parameters = [(&JobId::first(limit)).into(), limit.into(), most.into()];
    scope.run_for_effect(FORGET, parameters).await
}

/// Takes back the queued jobs that would carry these messages; tells how many.
pub(crate) async fn cancel_carriers(
    scope: &mut Scope<'_>,
    messages: &[&str],
    now: Instant,
) -> Result<usize, DbError> {
    cancel(scope, CANCEL_CARRIERS, json!(messages), now, GONE).await
}

/// Takes back those of these jobs that are queued; tells how many.
pub(crate) async fn cancel_queued(
    scope: &mut Scope<'_>,
    jobs: &[String],
    now: Instant,
) -> Result<usize, DbError> {
    cancel(scope, CANCEL_QUEUED, json!(jobs), now, GONE).await
}

/// Takes back the queued jobs that would tell this address something, or its pseudonym; tells how many.
pub(crate) async fn cancel_telling(
    scope: &mut Scope<'_>,
    email: &str,
    pseudonym: &str,
    now: Instant,
) -> Result<usize, DbError> {
    cancel(scope, CANCEL_TELLING, json!([email, pseudonym]), now, ERASED).await
}

async fn cancel(
    scope: &mut Scope<'_>,
    sql: &'static str,
    which: serde_json::Value,
    now: Instant,
    reason: &str,
) -> Result<usize, DbError> {
    let gone = scope.all(sql, [Value::Text(which.to_string()), now.into(), reason.into()]).await?;
    Ok(lane::moved(scope, gone).await?.len())
}
