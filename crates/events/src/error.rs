//! What can be wrong with an event?

use crate::MAX_DEPTH;
use db::DbError;
use kernel::{Fault, FieldFault, Kind, OutOfReach, Span};

/// A fault of an event or of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Some fields are faulty.
    #[error("The event has fields that cannot be accepted; `details` names each.")]
    Fields(Vec<FieldFault>),
    /// No trigger of that name.
    #[error("There is no trigger {0:?}; GET /api/v1/automation/triggers lists those that there are.")]
    UnknownTrigger(String, Vec<FieldFault>),
    /// The key was used for another event.
    #[error("This key was used for another event; a new event needs a new id or Idempotency-Key.")]
    KeyMismatch,
    /// The chain of events that raise events is too long.
    #[error(
        "The event is number {0} in a chain of events raised by rules; chains end after {MAX_DEPTH}. Look for rules that raise each other's events."
    )]
    TooDeep(u32),
    /// No such event in this tenant.
    #[error("There is no such event.")]
    Unknown,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What the caller's permission does not reach is not there for them: who may see an event's module may see the event.
impl From<OutOfReach> for EventError {
    fn from(_: OutOfReach) -> Self {
        Self::Unknown
    }
}

impl EventError {
    /// No trigger is called `name`.
    #[must_use]
    pub fn unknown_trigger(name: &str) -> Self {
        let message = "is not a trigger; GET /api/v1/automation/triggers lists those that there are";
        Self::UnknownTrigger(name.chars().take(100).collect(), vec![FieldFault::new("event", message)])
    }
}

impl Fault for EventError {
    fn kind(&self) -> Kind {
        match self {
            Self::Fields(_) | Self::UnknownTrigger(..) => Kind::Invalid,
            Self::KeyMismatch | Self::TooDeep(_) => Kind::Unprocessable,
            Self::Unknown => Kind::NotFound,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Fields(_) => "VALIDATION_ERROR",
            Self::UnknownTrigger(..) => "UNKNOWN_TRIGGER",
            Self::KeyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::TooDeep(_) => "EVENT_CHAIN_TOO_DEEP",
            Self::Unknown => "NOT_FOUND",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Fields(fields) | Self::UnknownTrigger(_, fields) => fields,
            Self::KeyMismatch | Self::TooDeep(_) | Self::Unknown | Self::Db(_) => &[],
        }
    }

    fn retry_after(&self) -> Option<Span> {
        if let Self::Db(error) = self { error.retry_after() } else { None }
    }
}
