//! Where do runs stand? Nowhere by themselves: a match of `event_matches` with the jobs of its event and rule is one.

use crate::runs::{COUNTED_EVENTS, COUNTED_RUNS, LOOKED_THROUGH, RuleRun, RunFilter, RunState};
use db::{DbError, Decode, Row, Scope};
use kernel::{EventId, Instant, JobId, PageRequest, RuleId};

/// How a run stands, by how its jobs do. `ready` are those that will run by themselves, `held` those that wait for another job.
macro_rules! state {
    () => {
        "CASE
        WHEN jobs = 0 THEN 'forgotten'
        WHEN leased > 0 OR (ready > 0 AND begun > 0) THEN 'running'
        WHEN ready > 0 THEN 'waiting'
        WHEN dead > 0 AND held > 0 THEN 'stopped'
        WHEN dead > 0 THEN 'failed'
        WHEN cancelled > 0 THEN 'cancelled'
        ELSE 'done' END"
    };
}

/// The columns by which the jobs of a run are told.
macro_rules! jobs {
    () => {
        "COUNT(job.job_id) AS jobs, SUM(job.state = 'leased') AS leased, SUM(job.state = 'queued' AND job.waits_for <> 'job') AS ready,
        SUM(job.waits_for = 'job') AS held, SUM(job.attempts > 0 OR job.ended_at IS NOT NULL) AS begun, SUM(job.state = 'dead') AS dead,
        SUM(job.state = 'cancelled') AS cancelled, MAX(job.ended_at) AS ended, COUNT(job.ended_at) AS ended_jobs"
    };
}

// The matches come in the order of the primary key; of each the jobs are found by their event. How far was looked stands beside
// every run, and alone if there is none.
const LIST: &str = concat!(
    "WITH hits AS (
        SELECT event_id, rule_version FROM event_matches
        WHERE tenant_id = ?1 AND rule_id = ?2 AND event_id < ?3 AND event_id >= ?4
        ORDER BY event_id DESC LIMIT ?5
    ), told AS (
        SELECT hits.event_id, hits.rule_version, event.received_at, ",
    jobs!(),
    ", json_group_array(job.job_id ORDER BY job.job_id) FILTER (WHERE job.job_id IS NOT NULL) AS ids,
            MIN(coalesce((SELECT started_at FROM job_attempts AS attempt
                WHERE attempt.tenant_id = ?1 AND attempt.job_id = job.job_id AND attempt.number = 1), job.leased_at)) AS started
        FROM hits JOIN events AS event ON event.tenant_id = ?1 AND event.event_id = hits.event_id
        LEFT JOIN jobs AS job ON job.tenant_id = ?1 AND job.event_id = hits.event_id AND job.rule_id = ?2
        GROUP BY hits.event_id
    ), runs AS (
        SELECT *, ",
    state!(),
    " AS state FROM told
    )
    SELECT looked.event_id AS looked_to, looked.hits, run.event_id, run.rule_version, run.received_at, run.state, run.started,
        CASE WHEN run.jobs = run.ended_jobs THEN run.ended END AS ended, run.ids AS jobs
    FROM (SELECT MIN(event_id) AS event_id, COUNT(*) AS hits FROM hits) AS looked
    LEFT JOIN (SELECT * FROM runs WHERE ?6 IS NULL OR state = ?6 ORDER BY event_id DESC LIMIT ?7) AS run
    ORDER BY run.event_id DESC"
);
const COUNTS: &str = concat!(
    "WITH hits AS (
        SELECT event_id FROM event_matches WHERE tenant_id = ?1 AND rule_id = ?2 AND event_id >= ?3
        ORDER BY event_id DESC LIMIT ?5
    ), told AS (
        SELECT hits.event_id, event.received_at, ",
    jobs!(),
    " FROM hits JOIN events AS event ON event.tenant_id = ?1 AND event.event_id = hits.event_id
        LEFT JOIN jobs AS job ON job.tenant_id = ?1 AND job.event_id = hits.event_id AND job.rule_id = ?2
        GROUP BY hits.event_id
    ), runs AS (
        SELECT event_id >= ?4 AS recent, ended - received_at AS took, ",
    state!(),
    " AS state FROM told
    )
    SELECT recent, state, COUNT(*) AS n, json_group_array(took) FILTER (WHERE state = 'done') AS took
    FROM runs GROUP BY recent, state"
);
const EVENTS: &str = "SELECT
    (SELECT COUNT(*) FROM (SELECT 1 FROM events WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id >= ?4 LIMIT ?5)) AS day,
    (SELECT COUNT(*) FROM (SELECT 1 FROM events WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id >= ?3 LIMIT ?5)) AS week";

/// Some runs, and how far was looked for them.
pub(crate) struct Found {
    pub(crate) runs: Vec<RuleRun>,
    /// The last match that was looked at.
    pub(crate) looked_to: Option<EventId>,
    /// Whether there may be matches beyond it.
    pub(crate) has_more: bool,
}

struct Looked {
    to: Option<EventId>,
    hits: i64,
    run: Option<RuleRun>,
}

impl Decode for Looked {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let event: Option<EventId> = row.parse_opt("event_id")?;
        Ok(Self {
            to: row.parse_opt("looked_to")?,
            hits: row.get("hits")?,
            run: event.map(|event| run(row, event)).transpose()?,
        })
    }
}

fn run(row: &mut Row<'_>, event: EventId) -> Result<RuleRun, DbError> {
    let jobs: String = row.get("jobs")?;
    let jobs: Vec<String> = serde_json::from_str(&jobs).map_err(|_| row.surprise("jobs", "a list of ids"))?;
    let jobs: Option<Vec<JobId>> = jobs.iter().map(|id| id.parse().ok()).collect();
    Ok(RuleRun {
        event,
        matched: row.get("received_at")?,
        version: row.get("rule_version")?,
        state: row.parse("state")?,
        started: row.get("started")?,
        ended: row.get("ended")?,
        jobs: jobs.ok_or_else(|| row.surprise("jobs", "ids of jobs"))?,
    })
}

/// How many runs there are in a state, and how long each took that is done, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Count {
    pub(crate) is_recent: bool,
    pub(crate) state: RunState,
    pub(crate) count: u64,
    pub(crate) took: Vec<i64>,
}

impl Decode for Count {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let took: String = row.get("took")?;
        let count: i64 = row.get("n")?;
        Ok(Self {
            is_recent: row.get("recent")?,
            state: row.parse("state")?,
            count: count.unsigned_abs(),
            took: serde_json::from_str(&took).map_err(|_| row.surprise("took", "a list of spans"))?,
        })
    }
}

/// How many events of a trigger came within a day and a week.
pub(crate) struct Events {
    pub(crate) day: i64,
    pub(crate) week: i64,
}

impl Decode for Events {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { day: row.get("day")?, week: row.get("week")? })
    }
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    rule: &RuleId,
    filter: &RunFilter,
    page: &PageRequest,
) -> Result<Found, DbError> {
    // Ids sort by the time at which they were made, which is that at which their events came in.
    let until = filter.until.map(|until| EventId::first(until).to_string());
    let before = match (&page.after, until) {
        (Some(after), Some(until)) if *after.key() > *until => until,
        (Some(after), _) => after.key().to_owned(),
        (None, until) => until.unwrap_or_else(|| "evt_~".to_owned()),
    };
    let since = filter.since.map_or_else(|| "evt_".to_owned(), |since| EventId::first(since).to_string());
    // Every match is a run; only if some are left out, more must be looked at than are shown.
    let most = if filter.state.is_some() { LOOKED_THROUGH } else { page.probe() };
    let parameters = [
        rule.into(),
        before.into(),
        since.into(),
        most.into(),
        filter.state.map(RunState::as_str).into(),
        page.probe().into(),
    ];
    let rows: Vec<Looked> = scope.all(LIST, parameters).await?;
    let looked_to = rows.first().and_then(|row| row.to.clone());
    let has_more = filter.state.is_some() && rows.first().is_some_and(|row| row.hits >= most);
    Ok(Found { runs: rows.into_iter().filter_map(|row| row.run).collect(), looked_to, has_more })
}

pub(crate) async fn counts(
    scope: &mut Scope<'_>,
    rule: &RuleId,
    week: Instant,
    day: Instant,
) -> Result<Vec<Count>, DbError> {
    let parameters = [
        rule.into(),
        (&EventId::first(week)).into(),
        (&EventId::first(day)).into(),
        COUNTED_RUNS.saturating_add(1).into(),
    ];
    scope.all(COUNTS, parameters).await
}

pub(crate) async fn events(
    scope: &mut Scope<'_>,
    trigger: &str,
    week: Instant,
    day: Instant,
) -> Result<Events, DbError> {
    let parameters = [
        trigger.into(),
        (&EventId::first(week)).into(),
        (&EventId::first(day)).into(),
        COUNTED_EVENTS.saturating_add(1).into(),
    ];
    Ok(scope.one(EVENTS, parameters).await?.unwrap_or(Events { day: 0, week: 0 }))
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

    fn plan(sql: &str, parameters: usize) -> String {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut lease = db.read().await.unwrap();
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let parameters: Vec<db::Value> = (0..parameters).map(|_| 1_i64.into()).collect();
            let steps: Vec<Step> = lease.all_tenants().unwrap().all(&explain, parameters).await.unwrap();
            steps.into_iter().map(|step| step.0 + "\n").collect()
        })
    }

    #[test]
    fn no_table_is_walked_through() {
        for (sql, parameters) in [(LIST, 7), (COUNTS, 5), (EVENTS, 5)] {
            let plan = plan(sql, parameters);
            let scans = plan.lines().filter(|line| line.starts_with("SCAN"));
            let tables = ["event_matches", "event", "job", "attempt", "events"];
            for line in scans {
                assert!(!tables.iter().any(|table| line.split(' ').nth(1) == Some(table)), "{line}\n{plan}");
            }
            assert!(sql == EVENTS || plan.contains("jobs_by_event"), "{plan}");
        }
        assert!(plan(EVENTS, 5).contains("COVERING INDEX events_by_trigger"), "{}", plan(EVENTS, 5));
    }
}
