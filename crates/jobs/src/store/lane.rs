//! Who of a lane's line may be claimed? Those that are due first, as many as the lane has room for beside the ones that run.
//!
//! Whoever joins a line waits; then everybody who changed something in the line asks again who is let in. So a claim need not
//! know of lanes, and what waits there costs it nothing.

use crate::{Gate, Gated, Lane};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Instant, JobId, TenantId};
use serde_json::json;
use std::collections::BTreeMap;

// ?1 is the tenant of a scope, or null for work over tenants, where each line says its own. Of each line as many are looked at as
// the largest limit allows: ?3 is that of those that changed, the others' stand with who was let in. A job has its turn when
// all before it have theirs and, with those that run, are fewer than its own limit and than the lane's gate lets in. Who is let in
// and who no longer is (an earlier one came, the gate was shut) change places.
const LET_IN: &str = "WITH
    wanted(tenant, lane) AS MATERIALIZED (
        SELECT coalesce(?1, value ->> 0), value ->> 1 FROM json_each(?2)
    ),
    busy AS MATERIALIZED (
        SELECT job.rowid AS place, job.lane_limit FROM wanted CROSS JOIN jobs AS job
        ON job.tenant_id = wanted.tenant AND job.lane = wanted.lane AND job.waits_for = 'time'
            AND job.state IN ('queued', 'leased')
    ),
    line(place) AS (
        SELECT place FROM busy
        UNION ALL
        SELECT job.rowid FROM wanted CROSS JOIN jobs AS job ON job.rowid IN (
            SELECT rowid FROM jobs WHERE tenant_id = wanted.tenant AND lane = wanted.lane AND waits_for = 'lane'
            ORDER BY due_at, rowid LIMIT (SELECT MAX(?3, coalesce(MAX(lane_limit), 0)) FROM busy))
    ),
    turns AS (
        SELECT line.place, job.tenant_id, job.lane, job.state, job.waits_for,
            min(job.lane_limit, coalesce(gate.most, job.lane_limit)) AS most,
            ROW_NUMBER() OVER (PARTITION BY job.tenant_id, job.lane
                ORDER BY job.state <> 'leased', job.due_at, line.place) AS turn
        FROM line CROSS JOIN jobs AS job ON job.rowid = line.place
        LEFT JOIN job_lanes AS gate ON gate.tenant_id = job.tenant_id AND gate.lane = job.lane
    ),
    called AS (
        SELECT place, state, waits_for, MIN(iif(state = 'leased', 0, most - turn))
            OVER (PARTITION BY tenant_id, lane ORDER BY turn) >= 0 AS is_in
        FROM turns
    )
    UPDATE jobs SET waits_for = iif(waits_for = 'time', 'lane', 'time')
    WHERE rowid IN (SELECT place FROM called WHERE state = 'queued' AND is_in = (waits_for = 'lane'))
    RETURNING waits_for = 'time' AS n";

const GATE: &str = "INSERT INTO job_lanes (tenant_id, lane, most, resumes_at, then_most)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) WHERE value ->> 2 IS NOT NULL
    ON CONFLICT (tenant_id, lane) DO UPDATE SET most = excluded.most, resumes_at = excluded.resumes_at,
        then_most = excluded.then_most";
const UNGATE: &str =
    "DELETE FROM job_lanes WHERE (tenant_id, lane) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1)
    WHERE value ->> 2 IS NULL)";
// A gate whose time has come lets in as many as it said, or goes.
const RESUME: &str = "UPDATE job_lanes SET most = then_most, resumes_at = NULL, then_most = NULL
    WHERE resumes_at <= ?1 AND then_most IS NOT NULL RETURNING tenant_id, lane";
const RESUME_ALL: &str = "DELETE FROM job_lanes WHERE resumes_at <= ?1 RETURNING tenant_id, lane";

const LIMIT: &str = "UPDATE jobs SET lane_limit = ?3
    WHERE tenant_id = ?1 AND lane = ?2 AND waits_for = 'lane' AND lane_limit <> ?3
    RETURNING job_id AS id";

// How many of a lane run, and how many stand in its line before the job that is due at ?3 and called ?4.
const BEFORE: &str = "SELECT
    (SELECT COUNT(*) FROM jobs WHERE tenant_id = ?1 AND lane = ?2 AND waits_for = 'time' AND state IN ('queued', 'leased'))
        AS let_in,
    (SELECT COUNT(*) FROM jobs WHERE tenant_id = ?1 AND lane = ?2 AND waits_for = 'lane'
        AND (due_at < ?3 OR (due_at = ?3
            AND rowid < (SELECT rowid FROM jobs WHERE tenant_id = ?1 AND job_id = ?4)))) AS ahead";

/// The lanes in which something changed.
#[derive(Debug, Default)]
pub(crate) struct Lanes(BTreeMap<(TenantId, String), u32>);

impl Lanes {
    /// Adds the lane of a job, if it has one.
    pub(crate) fn add(&mut self, tenant: &TenantId, lane: Option<&Lane>) {
        if let Some(lane) = lane {
            let limit = self.0.entry((tenant.clone(), lane.name().to_owned())).or_default();
            *limit = lane.limit().max(*limit);
        }
    }

    /// Adds the lanes of jobs whose place changed.
    pub(crate) fn add_moved(&mut self, moved: &[Moved]) {
        for one in moved {
            self.add(&one.tenant, one.lane.as_ref());
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn parameters(&self) -> [Value; 2] {
        let names: Vec<_> = self.0.keys().map(|(tenant, lane)| json!([tenant.as_str(), lane])).collect();
        let most = self.0.values().copied().max().unwrap_or(1);
        [Value::Text(serde_json::Value::Array(names).to_string()), most.into()]
    }
}

/// A job whose place in the queue changed.
pub(crate) struct Moved {
    tenant: TenantId,
    id: JobId,
    pub(super) lane: Option<Lane>,
}

impl Decode for Moved {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { tenant: row.parse("tenant_id")?, id: row.parse("job_id")?, lane: super::lane_of(row)? })
    }
}

/// Whether one that changed places was let in.
struct IsIn(bool);

impl Decode for IsIn {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("n").map(Self)
    }
}

fn count(changed: &[IsIn]) -> usize {
    changed.iter().filter(|one| one.0).count()
}

/// Lets in who has their turn, in lanes of any tenants; tells how many.
pub(crate) async fn let_in_all(all: &mut AllTenants<'_>, lanes: &Lanes) -> Result<usize, DbError> {
    if lanes.is_empty() {
        return Ok(0);
    }
    let [names, most] = lanes.parameters();
    Ok(count(&all.all(LET_IN, [Value::Null, names, most]).await?))
}

/// Lets in who has their turn, in lanes of the scope's tenant; tells how many.
pub(crate) async fn let_in(scope: &mut Scope<'_>, lanes: &Lanes) -> Result<usize, DbError> {
    if lanes.is_empty() {
        return Ok(0);
    }
    Ok(count(&scope.all(LET_IN, lanes.parameters()).await?))
}

/// Lets in who has their turn, after these jobs of the scope's tenant joined their lines or left them; gives their ids.
pub(crate) async fn moved(scope: &mut Scope<'_>, moved: Vec<Moved>) -> Result<Vec<JobId>, DbError> {
    let mut lanes = Lanes::default();
    lanes.add_moved(&moved);
    let_in(scope, &lanes).await?;
    Ok(moved.into_iter().map(|one| one.id).collect())
}

/// Sets gates, or takes them away, and lets in who has their turn then.
pub(crate) async fn gate(all: &mut AllTenants<'_>, gates: &[Gated]) -> Result<usize, DbError> {
    if gates.is_empty() {
        return Ok(0);
    }
    let line = |one: &Gated| {
        let (most, resumes, then) = match one.gate {
            Gate::Open => (None, None, None),
            Gate::Narrow(most) => (Some(most.clamp(1, Lane::MOST)), None, None),
            Gate::Shut { until, then } => (Some(0), Some(until.millis()), then),
        };
        json!([one.tenant.as_str(), one.lane, most, resumes, then])
    };
    let lines = Value::Text(serde_json::Value::Array(gates.iter().map(line).collect()).to_string());
    all.run_for_effect(GATE, [lines.clone()]).await?;
    all.run_for_effect(UNGATE, [lines]).await?;
    let mut lanes = Lanes::default();
    for one in gates {
        lanes.add(&one.tenant, Some(&Lane::new(&one.lane, Lane::MOST)));
    }
    let_in_all(all, &lanes).await
}

/// A lane of a tenant.
struct Resumed(TenantId, String);

impl Decode for Resumed {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.parse("tenant_id")?, row.get("lane")?))
    }
}

/// Opens the gates whose time has come.
pub(crate) async fn resume(all: &mut AllTenants<'_>, now: Instant) -> Result<usize, DbError> {
    let mut resumed: Vec<Resumed> = all.all(RESUME, [now.into()]).await?;
    resumed.append(&mut all.all(RESUME_ALL, [now.into()]).await?);
    let mut lanes = Lanes::default();
    for Resumed(tenant, lane) in resumed {
        lanes.add(&tenant, Some(&Lane::new(lane, Lane::MOST)));
    }
    let_in_all(all, &lanes).await
}

/// Gives those that stand in a line another limit; tells how many.
pub(crate) async fn limit(scope: &mut Scope<'_>, lane: &Lane) -> Result<usize, DbError> {
    scope.run_for_effect(LIMIT, [lane.name().into(), lane.limit().into()]).await
}

/// What stands before a job in its lane.
pub(crate) struct Before {
    /// So many run, or will as soon as they have their turn.
    pub(crate) let_in: i64,
    /// So many stand in line before it.
    pub(crate) ahead: i64,
}

impl Decode for Before {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { let_in: row.get("let_in")?, ahead: row.get("ahead")? })
    }
}

/// What stands before `job` in its lane.
pub(crate) async fn before(
    scope: &mut Scope<'_>,
    lane: &Lane,
    job: &crate::Job,
) -> Result<Option<Before>, DbError> {
    scope.one(BEFORE, [lane.name().into(), job.due.into(), (&job.id).into()]).await
}

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("LET_IN", LET_IN),
    ("GATE", GATE),
    ("UNGATE", UNGATE),
    ("RESUME", RESUME),
    ("RESUME_ALL", RESUME_ALL),
    ("LIMIT", LIMIT),
    ("BEFORE", BEFORE),
];
