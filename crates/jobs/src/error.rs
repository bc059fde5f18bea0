//! What can go wrong with a job that somebody asks about?

use crate::State;
use db::DbError;
use kernel::{Fault, JobId, Kind};

/// A fault of the queue's use cases.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// No such job in this tenant.
    #[error("There is no such job.")]
    Unknown,
    /// The job is in a state that does not allow it.
    #[error("The job is {0}; only a dead, cancelled or waiting job can be tried again.")]
    NotRetryable(State),
    /// Another job, which has not ended, holds the job.
    #[error(
        "The job waits for {0} to end; it starts by itself then. To go on without that one, cancel both and retry this one."
    )]
    Held(JobId),
    /// The job has ended.
    #[error("The job has ended ({0}); only a job that has not ended can be cancelled.")]
    Ended(State),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for JobError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::NotRetryable(_) | Self::Held(_) | Self::Ended(_) => Kind::Conflict,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "NOT_FOUND",
            Self::NotRetryable(_) => "JOB_NOT_RETRYABLE",
            Self::Held(_) => "JOB_HELD",
            Self::Ended(_) => "JOB_ENDED",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<kernel::Span> {
        if let Self::Db(error) = self { error.retry_after() } else { None }
    }
}
