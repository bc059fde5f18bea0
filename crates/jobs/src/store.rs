//! Where do jobs stand? In `jobs` and `job_attempts`.

pub(crate) mod backlog;
pub(crate) mod batch;
pub(crate) mod job;
pub(crate) mod lane;
pub(crate) mod order;
pub(crate) mod privacy;
pub(crate) mod queue;

use crate::{Attempt, Job, Lane, Patience, State, Waits};
use db::{DbError, Decode, Row};
use kernel::{JobId, Span, TenantId};

/// The columns of a job that is claimed.
macro_rules! taken {
    () => {
        "tenant_id, job_id, kind, state, payload, is_late, event_id, rule_id, action, action_name, parent_id, is_followed,
        on_error, lane, lane_limit, due_at, attempts, failures, max_attempts, first_wait, most_wait, last_error, trace,
        created_at, ended_at"
    };
}
/// The columns of a job, with what it waits for and why it was taken back.
macro_rules! seen {
    () => {
        concat!(
            $crate::store::taken!(),
            ", waits_for, held_by, (SELECT state FROM jobs AS holder WHERE holder.tenant_id = jobs.tenant_id
            AND holder.job_id = jobs.held_by) AS holder_state, reason"
        )
    };
}
use {seen, taken};

/// A job as a worker takes it: it waits for nothing.
struct Taken(Job);

impl Decode for Taken {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(Job {
            tenant: row.parse("tenant_id")?,
            id: row.parse("job_id")?,
            kind: row.parse("kind")?,
            state: row.parse("state")?,
            payload: row.get("payload")?,
            is_late: row.get("is_late")?,
            event: row.parse_opt("event_id")?,
            rule: row.parse_opt("rule_id")?,
            action: row.get("action")?,
            action_name: row.get("action_name")?,
            parent: row.parse_opt("parent_id")?,
            is_followed: row.get("is_followed")?,
            on_error: row.parse("on_error")?,
            lane: lane_of(row)?,
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
            waits: None,
            reason: None,
        }))
    }
}

impl Decode for Job {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let Taken(job) = Taken::decode(row)?;
        Ok(Self { waits: waits_of(row)?, reason: row.get("reason")?, ..job })
    }
}

fn waits_of(row: &mut Row<'_>) -> Result<Option<Waits>, DbError> {
    let waits_for: String = row.get("waits_for")?;
    let holder: Option<JobId> = row.parse_opt("held_by")?;
    let state: Option<State> = row.parse_opt("holder_state")?;
    match (waits_for.as_str(), holder, state) {
        ("time", None, _) => Ok(None),
        ("lane", None, _) => Ok(Some(Waits::Lane)),
        ("job", Some(id), Some(state)) => Ok(Some(Waits::Job { id, state })),
        _ => Err(row.surprise("waits_for", "what held_by says, too")),
    }
}

fn lane_of(row: &mut Row<'_>) -> Result<Option<Lane>, DbError> {
    let name: Option<String> = row.get("lane")?;
    let limit: Option<u32> = row.get("lane_limit")?;
    Ok(name.zip(limit).map(|(name, limit)| Lane::new(name, limit)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use db::{Db, Value, native::Native};
    use futures::executor::block_on;

    struct Step(String);
    impl Decode for Step {
        fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
            row.get("detail").map(Self)
        }
    }

    /// How SQLite goes about it, as far as it looks at jobs.
    fn plan(db: &Db, sql: &str) -> Vec<String> {
        block_on(async {
            let mut lease = db.read().await.unwrap();
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let most = (1..=9).rev().find(|number| sql.contains(&format!("?{number}"))).unwrap_or(0);
            let nothing = vec![Value::Null; most];
            let steps: Vec<Step> = lease.all_tenants().unwrap().all(&explain, nothing).await.unwrap();
            steps.into_iter().map(|step| step.0).filter(|step| step.contains("jobs")).collect()
        })
    }

    /// What a statement may walk through: as many as are leased, wait for a lane or are held, or as many as it says itself.
    const WALKS: &[(&str, &str)] = &[
        ("OPEN", "SCAN jobs USING COVERING INDEX jobs_due"),
        ("ANYTHING", "SCAN jobs USING COVERING INDEX jobs_due"),
        ("ANYTHING", "SCAN jobs USING COVERING INDEX jobs_leased"),
        ("LOSE", "SCAN jobs USING INDEX jobs_leased"),
        ("EXPIRE", "SCAN jobs USING COVERING INDEX jobs_leased"),
        ("GAUGES", "SCAN jobs USING INDEX jobs_soonest"),
        ("GAUGES", "SCAN jobs USING INDEX jobs_leased"),
        ("GAUGES", "SCAN jobs USING INDEX jobs_dead"),
        ("GAUGES", "SEARCH jobs USING INDEX jobs_dead (tenant_id=?)"),
        ("GAUGES", "SEARCH jobs"),
        ("WAITING", "SCAN jobs USING COVERING INDEX jobs_held"),
        ("WAITING", "SCAN jobs USING COVERING INDEX jobs_in_line"),
    ];

    #[test]
    fn no_statement_walks_through_more_than_it_is_about() {
        let db = Native::memory().unwrap();
        let areas =
            [queue::STATEMENTS, lane::STATEMENTS, order::STATEMENTS, backlog::STATEMENTS, batch::STATEMENTS];
        let all = areas.concat();
        for (name, sql) in all {
            for step in plan(&db, sql) {
                let all_of_a_tenant =
                    step.ends_with("(tenant_id=?)") && !step.contains(" COVERING INDEX jobs_");
                let narrow = step.starts_with("SEARCH ") && step.contains(" USING ") && !all_of_a_tenant;
                assert!(narrow || WALKS.contains(&(name, step.as_str())), "{name}: {step}");
            }
        }
        let claim = plan(&db, queue::STATEMENTS.iter().find(|one| one.0 == "CLAIM_OF_ONE").unwrap().1);
        assert!(claim.iter().any(|step| step.contains("COVERING INDEX jobs_due")), "{claim:?}");
    }
}
