//! What is said about a task, and who may take it back?

use super::{Own, present, within};
use crate::{
    Comment, MODULE, MOST_COMMENTS, Said, Task, TaskError,
    store::{comment as store, task as tasks},
};
use audit::Entry;
use db::{DbError, Scope};
use kernel::{Bounded, Call, CommentId, Page, PageRequest, TaskId};
use serde_json::{Value, json};

/// A task's comments, oldest first.
///
/// # Errors
/// [`TaskError::Unknown`]; the database's.
pub async fn list(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    page: &PageRequest,
) -> Result<Page<Comment>, TaskError> {
    let task = tasks::get(scope, task).await?.ok_or(TaskError::Unknown)?;
    within(who, own, &task)?;
    let rows = store::list(scope, &task.id, page).await?;
    Ok(Page::cut(rows, page, |comment| comment.id.to_string()))
}

/// One comment.
///
/// # Errors
/// [`TaskError::Unknown`], [`TaskError::CommentUnknown`]; the database's.
pub async fn get(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    id: &CommentId,
) -> Result<Comment, TaskError> {
    let task = tasks::get(scope, task).await?.ok_or(TaskError::Unknown)?;
    within(who, own, &task)?;
    store::get(scope, &task.id, id).await?.ok_or(TaskError::CommentUnknown)
}

/// Says something about a task: gives it as it was, and the comment.
///
/// # Errors
/// [`TaskError::Unknown`], [`TaskError::OutOfReach`], [`TaskError::CommentsFull`]; the database's.
pub async fn add(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    said: Said,
) -> Result<(Task, Comment), TaskError> {
    let (task, call) = present(scope, who, own, task, None).await?;
    if task.comments >= MOST_COMMENTS {
        return Err(TaskError::CommentsFull);
    }
    let comment = Comment {
        id: CommentId::new(call.now, &*call.chance),
        task: task.id.clone(),
        author: call.principal.actor.name().to_owned(),
        text: said.as_str().to_owned(),
        created_at: call.now,
        edited_at: None,
    };
    store::insert(scope, &comment).await?;
    record(scope, call, "task.commented", &comment, None, Some(&comment.text)).await?;
    Ok((task, comment))
}

/// Says it otherwise. Only whoever said it can.
///
/// # Errors
/// [`TaskError::Unknown`], [`TaskError::CommentUnknown`], [`TaskError::OutOfReach`], [`TaskError::NotTheAuthor`]; the database's.
pub async fn edit(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    id: &CommentId,
    said: Said,
) -> Result<Comment, TaskError> {
    let (task, call) = present(scope, who, own, task, None).await?;
    let was = store::get(scope, &task.id, id).await?.ok_or(TaskError::CommentUnknown)?;
    if !was.is_by(&call.principal.actor) {
        return Err(TaskError::NotTheAuthor);
    }
    if was.text == said.as_str() {
        return Ok(was);
    }
    let comment = Comment { text: said.as_str().to_owned(), edited_at: Some(call.now), ..was.clone() };
    store::update(scope, &comment).await?;
    record(scope, call, "task.comment_changed", &comment, Some(&was.text), Some(&comment.text)).await?;
    Ok(comment)
}

/// Takes it back. Whoever said it can, and whoever may change the task.
///
/// # Errors
/// As [`edit`].
pub async fn delete(
    scope: &mut Scope<'_>,
    who: &Bounded,
    own: &Own,
    task: &TaskId,
    id: &CommentId,
) -> Result<(), TaskError> {
    let (task, call) = present(scope, who, own, task, None).await?;
    let was = store::get(scope, &task.id, id).await?.ok_or(TaskError::CommentUnknown)?;
    if !was.is_by(&call.principal.actor) && who.at(MODULE, task.id.as_str()).is_err() {
        return Err(TaskError::NotTheAuthor);
    }
    store::delete(scope, &was).await?;
    Ok(record(scope, call, "task.comment_deleted", &was, Some(&was.text), None).await?)
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    comment: &Comment,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), DbError> {
    let said = |text: &str| -> Value { json!({"comment_id": comment.id.as_str(), "text": text}) };
    let entry =
        Entry { action, subject: comment.task.as_str(), before: before.map(said), after: after.map(said) };
    audit::append(scope, call, &entry).await
}
