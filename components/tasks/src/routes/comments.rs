//! How is a task talked about over HTTP?

use super::App;
use crate::wire::{CommentIn, CommentOut, PageQuery};
use axum::{extract::State, response::NoContent};
use edge::{Faults, Id, Json, List, Paging, Partaking, Problem, Query, Shown, Within, needs};
use kernel::{CommentId, TaskId};
use pipeline::tasks as desk;
use std::sync::Arc;
use tasks::service::Own;

/// What is said about a task, oldest first
///
/// Needs `records:read`, or to have the task.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/comments", operation_id = "listTaskComments", tag = "tasks",
    params(("id" = String, Path, description = "The task's id."), PageQuery),
    responses((status = 200, description = "A page of comments.", body = List<CommentOut>), Faults),
    security(("bearer" = []))
)]
pub(super) async fn list(
    Partaking { who, world, email, .. }: Partaking<needs::RecordsRead>,
    Id(id): Id<TaskId>,
    paging: Paging,
    _: Query<PageQuery>,
) -> Result<List<CommentOut>, Problem> {
    let own = Own::of(&who, email.as_deref());
    let page = desk::comments(&world.db, &who, &own, &id, &paging.request).await?;
    Ok(paging.list(page, CommentOut::from))
}

/// Say something about a task
///
/// Raises `task_commented`. Needs `records:write`, or to have the task.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/comments", operation_id = "addTaskComment", tag = "tasks",
    params(("id" = String, Path, description = "The task's id.")),
    request_body = CommentIn,
    responses((status = 201, description = "The comment.", body = CommentOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Partaking { who, world, email, .. }: Partaking<needs::RecordsWrite>,
    Id(id): Id<TaskId>,
    Json(sent): Json<CommentIn>,
) -> Result<Shown<CommentOut>, Problem> {
    let own = Own::of(&who, email.as_deref());
    let (remark, made_jobs) = desk::add_comment(&world.db, &app.books, &who, &own, &id, &sent.text).await?;
    if made_jobs {
        guest::nudge(&world.settings.internal_token);
    }
    let location = format!("/api/v1/tasks/{id}/comments/{}", remark.comment.id);
    Ok(Shown::created("task_comment", remark.into(), location))
}

/// One comment
///
/// Needs `records:read`, or to have the task.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/comments/{comment_id}", operation_id = "getTaskComment", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("comment_id" = String, Path, description = "The comment's id.")
    ),
    responses((status = 200, description = "The comment.", body = CommentOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn get(
    Partaking { who, world, email, .. }: Partaking<needs::RecordsRead>,
    Within(task, id): Within<TaskId, CommentId>,
) -> Result<Shown<CommentOut>, Problem> {
    let own = Own::of(&who, email.as_deref());
    let comment = desk::comment(&world.db, &who, &own, &task, &id).await?;
    Ok(Shown::as_is("task_comment", comment.into()))
}

/// Say it otherwise
///
/// Only whoever wrote a comment can. Needs `records:write`, or to have the task.
#[utoipa::path(
    patch, path = "/api/v1/tasks/{id}/comments/{comment_id}", operation_id = "changeTaskComment", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("comment_id" = String, Path, description = "The comment's id.")
    ),
    request_body = CommentIn,
    responses((status = 200, description = "The comment.", body = CommentOut), Faults),
    security(("bearer" = []))
)]
pub(super) async fn change(
    Partaking { who, world, email, .. }: Partaking<needs::RecordsWrite>,
    Within(task, id): Within<TaskId, CommentId>,
    Json(sent): Json<CommentIn>,
) -> Result<Shown<CommentOut>, Problem> {
    let own = Own::of(&who, email.as_deref());
    let comment = desk::edit_comment(&world.db, &who, &own, &task, &id, &sent.text).await?;
    Ok(Shown::as_is("task_comment", comment.into()))
}

/// Take a comment back
///
/// Whoever wrote it can, and whoever has `records:write`.
#[utoipa::path(
    delete, path = "/api/v1/tasks/{id}/comments/{comment_id}", operation_id = "deleteTaskComment", tag = "tasks",
    params(
        ("id" = String, Path, description = "The task's id."),
        ("comment_id" = String, Path, description = "The comment's id.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
pub(super) async fn delete(
    Partaking { who, world, email, .. }: Partaking<needs::RecordsWrite>,
    Within(task, id): Within<TaskId, CommentId>,
) -> Result<NoContent, Problem> {
    let own = Own::of(&who, email.as_deref());
    desk::delete_comment(&world.db, &who, &own, &task, &id).await?;
    Ok(NoContent)
}
