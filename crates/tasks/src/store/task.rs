//! The table `tasks`.

use crate::{About, Definition, Due, MOST_OPEN, Maker, Priority, Task};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{EventId, Instant, JobId, TaskId, TenantId};
use serde_json::json;

/// What a decoder wants of a row; the statements that give tasks begin with it.
macro_rules! columns {
    () => {
        "task_id, title, description, priority, due_at, due_date, labels, about_type, about_id, state, assignee, created_by,
        event_id, rule_id, job_id, ended_at, ended_by, overdue_at, comments, version, created_at, updated_at"
    };
}
pub(crate) use columns;

const GET: &str = concat!("SELECT ", columns!(), " FROM tasks WHERE tenant_id = ?1 AND task_id = ?2");
const OF_JOB: &str = concat!("SELECT ", columns!(), " FROM tasks WHERE tenant_id = ?1 AND job_id = ?2");
const OF_EVENT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM tasks WHERE tenant_id = ?1 AND event_id = ?2
    ORDER BY task_id LIMIT 1000"
);
const INSERT: &str = "INSERT INTO tasks (tenant_id, task_id, title, description, priority, due_at, due_date, labels,
    about_type, about_id, state, assignee, ended_at, ended_by, overdue_at, comments, version, updated_at, created_by,
    event_id, rule_id, job_id, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23
    WHERE (SELECT COUNT(*) FROM tasks INDEXED BY tasks_open WHERE tenant_id = ?1 AND ended_at IS NULL) < ?24
    RETURNING task_id AS id";
const UPDATE: &str =
    "UPDATE tasks SET title = ?3, description = ?4, priority = ?5, due_at = ?6, due_date = ?7, labels = ?8,
    about_type = ?9, about_id = ?10, state = ?11, assignee = ?12, ended_at = ?13, ended_by = ?14, overdue_at = ?15,
    comments = ?16, version = ?17, updated_at = ?18
    WHERE tenant_id = ?1 AND task_id = ?2 AND version < ?17
    AND (?13 IS NOT NULL OR ended_at IS NULL
        OR (SELECT COUNT(*) FROM tasks INDEXED BY tasks_open WHERE tenant_id = ?1 AND ended_at IS NULL) < ?19)
    RETURNING task_id AS id";
const DELETE: &str = "DELETE FROM tasks WHERE tenant_id = ?1 AND task_id = ?2";
const OPEN: &str =
    "SELECT COUNT(*) AS n FROM tasks INDEXED BY tasks_open WHERE tenant_id = ?1 AND ended_at IS NULL";

const OVERDUE_TENANTS: &str =
    "SELECT DISTINCT tenant_id FROM (SELECT tenant_id FROM tasks INDEXED BY tasks_passing
    WHERE due_at <= ?1 AND ended_at IS NULL AND overdue_at IS NULL
        AND tenant_id IN (SELECT tenant_id FROM tenants WHERE state = 'active') ORDER BY due_at LIMIT ?2)";
// Of each tenant the longest overdue first, and the turns go round: first every tenant's first, then every tenant's second.
const OVERDUE: &str = concat!(
    "WITH due AS (
        SELECT task.rowid AS place, task.due_at AS due,
            ROW_NUMBER() OVER (PARTITION BY task.tenant_id ORDER BY task.due_at, task.rowid) AS turn
        FROM tenants JOIN tasks AS task ON task.rowid IN (
            SELECT rowid FROM tasks WHERE tenant_id = tenants.tenant_id AND due_at <= ?1 AND ended_at IS NULL
                AND overdue_at IS NULL ORDER BY due_at, rowid LIMIT ?2)
        WHERE tenants.state = 'active'
    )
    UPDATE tasks SET overdue_at = ?1 WHERE rowid IN (SELECT place FROM due ORDER BY turn, due, place LIMIT ?2)
    RETURNING tenant_id, ",
    columns!()
);

const FORGET: &str = "DELETE FROM tasks WHERE tenant_id = ?1 AND task_id IN (SELECT task_id FROM tasks
    WHERE tenant_id = ?1 AND ended_at < ?2 ORDER BY ended_at LIMIT ?3) RETURNING task_id AS id";

impl Decode for Task {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let rank: i64 = row.get("priority")?;
        let labels: String = row.get("labels")?;
        let kind: Option<String> = row.get("about_type")?;
        let about: Option<String> = row.get("about_id")?;
        let ended: Option<Instant> = row.get("ended_at")?;
        let ended_by: Option<String> = row.get("ended_by")?;
        Ok(Self {
            id: row.parse("task_id")?,
            definition: Definition {
                title: row.get("title")?,
                description: row.get("description")?,
                priority: Priority::of_rank(rank).ok_or_else(|| row.surprise("priority", "1 to 4"))?,
                due: due(row)?,
                labels: serde_json::from_str(&labels)
                    .map_err(|_| row.surprise("labels", "a list of texts"))?,
                about: kind.zip(about).map(|(kind, id)| About { kind, id }),
            },
            state: row.parse("state")?,
            assignee: row.parse_opt("assignee")?,
            maker: Maker {
                by: row.get("created_by")?,
                event: row.parse_opt("event_id")?,
                rule: row.parse_opt("rule_id")?,
                job: row.parse_opt("job_id")?,
            },
            ended: ended.zip(ended_by),
            overdue_at: row.get("overdue_at")?,
            comments: row.get("comments")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

fn due(row: &mut Row<'_>) -> Result<Option<Due>, DbError> {
    let at: Option<Instant> = row.get("due_at")?;
    let day = row.parse_opt("due_date")?;
    Ok(at.map(|at| day.map_or(Due::At(at), |day| Due::Day { day, ends: at })))
}

/// A task and whose it is.
pub(crate) struct Somebodys(pub(crate) TenantId, pub(crate) Task);

impl Decode for Somebodys {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.parse("tenant_id")?, Task::decode(row)?))
    }
}

/// The columns of a task that both INSERT and UPDATE set, from `?2` on.
fn columns_of(task: &Task) -> Vec<Value> {
    let definition = &task.definition;
    let about = definition.about.as_ref();
    vec![
        (&task.id).into(),
        (&definition.title).into(),
        definition.description.clone().into(),
        definition.priority.rank().into(),
        definition.due.map(|due| due.passes()).into(),
        definition.due.and_then(|due| due.as_day()).map(|day| day.to_string()).into(),
        json!(definition.labels).to_string().into(),
        about.map(|about| about.kind.as_str()).into(),
        about.map(|about| about.id.as_str()).into(),
        task.state.as_str().into(),
        task.assignee.as_ref().map(|assignee| assignee.key()).into(),
        task.ended.as_ref().map(|(at, _)| *at).into(),
        task.ended.as_ref().map(|(_, by)| by.as_str()).into(),
        task.overdue_at.into(),
        task.comments.into(),
        task.version.into(),
        task.updated_at.into(),
    ]
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &TaskId) -> Result<Option<Task>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// The task that a job made, if it made one.
pub(crate) async fn of_job(scope: &mut Scope<'_>, job: &JobId) -> Result<Option<Task>, DbError> {
    scope.one(OF_JOB, [job.into()]).await
}

/// The tasks that rules made of an event.
pub(crate) async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Task>, DbError> {
    scope.all(OF_EVENT, [event.into()]).await
}

/// Whether the task was put in: not if the tenant has [`MOST_OPEN`] already.
pub(crate) async fn insert(scope: &mut Scope<'_>, task: &Task) -> Result<bool, DbError> {
    let mut parameters = columns_of(task);
    parameters.extend([
        (&task.maker.by).into(),
        task.maker.event.as_ref().into(),
        task.maker.rule.as_ref().into(),
        task.maker.job.as_ref().into(),
        task.created_at.into(),
        MOST_OPEN.into(),
    ]);
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

/// Whether the task was changed: not if it is reopened where the tenant has [`MOST_OPEN`] already.
pub(crate) async fn update(scope: &mut Scope<'_>, task: &Task) -> Result<bool, DbError> {
    let mut parameters = columns_of(task);
    parameters.push(MOST_OPEN.into());
    Ok(scope.run_for_effect(UPDATE, parameters).await? == 1)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &TaskId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// How many tasks of the tenant have not ended.
pub(crate) async fn open(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(OPEN, []).await?.unwrap_or(0))
}

/// A tenant.
struct Whose(TenantId);

impl Decode for Whose {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.parse("tenant_id").map(Self)
    }
}

/// Whose tasks have become overdue and were not told of, of the `most` that are overdue longest.
pub(crate) async fn overdue_tenants(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: u16,
) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<Whose> = all.all(OVERDUE_TENANTS, [now.into(), most.into()]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Notes of up to `most` tasks, round the tenants, that it is told now that they are overdue; gives them.
pub(crate) async fn note_overdue(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: u16,
) -> Result<Vec<Somebodys>, DbError> {
    all.all(OVERDUE, [now.into(), most.into()]).await
}

/// Removes tasks that ended before `limit`, the oldest first, so many at most; tells how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [limit.into(), most.into()]).await
}
