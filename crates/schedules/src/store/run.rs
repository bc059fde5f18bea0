//! The table `schedule_runs`.

use crate::Run;
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{EventId, Instant, PageRequest, ScheduleId, TenantId};
use serde_json::json;

const LIST: &str = "SELECT run_id, schedule_id, outcome, scheduled_at, until_at, times, more, manual, fired_at, event_id, detail
    FROM schedule_runs WHERE tenant_id = ?1 AND schedule_id = ?2 AND run_id < ?3 ORDER BY run_id DESC LIMIT ?4";
const INSERT: &str = "INSERT INTO schedule_runs (tenant_id, schedule_id, run_id, outcome, scheduled_at, until_at, times, more, manual,
    fired_at, event_id, detail)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11 FROM json_each(?1)";
const FORGET: &str = "DELETE FROM schedule_runs WHERE tenant_id = ?1 AND (schedule_id, run_id) IN
    (SELECT schedule_id, run_id FROM schedule_runs WHERE tenant_id = ?1 AND fired_at < ?2 ORDER BY fired_at LIMIT ?3)
    RETURNING run_id AS id";

impl Decode for Run {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("run_id")?,
            schedule: row.parse("schedule_id")?,
            outcome: row.parse("outcome")?,
            scheduled_at: row.get("scheduled_at")?,
            until: row.get("until_at")?,
            count: row.get("times")?,
            more: row.get("more")?,
            manual: row.get("manual")?,
            fired_at: row.get("fired_at")?,
            event: row.parse_opt("event_id")?,
            detail: row.get("detail")?,
        })
    }
}

/// A schedule's runs, the latest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    schedule: &ScheduleId,
    page: &PageRequest,
) -> Result<Vec<Run>, DbError> {
    scope.all(LIST, [schedule.into(), page.after_or("run_~").into(), page.probe().into()]).await
}

/// Writes runs; one statement for all.
pub(crate) async fn insert(all: &mut AllTenants<'_>, runs: &[(&TenantId, &Run)]) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> = runs
        .iter()
        .map(|(tenant, run)| {
            json!([
                tenant.as_str(),
                run.schedule.as_str(),
                run.id.as_str(),
                run.outcome.as_str(),
                run.scheduled_at.millis(),
                run.until.map(Instant::millis),
                run.count,
                i64::from(run.more),
                i64::from(run.manual),
                run.fired_at.millis(),
                run.event.as_ref().map(EventId::as_str),
                run.detail,
            ])
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    all.run_for_effect(INSERT, [Value::Text(serde_json::Value::Array(lines).to_string())]).await.map(drop)
}

/// Removes runs of before `limit`, the oldest first, so many at most; tells how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [limit.into(), most.into()]).await
}
