//! What can go wrong when somebody works with schedules?

use crate::schedule::MOST_SCHEDULES;
use db::DbError;
use kernel::{Fault, FieldFault, Kind, OutOfReach, Permission, Span};

/// A fault of the schedules area.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// There is no such schedule in this tenant.
    #[error(
        "There is no schedule with that id here. It may have been deleted; the list of schedules shows those that exist."
    )]
    Unknown,
    /// Fields of the schedule are faulty.
    #[error("The request has fields that cannot be accepted; `details` names each.")]
    Invalid(Vec<FieldFault>),
    /// The schedule was changed since the caller read it.
    #[error(
        "The schedule was changed since you read it; it is at version {0} now. Read it again, then repeat your change."
    )]
    Stale(u32),
    /// The schedule comes no more.
    #[error("The schedule comes no more: its time, or its end, has passed. Give it another time.")]
    Over,
    /// The tenant has as many schedules as it may have.
    #[error(
        "The tenant has {MOST_SCHEDULES} schedules, the most that it may have. Delete some that are no longer needed."
    )]
    Full,
    /// The caller may see the schedule, but not do this with it.
    #[error(
        "Your permission {0} does not reach this schedule or the module of its trigger. Ask somebody who manages access."
    )]
    OutOfReach(Permission),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<OutOfReach> for ScheduleError {
    fn from(fault: OutOfReach) -> Self {
        match fault {
            OutOfReach::Unseen => Self::Unknown,
            OutOfReach::Lacks(permission) => Self::OutOfReach(permission),
        }
    }
}

impl From<Vec<FieldFault>> for ScheduleError {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Invalid(faults)
    }
}

impl Fault for ScheduleError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Stale(_) => Kind::Stale,
            Self::Over => Kind::Conflict,
            Self::Full => Kind::Unprocessable,
            Self::OutOfReach(_) => Kind::Forbidden,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "NOT_FOUND",
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Stale(_) => "PRECONDITION_FAILED",
            Self::Over => "SCHEDULE_OVER",
            Self::Full => "SCHEDULE_LIMIT",
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
