//! The table `schedules`.

use crate::{Bound, Definition, MOST_SCHEDULES, Schedule, Timetable, Timing, When};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Bounds, Instant, PageRequest, ScheduleId, TenantId};
use serde_json::json;

const GET: &str = "SELECT schedule_id, name, description, trigger_id, module_type, data, cron, at, time_zone, missed, starts_at,
    ends_at, is_active, next_at, created_by, version, created_at, updated_at FROM schedules
    WHERE tenant_id = ?1 AND schedule_id = ?2";
const LIST: &str = "SELECT schedule_id, name, description, trigger_id, module_type, data, cron, at, time_zone, missed, starts_at,
    ends_at, is_active, next_at, created_by, version, created_at, updated_at FROM schedules
    WHERE tenant_id = ?1 AND schedule_id > ?2 AND (?3 IS NULL OR trigger_id = ?3) AND (?4 IS NULL OR is_active = ?4)
    AND (?6 IS NULL OR module_type IN (SELECT value FROM json_each(?6))
        OR schedule_id IN (SELECT value FROM json_each(?7)))
    ORDER BY schedule_id LIMIT ?5";
const INSERT: &str = "INSERT INTO schedules (tenant_id, schedule_id, name, description, trigger_id, module_type, data, cron, at,
    time_zone, missed, starts_at, ends_at, is_active, next_at, version, updated_at, created_by, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19
    WHERE (SELECT COUNT(*) FROM schedules WHERE tenant_id = ?1) < ?20 RETURNING schedule_id AS id";
const UPDATE: &str = "UPDATE schedules SET name = ?3, description = ?4, trigger_id = ?5, module_type = ?6, data = ?7, cron = ?8,
    at = ?9, time_zone = ?10, missed = ?11, starts_at = ?12, ends_at = ?13, is_active = ?14, next_at = ?15, version = ?16,
    updated_at = ?17 WHERE tenant_id = ?1 AND schedule_id = ?2";
const DELETE: &str = "DELETE FROM schedules WHERE tenant_id = ?1 AND schedule_id = ?2";
const COUNT: &str = "SELECT COUNT(*) AS n FROM schedules WHERE tenant_id = ?1";

const DUE_TENANTS: &str =
    "SELECT DISTINCT tenant_id FROM (SELECT tenant_id FROM schedules WHERE next_at <= ?1
    AND tenant_id IN (SELECT tenant_id FROM tenants WHERE state = 'active') ORDER BY next_at LIMIT ?2)";
// Of each tenant the longest due first, and the turns go round: first every tenant's first, then every tenant's second.
const DUE: &str = "WITH due AS (
        SELECT schedule.tenant_id AS tenant, schedule.schedule_id AS schedule, schedule.next_at AS at,
            ROW_NUMBER() OVER (PARTITION BY schedule.tenant_id ORDER BY schedule.next_at, schedule.schedule_id) AS turn
        FROM tenants JOIN schedules AS schedule ON schedule.rowid IN (
            SELECT rowid FROM schedules WHERE tenant_id = tenants.tenant_id AND next_at <= ?1
            ORDER BY next_at, schedule_id LIMIT ?2)
        WHERE tenants.state = 'active'
    )
    SELECT tenant_id, schedule_id, name, description, trigger_id, module_type, data, cron, at, time_zone, missed, starts_at,
        ends_at, is_active, next_at, created_by, version, created_at, updated_at
    FROM schedules JOIN (SELECT tenant, schedule, turn, at AS since FROM due ORDER BY turn, at, schedule LIMIT ?2) AS chosen
        ON tenant_id = chosen.tenant AND schedule_id = chosen.schedule
    ORDER BY chosen.turn, chosen.since, schedule_id";
const MOVE: &str = "UPDATE schedules SET next_at = new.value ->> 2 FROM json_each(?1) AS new
    WHERE schedules.tenant_id = new.value ->> 0 AND schedules.schedule_id = new.value ->> 1";
const OLDEST_DUE: &str =
    "SELECT MIN((SELECT next_at FROM schedules WHERE schedules.tenant_id = tenants.tenant_id
    AND next_at IS NOT NULL ORDER BY next_at LIMIT 1)) AS n FROM tenants WHERE state = 'active'";

impl Decode for Schedule {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let id = row.parse("schedule_id")?;
        Self::of(id, row)
    }
}

impl Schedule {
    /// The schedule of that id, as the rest of its row says it.
    fn of(id: ScheduleId, row: &mut Row<'_>) -> Result<Self, DbError> {
        let cron: Option<String> = row.get("cron")?;
        let at: Option<Instant> = row.get("at")?;
        let when = match (cron, at) {
            (Some(cron), None) => {
                When::Cron(Timetable::read(&cron).map_err(|_| row.surprise("cron", "a cron expression"))?)
            }
            (None, Some(at)) => When::At(at),
            (Some(_), Some(_)) | (None, None) => {
                return Err(row.surprise("at", "an instant where cron is null"));
            }
        };
        let data: String = row.get("data")?;
        Ok(Self {
            id,
            definition: Definition {
                name: row.get("name")?,
                description: row.get("description")?,
                raises: Bound {
                    trigger_id: row.get("trigger_id")?,
                    module_type: row.get("module_type")?,
                    data: serde_json::from_str(&data).map_err(|_| row.surprise("data", "a JSON object"))?,
                },
                timing: Timing {
                    when,
                    zone: row.parse("time_zone")?,
                    starts: row.get("starts_at")?,
                    ends: row.get("ends_at")?,
                },
                missed: row.parse("missed")?,
                is_active: row.get("is_active")?,
            },
            next_at: row.get("next_at")?,
            created_by: row.get("created_by")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// A schedule that is due, and whose it is.
#[derive(Debug)]
pub struct Due {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: ScheduleId,
    /// What it says; or why it cannot be read, which must not keep the others from coming.
    pub schedule: Result<Schedule, DbError>,
}

impl Decode for Due {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let id: ScheduleId = row.parse("schedule_id")?;
        Ok(Self { tenant: row.parse("tenant_id")?, schedule: Schedule::of(id.clone(), row), id })
    }
}

/// The columns of a schedule that both INSERT and UPDATE set, from `?2` on.
fn columns(schedule: &Schedule) -> Vec<Value> {
    let definition = &schedule.definition;
    let (cron, at) = match &definition.timing.when {
        When::Cron(timetable) => (Some(timetable.as_str()), None),
        When::At(at) => (None, Some(*at)),
    };
    vec![
        (&schedule.id).into(),
        (&definition.name).into(),
        definition.description.clone().into(),
        (&definition.raises.trigger_id).into(),
        (&definition.raises.module_type).into(),
        json!(definition.raises.data).to_string().into(),
        cron.into(),
        at.into(),
        definition.timing.zone.name().into(),
        definition.missed.as_str().into(),
        definition.timing.starts.into(),
        definition.timing.ends.into(),
        definition.is_active.into(),
        schedule.next_at.into(),
        schedule.version.into(),
        schedule.updated_at.into(),
    ]
}

/// Which schedules a list shows; an empty filter shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this trigger.
    pub trigger_id: Option<String>,
    /// Only those that are switched on, or off.
    pub is_active: Option<bool>,
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ScheduleId) -> Result<Option<Schedule>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    bounds: &Bounds,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Vec<Schedule>, DbError> {
    let parts = bounds.parts();
    let parameters = [
        page.after_or("").into(),
        filter.trigger_id.clone().into(),
        filter.is_active.into(),
        page.probe().into(),
        parts.map(|parts| json!(parts.modules).to_string()).into(),
        parts.map(|parts| json!(parts.resources).to_string()).into(),
    ];
    scope.all(LIST, parameters).await
}

/// Whether the schedule was put in: not if the tenant has [`MOST_SCHEDULES`] already.
pub(crate) async fn insert(scope: &mut Scope<'_>, schedule: &Schedule) -> Result<bool, DbError> {
    let mut parameters = columns(schedule);
    parameters.extend([(&schedule.created_by).into(), schedule.created_at.into(), MOST_SCHEDULES.into()]);
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

pub(crate) async fn update(scope: &mut Scope<'_>, schedule: &Schedule) -> Result<(), DbError> {
    scope.run_for_effect(UPDATE, columns(schedule)).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &ScheduleId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// How many schedules the tenant has.
pub(crate) async fn count(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(COUNT, []).await?.unwrap_or(0))
}

/// A tenant.
struct Whose(TenantId);

impl Decode for Whose {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.parse("tenant_id").map(Self)
    }
}

/// Whose schedules are due, of the `most` that are due longest.
pub(crate) async fn due_tenants(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: u16,
) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<Whose> = all.all(DUE_TENANTS, [now.into(), most.into()]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Up to `most` schedules that are due, round the tenants.
pub(crate) async fn due(all: &mut AllTenants<'_>, now: Instant, most: u16) -> Result<Vec<Due>, DbError> {
    all.all(DUE, [now.into(), most.into()]).await
}

/// Writes down when schedules come next; one statement for all.
pub(crate) async fn move_on(
    all: &mut AllTenants<'_>,
    moved: &[(&TenantId, &ScheduleId, Option<Instant>)],
) -> Result<(), DbError> {
    let lines: Vec<serde_json::Value> = moved
        .iter()
        .map(|(tenant, id, next)| json!([tenant.as_str(), id.as_str(), next.map(Instant::millis)]))
        .collect();
    all.run_for_effect(MOVE, [Value::Text(serde_json::Value::Array(lines).to_string())]).await.map(drop)
}

/// One column named `n` that may be null.
struct Maybe(Option<Instant>);

impl Decode for Maybe {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("n").map(Self)
    }
}

/// When the next schedule of all tenants comes.
pub(crate) async fn oldest_due(all: &mut AllTenants<'_>) -> Result<Option<Instant>, DbError> {
    Ok(all.one::<Maybe>(OLDEST_DUE, []).await?.and_then(|row| row.0))
}
