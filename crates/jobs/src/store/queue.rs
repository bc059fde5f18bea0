//! How do workers find jobs, and where do outcomes go? Over all tenants, many rows by one statement.
//!
//! What may be claimed stands in one index, `jobs_due`: neither who is held nor who waits for a lane is in it, however many
//! there are of them.

use super::{Name, Taken};
use crate::{Job, Lane, Leased, NewJob, Next, Settlement, Start, State, Terms};
use db::{AllTenants, DbError, Decode, Row, Value};
use kernel::{EventId, Instant, JobId, Span, TenantId};
use serde_json::json;
use std::collections::HashSet;

/// How many jobs of a tenant are leased at a time, unless its settings say otherwise.
macro_rules! at_once {
    ($tenants:literal) => {
        concat!("coalesce(", $tenants, ".settings ->> '$.limits.jobs_at_once', 64)")
    };
}
pub(super) use at_once;

// The tenants that have something queued are found by hopping through the index. Of them those are open that are active, have
// something due, and room for it.
macro_rules! open {
    ($wanted:literal) => {
        concat!(
            "WITH RECURSIVE tenant(id) AS (
        SELECT (SELECT tenant_id FROM jobs WHERE state = 'queued' AND waits_for = 'time' ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM jobs WHERE state = 'queued' AND waits_for = 'time' AND tenant_id > tenant.id
            ORDER BY tenant_id LIMIT 1)
        FROM tenant WHERE tenant.id IS NOT NULL
    )
    SELECT ",
            $wanted,
            "(SELECT due_at FROM jobs WHERE tenant_id = tenant.id AND state = 'queued' AND waits_for = 'time'
            ORDER BY due_at LIMIT 1) AS due, ",
            at_once!("tenants"),
            " - (SELECT COUNT(*) FROM jobs WHERE tenant_id = tenant.id AND state = 'leased') AS room
    FROM tenant CROSS JOIN tenants ON tenants.tenant_id = tenant.id
    WHERE tenants.state = 'active' AND due <= ?1 AND room > 0"
        )
    };
}

/// A statement that puts jobs in, with some columns more.
macro_rules! insert {
    ($columns:literal, $values:literal) => {
        concat!(
            "INSERT INTO jobs
    (tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, max_attempts, first_wait,
     most_wait, last_error, trace, created_at, ended_at",
            $columns,
            ") SELECT value ->> 0, value ->> 1, value ->> 2, CASE WHEN value ->> 12 IS NULL THEN 'queued' ELSE 'dead' END,
        value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
        value ->> 11, value ->> 12, value ->> 13, ?2, CASE WHEN value ->> 12 IS NULL THEN NULL ELSE ?2 END",
            $values,
            " FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING"
        )
    };
}

// Nearly all jobs stand alone, and reading what they do not say would cost a third more.
const INSERT_ALONE: &str = insert!("", "");
const INSERT: &str = insert!(
    ", waits_for, held_by, delay, is_followed, on_error, lane, lane_limit, is_late, action_name",
    ", value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18, value ->> 19, value ->> 20, value ->> 21,
        value ->> 22"
);

const OPEN: &str = concat!(open!("tenant.id AS tenant_id, "), " ORDER BY due, tenant.id LIMIT ?2");

/// The beginning and the end of a claim; between them stands which rows.
macro_rules! claim {
    ($before:literal, $rows:literal) => {
        concat!(
            $before,
            "UPDATE jobs SET state = 'leased', lease = ?2, leased_until = ?3, leased_at = ?1, attempts = attempts + 1
    WHERE rowid IN (",
            $rows,
            ") RETURNING ",
            super::taken!()
        )
    };
}

const CLAIM_OF_ONE: &str = claim!(
    "",
    "SELECT rowid FROM jobs WHERE tenant_id = ?5 AND state = 'queued' AND waits_for = 'time' AND due_at <= ?1
        ORDER BY due_at, rowid LIMIT ?4"
);
// Of each tenant the oldest ?6 are looked at. The turns go round: first every tenant's first, then every tenant's second.
const CLAIM: &str = claim!(
    "WITH due AS (
        SELECT job.rowid AS place, job.due_at, tenant.value ->> 1 AS room,
            ROW_NUMBER() OVER (PARTITION BY job.tenant_id ORDER BY job.due_at, job.rowid) AS turn
        FROM json_each(?5) AS tenant JOIN jobs AS job ON job.rowid IN (
            SELECT rowid FROM jobs WHERE tenant_id = tenant.value ->> 0 AND state = 'queued' AND waits_for = 'time'
                AND due_at <= ?1
            ORDER BY due_at, rowid LIMIT ?6)
    )
    ",
    "SELECT place FROM due WHERE turn <= room ORDER BY turn, due_at, place LIMIT ?4"
);

const RENDER: &str = "UPDATE jobs SET payload = new.value ->> 2, is_late = 0
    FROM json_each(?1) AS new
    WHERE jobs.tenant_id = new.value ->> 0 AND jobs.job_id = new.value ->> 1 AND jobs.state = 'leased'";

const LOSE: &str = "INSERT INTO job_attempts (tenant_id, job_id, number, started_at, ended_at, ending, status, detail)
    SELECT tenant_id, job_id, attempts, leased_at, ?1, 'lost', NULL, 'the lease ran out: the worker stopped or was too slow'
    FROM jobs WHERE state = 'leased' AND leased_until <= ?1 ON CONFLICT DO NOTHING RETURNING job_id AS id";
const EXPIRE: &str = concat!(
    "UPDATE jobs SET
    state = CASE WHEN failures + 1 >= max_attempts THEN 'dead' ELSE 'queued' END,
    ended_at = CASE WHEN failures + 1 >= max_attempts THEN ?1 ELSE NULL END,
    waits_for = CASE WHEN failures + 1 < max_attempts AND lane IS NOT NULL THEN 'lane' ELSE 'time' END,
    failures = failures + 1, due_at = ?1, lease = NULL, leased_until = NULL, leased_at = NULL,
    last_error = 'the lease ran out: the worker stopped or was too slow'
    WHERE state = 'leased' AND leased_until <= ?1
    RETURNING ",
    super::seen!()
);

const SETTLE: &str = "UPDATE jobs SET state = new.value ->> 3, due_at = coalesce(new.value ->> 4, due_at),
    failures = new.value ->> 5, last_error = new.value ->> 6, ended_at = new.value ->> 7, result = new.value ->> 8,
    waits_for = CASE WHEN new.value ->> 3 = 'queued' AND lane IS NOT NULL THEN 'lane' ELSE 'time' END,
    lease = NULL, leased_until = NULL, leased_at = NULL
    FROM json_each(?1) AS new
    WHERE jobs.tenant_id = new.value ->> 0 AND jobs.job_id = new.value ->> 1
        AND jobs.state = 'leased' AND jobs.lease = new.value ->> 2
    RETURNING tenant_id, job_id";
const PUT_BACK: &str = "UPDATE jobs SET state = 'queued', attempts = attempts - 1,
    due_at = coalesce(new.value ->> 3, due_at), waits_for = CASE WHEN lane IS NOT NULL THEN 'lane' ELSE 'time' END,
    lease = NULL, leased_until = NULL, leased_at = NULL
    FROM json_each(?1) AS new
    WHERE jobs.tenant_id = new.value ->> 0 AND jobs.job_id = new.value ->> 1
        AND jobs.state = 'leased' AND jobs.lease = new.value ->> 2
    RETURNING job_id AS id";
// Where the outcome did not count, the job may be gone with its tenant.
const NOTE: &str = "INSERT INTO job_attempts (tenant_id, job_id, number, started_at, ended_at, ending, status, detail)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
    FROM json_each(?1)
    WHERE value ->> 8 OR EXISTS (SELECT 1 FROM jobs WHERE tenant_id = value ->> 0 AND job_id = value ->> 1)
    ON CONFLICT DO NOTHING";

// Nearly always nothing is due at all, which one look into an index says.
const ANYTHING: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'leased' AND leased_until <= ?1)
    OR EXISTS (SELECT 1 FROM job_lanes WHERE resumes_at <= ?1)
    OR (EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND waits_for = 'time' AND due_at <= ?1)
        AND EXISTS (",
    open!(""),
    ")) AS n"
);

pub(crate) async fn insert(all: &mut AllTenants<'_>, jobs: &[NewJob], now: Instant) -> Result<(), DbError> {
    let is_alone = |job: &NewJob| matches!(job.start, Start::At(_)) && job.terms == Terms::default();
    let (sql, lines): (_, Vec<serde_json::Value>) = if jobs.iter().all(is_alone) {
        (INSERT_ALONE, jobs.iter().map(|job| line(job, now).into()).collect())
    } else {
        let holders: HashSet<&JobId> = jobs
            .iter()
            .filter_map(|job| if let Start::After { job, .. } = &job.start { Some(job) } else { None })
            .collect();
        let whole = |job: &NewJob| [line(job, now), terms(job, holders.contains(&job.id))].concat().into();
        (INSERT, jobs.iter().map(whole).collect())
    };
    let text = serde_json::Value::Array(lines).to_string();
    all.run_for_effect(sql, [Value::Text(text), now.into()]).await.map(drop)
}

fn line(job: &NewJob, now: Instant) -> Vec<serde_json::Value> {
    let due = match &job.start {
        Start::At(due) => Some(*due),
        Start::After { .. } if job.stillborn.is_some() => Some(now),
        Start::After { .. } => None,
    };
    vec![
        job.tenant.as_str().into(),
        job.id.as_str().into(),
        job.kind.as_str().into(),
        job.payload.as_str().into(),
        job.event.as_ref().map(EventId::as_str).into(),
        job.rule.as_ref().map(|(rule, _)| rule.as_str()).into(),
        job.rule.as_ref().map(|(_, action)| *action).into(),
        job.parent.as_ref().map(JobId::as_str).into(),
        due.map(Instant::millis).into(),
        job.patience.attempts.into(),
        job.patience.first.as_millis().into(),
        job.patience.most.as_millis().into(),
        job.stillborn.as_deref().into(),
        job.trace.as_str().into(),
    ]
}

fn terms(job: &NewJob, is_followed: bool) -> Vec<serde_json::Value> {
    let lane = job.terms.lane.as_ref();
    let (waits_for, holder, delay) = match (&job.start, lane) {
        _ if job.stillborn.is_some() => ("time", None, Span::default()),
        (Start::After { job, delay }, _) => ("job", Some(job.as_str()), *delay),
        (Start::At(_), Some(_)) => ("lane", None, Span::default()),
        (Start::At(_), None) => ("time", None, Span::default()),
    };
    vec![
        waits_for.into(),
        holder.into(),
        delay.as_millis().into(),
        is_followed.into(),
        job.terms.on_error.as_str().into(),
        lane.map(Lane::name).into(),
        lane.map(Lane::limit).into(),
        job.terms.is_late.into(),
        job.terms.action_name.as_deref().into(),
    ]
}

/// A tenant that has something due.
struct Open {
    tenant: TenantId,
    /// How many more of its jobs may be leased.
    room: i64,
}

impl Decode for Open {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { tenant: row.parse("tenant_id")?, room: row.get("room")? })
    }
}

pub(crate) async fn claim(
    all: &mut AllTenants<'_>,
    now: Instant,
    lease: &str,
    until: Instant,
    most: u16,
) -> Result<Vec<Job>, DbError> {
    let open: Vec<Open> = all.all(OPEN, [now.into(), most.into()]).await?;
    let fixed = [Value::from(now), lease.into(), until.into()];
    let taken: Vec<Taken> = match open.as_slice() {
        [] => Vec::new(),
        // Nearly always there is one, and going round would cost a third more.
        [one] => {
            let most = one.room.min(most.into());
            all.all(CLAIM_OF_ONE, fixed.into_iter().chain([most.into(), (&one.tenant).into()])).await?
        }
        several => {
            let names: Vec<_> = several.iter().map(|one| json!([one.tenant.as_str(), one.room])).collect();
            let each = share(most, several.len());
            let names = Value::Text(serde_json::Value::Array(names).to_string());
            all.all(CLAIM, fixed.into_iter().chain([most.into(), names, each.into()])).await?
        }
    };
    Ok(taken.into_iter().map(|taken| taken.0).collect())
}

/// How many of a tenant's jobs are looked at when so many tenants have something due: a few times its share, for some have less
/// than theirs.
fn share(most: u16, tenants: usize) -> i64 {
    let tenants = i64::try_from(tenants.max(1)).unwrap_or(i64::MAX);
    let most = i64::from(most);
    most.min(most.saturating_mul(4).checked_div(tenants).unwrap_or_default().saturating_add(1))
}

pub(crate) async fn render(all: &mut AllTenants<'_>, jobs: &[&Job]) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> =
        jobs.iter().map(|job| json!([job.tenant.as_str(), job.id.as_str(), job.payload])).collect();
    all.run_for_effect(RENDER, [Value::Text(serde_json::Value::Array(lines).to_string())]).await.map(drop)
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
) -> Result<HashSet<(TenantId, JobId)>, DbError> {
    let jobs: Vec<serde_json::Value> = settlements.iter().map(outcome).collect();
    let names: Vec<Name> = all.all(SETTLE, [Value::Text(serde_json::Value::Array(jobs).to_string())]).await?;
    let counted: HashSet<(TenantId, JobId)> = names.into_iter().map(|name| (name.0, name.1)).collect();
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
                counted.contains(&(job.tenant.clone(), job.id.clone())),
            ])
        })
        .collect();
    all.run_for_effect(NOTE, [Value::Text(serde_json::Value::Array(attempts).to_string())]).await?;
    Ok(counted)
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
        ended.and(one.result.as_ref()).map(|result| result.expose().as_str()),
    ])
}

pub(crate) async fn put_back(
    all: &mut AllTenants<'_>,
    leased: &[(Leased, Option<Instant>)],
) -> Result<(), DbError> {
    let line = |(one, due): &(Leased, Option<Instant>)| {
        let job = &one.job;
        json!([job.tenant.as_str(), job.id.as_str(), one.lease.as_str(), due.map(Instant::millis)])
    };
    let lines = Value::Text(serde_json::Value::Array(leased.iter().map(line).collect()).to_string());
    all.run_for_effect(PUT_BACK, [lines]).await.map(drop)
}

pub(crate) async fn anything(all: &mut AllTenants<'_>, now: Instant) -> Result<bool, DbError> {
    Ok(all.one::<i64>(ANYTHING, [now.into()]).await? == Some(1))
}

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("INSERT_ALONE", INSERT_ALONE),
    ("INSERT", INSERT),
    ("OPEN", OPEN),
    ("CLAIM_OF_ONE", CLAIM_OF_ONE),
    ("CLAIM", CLAIM),
    ("RENDER", RENDER),
    ("LOSE", LOSE),
    ("EXPIRE", EXPIRE),
    ("SETTLE", SETTLE),
    ("PUT_BACK", PUT_BACK),
    ("NOTE", NOTE),
    ("ANYTHING", ANYTHING),
];
