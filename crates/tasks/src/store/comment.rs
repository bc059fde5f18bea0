//! The table `task_comments`.

use crate::Comment;
use db::{DbError, Decode, Row, Scope};
use kernel::{CommentId, PageRequest, TaskId};

const GET: &str = "SELECT comment_id, task_id, author, text, created_at, edited_at FROM task_comments
    WHERE tenant_id = ?1 AND task_id = ?2 AND comment_id = ?3";
const LIST: &str = "SELECT comment_id, task_id, author, text, created_at, edited_at FROM task_comments
    WHERE tenant_id = ?1 AND task_id = ?2 AND comment_id > ?3 ORDER BY comment_id LIMIT ?4";
const INSERT: &str =
    "INSERT INTO task_comments (tenant_id, task_id, comment_id, author, text, created_at, edited_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)";
const UPDATE: &str = "UPDATE task_comments SET text = ?4, edited_at = ?5
    WHERE tenant_id = ?1 AND task_id = ?2 AND comment_id = ?3";
const DELETE: &str = "DELETE FROM task_comments WHERE tenant_id = ?1 AND task_id = ?2 AND comment_id = ?3";
// What is said about a task does not make another of it: its version stays.
const COUNT: &str = "UPDATE tasks SET comments = (SELECT COUNT(*) FROM task_comments
    WHERE tenant_id = ?1 AND task_id = ?2) WHERE tenant_id = ?1 AND task_id = ?2";
const FORGET: &str = "DELETE FROM task_comments WHERE tenant_id = ?1 AND (task_id, comment_id) IN
    (SELECT comment.task_id, comment.comment_id FROM tasks AS task JOIN task_comments AS comment
        ON comment.tenant_id = ?1 AND comment.task_id = task.task_id
    WHERE task.tenant_id = ?1 AND task.ended_at < ?2 ORDER BY task.ended_at LIMIT ?3) RETURNING comment_id AS id";

impl Decode for Comment {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("comment_id")?,
            task: row.parse("task_id")?,
            author: row.get("author")?,
            text: row.get("text")?,
            created_at: row.get("created_at")?,
            edited_at: row.get("edited_at")?,
        })
    }
}

pub(crate) async fn get(
    scope: &mut Scope<'_>,
    task: &TaskId,
    id: &CommentId,
) -> Result<Option<Comment>, DbError> {
    scope.one(GET, [task.into(), id.into()]).await
}

/// A task's comments, oldest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    task: &TaskId,
    page: &PageRequest,
) -> Result<Vec<Comment>, DbError> {
    scope.all(LIST, [task.into(), page.after_or("").into(), page.probe().into()]).await
}

pub(crate) async fn insert(scope: &mut Scope<'_>, comment: &Comment) -> Result<(), DbError> {
    let parameters = [
        (&comment.task).into(),
        (&comment.id).into(),
        (&comment.author).into(),
        (&comment.text).into(),
        comment.created_at.into(),
    ];
    scope.run_for_effect(INSERT, parameters).await?;
    scope.run_for_effect(COUNT, [(&comment.task).into()]).await.map(drop)
}

pub(crate) async fn update(scope: &mut Scope<'_>, comment: &Comment) -> Result<(), DbError> {
    let parameters =
        [(&comment.task).into(), (&comment.id).into(), (&comment.text).into(), comment.edited_at.into()];
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, comment: &Comment) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [(&comment.task).into(), (&comment.id).into()]).await?;
    scope.run_for_effect(COUNT, [(&comment.task).into()]).await.map(drop)
}

/// Removes comments of tasks that ended before `limit`, so many at most; tells how many.
pub(crate) async fn forget(
    scope: &mut Scope<'_>,
    limit: kernel::Instant,
    most: i64,
) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [limit.into(), most.into()]).await
}
