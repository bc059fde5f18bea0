//! Which routes lead to tasks, and what does each ask of its caller?

mod comments;
mod steps;

use crate::wire::{TaskIn, TaskLimitsOut, TaskOut, TaskPatchIn, TasksQuery};
use axum::{Extension, Router, extract::State, response::NoContent};
use edge::{
    Authorized, Faults, Id, IfMatch, Json, List, Paging, Partaking, Problem, Query, Reaching, Shown,
    Unspecific, Visitor, World, needs,
};
use kernel::{Bounded, TaskId};
use pipeline::{
    Books,
    tasks::{self as desk, Done, Seen},
};
use std::sync::Arc;
use tasks::service::Own;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the instance keeps: compiled rules, which see what changes.
struct App {
    books: Books,
}

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(limits))
        .routes(routes!(get, replace, change, delete))
        .routes(routes!(steps::assign))
        .routes(routes!(steps::start))
        .routes(routes!(steps::complete))
        .routes(routes!(steps::cancel))
        .routes(routes!(steps::reopen))
        .routes(routes!(comments::list, comments::add))
        .routes(routes!(comments::get, comments::change, comments::delete))
        .with_state(Arc::new(App { books: Books::default() }));
    edge::idempotent(edge::fragment(routes))
}

fn shown(world: &World, who: &Bounded, seen: Seen) -> Shown<TaskOut> {
    let version = i64::from(seen.task.version);
    Shown::as_is("task", TaskOut::of(who.tenant(), seen, world.clock.now())).version(version)
}

/// A change on its way out; whatever rules made of it is begun at once.
fn changed(world: &World, who: &Bounded, done: Done) -> Shown<TaskOut> {
    if done.made_jobs {
        guest::nudge(&world.settings.internal_token);
    }
    shown(world, who, done.seen)
}

/// The version named in `If-Match`; one that no task can have is stale.
fn expected(IfMatch(version): IfMatch) -> Result<Option<u32>, Problem> {
    version.map(|version| version.try_into().map_err(|_| Unspecific::Stale.into())).transpose()
}

/// The tasks
///
/// Those that are due first come first, unless `sort` says otherwise. Needs `records:read`; without it a person sees the tasks
/// that are assigned to them. With `q` it counts as a search: 30 a minute for the tenant unless its settings say otherwise.
#[utoipa::path(
    get, path = "/api/v1/tasks", operation_id = "listTasks", tag = "tasks", params(TasksQuery),
    responses((status = 200, description = "A page of tasks.", body = List<TaskOut>), Faults),
    security(("bearer" = []))
)]
async fn list(
    Partaking { who, world, email, .. }: Partaking<needs::RecordsRead>,
    Extension(visitor): Extension<Arc<Visitor>>,
    paging: Paging,
    Query(query): Query<TasksQuery>,
) -> Result<List<TaskOut>, Problem> {
    let own = Own::of(&who, email.as_deref());
    let now = world.clock.now();
    let (filter, assignee, sort) = query.read(now)?;
    if filter.text.is_some() {
        visitor.search(&world).await?;
    }
    let page = desk::list(&world.db, &who, &own, filter, assignee.as_deref(), sort, &paging.request).await?;
    Ok(paging.list(page, |seen| TaskOut::of(who.tenant(), seen, now)))
}

/// Make a task
///
/// With an assignee it is `assigned`, else a `draft`. Raises `task_created`, and `task_assigned` if somebody gets it; whoever gets
/// it finds a message in the inbox, unless they gave it to themselves. Needs `records:write`.
#[utoipa::path(
    post, path = "/api/v1/tasks", operation_id = "createTask", tag = "tasks", request_body = TaskIn,
    responses((status = 201, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
async fn create(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Json(sent): Json<TaskIn>,
) -> Result<Shown<TaskOut>, Problem> {
    let done = desk::create(&world.db, &app.books, &who, sent.into()).await?;
    if done.made_jobs {
        guest::nudge(&world.settings.internal_token);
    }
    let (location, version) =
        (format!("/api/v1/tasks/{}", done.seen.task.id), i64::from(done.seen.task.version));
    let out = TaskOut::of(who.tenant(), done.seen, world.clock.now());
    Ok(Shown::created("task", out, location).version(version))
}

/// How many tasks there may be
///
/// And how many there are. Needs `records:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/limits", operation_id = "getTaskLimits", tag = "tasks",
    responses((status = 200, description = "The limits.", body = TaskLimitsOut), Faults),
    security(("bearer" = []))
)]
async fn limits(
    Authorized { call, world, .. }: Authorized<needs::RecordsRead>,
) -> Result<Shown<TaskLimitsOut>, Problem> {
    let open = desk::open(&world.db, &call).await?;
    Ok(Shown::as_is("task_limits", TaskLimitsOut::of(open)))
}

/// One task
///
/// Needs `records:read`, or to have the task.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", operation_id = "getTask", tag = "tasks",
    params(("id" = String, Path, description = "The task's id.")),
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
async fn get(
    Partaking { who, world, email, .. }: Partaking<needs::RecordsRead>,
    Id(id): Id<TaskId>,
) -> Result<Shown<TaskOut>, Problem> {
    let seen = desk::get(&world.db, &who, &Own::of(&who, email.as_deref()), &id).await?;
    Ok(shown(&world, &who, seen))
}

/// Make a task anew
///
/// What is left out is as for a new task; without `assignee` nobody has it then. Its state stays, but for what that means. Needs
/// `records:write`.
#[utoipa::path(
    put, path = "/api/v1/tasks/{id}", operation_id = "replaceTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = TaskIn,
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
async fn replace(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
    Json(sent): Json<TaskIn>,
) -> Result<Shown<TaskOut>, Problem> {
    let done = desk::replace(&world.db, &app.books, &who, &id, expected(seen)?, sent.into()).await?;
    Ok(changed(&world, &who, done))
}

/// Change a task
///
/// What is left out stays. Raises `task_updated`, and `task_assigned` and `task_completed` where they fit. Needs `records:write`.
#[utoipa::path(
    patch, path = "/api/v1/tasks/{id}", operation_id = "changeTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = TaskPatchIn,
    responses((status = 200, description = "The task.", body = TaskOut), Faults),
    security(("bearer" = []))
)]
async fn change(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
    Json(sent): Json<TaskPatchIn>,
) -> Result<Shown<TaskOut>, Problem> {
    let done = desk::patch(&world.db, &app.books, &who, &id, expected(seen)?, sent.into()).await?;
    Ok(changed(&world, &who, done))
}

/// Delete a task
///
/// With what was said about it. Events and the audit keep what they say of it. Needs `records:write`.
#[utoipa::path(
    delete, path = "/api/v1/tasks/{id}", operation_id = "deleteTask", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
async fn delete(
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    seen: IfMatch,
) -> Result<NoContent, Problem> {
    desk::delete(&world.db, &who, &id, expected(seen)?).await?;
    Ok(NoContent)
}
