//! What can keep a change of a task from being made?

use crate::PublishError;
use db::DbError;
use kernel::{Fault, FieldFault, Kind, Permission, Span};
use tasks::TaskError;

/// A fault on the way of a change.
#[derive(Debug, thiserror::Error)]
pub enum TaskFault {
    /// The task does not allow it.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// What it would raise cannot be.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<DbError> for TaskFault {
    fn from(error: DbError) -> Self {
        Self::Task(error.into())
    }
}

impl TaskFault {
    fn inner(&self) -> &dyn Fault {
        match self {
            Self::Task(error) => error,
            Self::Publish(error) => error,
        }
    }
}

impl Fault for TaskFault {
    fn kind(&self) -> Kind {
        self.inner().kind()
    }

    fn code(&self) -> &'static str {
        self.inner().code()
    }

    fn fields(&self) -> &[FieldFault] {
        self.inner().fields()
    }

    fn lacks(&self) -> Option<Permission> {
        self.inner().lacks()
    }

    fn retry_after(&self) -> Option<Span> {
        self.inner().retry_after()
    }
}
