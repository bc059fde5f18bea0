//! What can go wrong when somebody works with tasks?

use crate::{TaskState, comment::MOST_COMMENTS, task::MOST_OPEN};
use db::DbError;
use kernel::{Fault, FieldFault, Kind, OutOfReach, Permission, Span};

/// A fault of the tasks area.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// There is no such task in this tenant, or the caller cannot see it.
    #[error(
        "There is no task with that id here. It may have been deleted; the list of tasks shows those that exist."
    )]
    Unknown,
    /// The task has no such comment.
    #[error("The task has no comment with that id. It may have been deleted.")]
    CommentUnknown,
    /// Fields of the request are faulty.
    #[error("The request has fields that cannot be accepted; `details` names each.")]
    Invalid(Vec<FieldFault>),
    /// The task was changed since the caller read it.
    #[error(
        "The task was changed since you read it; it is at version {0} now. Read it again, then repeat your change."
    )]
    Stale(u32),
    /// The task has ended.
    #[error("The task is {0}. Reopen it first.")]
    Ended(TaskState),
    /// Nobody has the task.
    #[error("Nobody has the task. Assign it first.")]
    Unassigned,
    /// Somebody has the task.
    #[error("Somebody has the task, and a draft is nobody's. Take it from them first: assign it to null.")]
    HasAssignee,
    /// The tenant has as many open tasks as it may have.
    #[error(
        "The tenant has {MOST_OPEN} tasks that have not ended, the most that it may have. Complete, cancel or delete some."
    )]
    Full,
    /// The task has as many comments as it may have.
    #[error(
        "The task has {MOST_COMMENTS} comments, the most that it may have. Go on in a new task, or delete some."
    )]
    CommentsFull,
    /// The comment is somebody else's.
    #[error("Only whoever wrote a comment can change it.")]
    NotTheAuthor,
    /// The caller may see the task, but not do this with it.
    #[error(
        "Your permission {0} does not reach this task. Ask somebody who manages access, or who can assign it to you."
    )]
    OutOfReach(Permission),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<OutOfReach> for TaskError {
    fn from(fault: OutOfReach) -> Self {
        match fault {
            OutOfReach::Unseen => Self::Unknown,
            OutOfReach::Lacks(permission) => Self::OutOfReach(permission),
        }
    }
}

impl From<Vec<FieldFault>> for TaskError {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Invalid(faults)
    }
}

impl Fault for TaskError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown | Self::CommentUnknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Stale(_) => Kind::Stale,
            Self::Ended(_) | Self::Unassigned | Self::HasAssignee => Kind::Conflict,
            Self::Full | Self::CommentsFull => Kind::Unprocessable,
            Self::NotTheAuthor | Self::OutOfReach(_) => Kind::Forbidden,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown | Self::CommentUnknown => "NOT_FOUND",
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Stale(_) => "PRECONDITION_FAILED",
            Self::Ended(_) => "TASK_ENDED",
            Self::Unassigned => "TASK_UNASSIGNED",
            Self::HasAssignee => "TASK_ASSIGNED",
            Self::Full => "TASK_LIMIT",
            Self::CommentsFull => "TASK_COMMENT_LIMIT",
            Self::NotTheAuthor => "TASK_COMMENT_AUTHOR",
            Self::OutOfReach(_) => "OUT_OF_REACH",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        if let Self::Invalid(faults) = self { faults } else { &[] }
    }

    fn lacks(&self) -> Option<Permission> {
        if let Self::OutOfReach(permission) = self { Some(*permission) } else { None }
    }

    fn retry_after(&self) -> Option<Span> {
        if let Self::Db(error) = self { error.retry_after() } else { None }
    }
}
