//! How does a task go on over HTTP? Given to somebody, begun, completed, cancelled, reopened.

use super::{App, changed, expected};
use crate::wire::{AssignIn, TaskOut};
use axum::extract::State;
use edge::{Faults, Id, IfMatch, Json, Partaking, Problem, Reaching, Shown, needs};
use kernel::TaskId;
use pipeline::tasks::{self as desk, Step};
use std::sync::Arc;
use tasks::service::Own;

/// Give a task to somebody
///
/// Whoever gets it has not begun it: it is `assigned`; with null nobody has it, and it is a `draft`. Needs `records:write`.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/assign", operation_id = "assignTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = AssignIn,
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn assign(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
    Json(sent): Json<AssignIn>,
) -> Result<Shown<TaskOut>, Problem> {
    let done = desk::assign(&world.db, &app.books, &who, &id, expected(seen)?, sent.assignee).await?;
    Ok(changed(&world, &who, done))
}

/// Begin a task
///
/// Somebody must have it. Needs `records:write`, or to have the task.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/start", operation_id = "startTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    caller: Partaking<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
) -> Result<Shown<TaskOut>, Problem> {
    step(&app, caller, &id, seen, Step::Start).await
}

/// Complete a task
///
/// One that is completed stays as it is. Raises `task_completed`. Needs `records:write`, or to have the task.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/complete", operation_id = "completeTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn complete(
    State(app): State<Arc<App>>,
    caller: Partaking<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
) -> Result<Shown<TaskOut>, Problem> {
    step(&app, caller, &id, seen, Step::Complete).await
}

/// Cancel a task
///
/// It is not to be done any more. Needs `records:write`.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", operation_id = "cancelTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
) -> Result<Shown<TaskOut>, Problem> {
    let nobody = Own::default();
    let version = expected(seen)?;
    let done = desk::step(&world.db, &app.books, &who, &nobody, &id, version, Step::Cancel).await?;
    Ok(changed(&world, &who, done))
}

/// Take up a task again
///
/// What was completed or cancelled is to be done after all, by whoever had it. Needs `records:write`, or to have the task.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/reopen", operation_id = "reopenTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn reopen(
    State(app): State<Arc<App>>,
    caller: Partaking<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
) -> Result<Shown<TaskOut>, Problem> {
    step(&app, caller, &id, seen, Step::Reopen).await
}

async fn step(
    app: &App,
    Partaking { who, world, email, .. }: Partaking<needs::RecordsWrite>,
    id: &TaskId,
    seen: IfMatch,
    step: Step,
) -> Result<Shown<TaskOut>, Problem> {
    let own = Own::of(&who, email.as_deref());
    let done = desk::step(&world.db, &app.books, &who, &own, id, expected(seen)?, step).await?;
    Ok(changed(&world, &who, done))
}
