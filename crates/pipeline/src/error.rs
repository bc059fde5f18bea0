//! What can keep an event from being stored?

use db::DbError;
use events::EventError;
use kernel::{Fault, FieldFault, Kind, Span};

/// A fault on the way from the door to the ledger.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The event itself.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The sender's rights changed since they were looked up; ask the gate again, then publish again.
    #[error("The sender's rights changed while the event came in; send it again.")]
    AccessMoved,
    /// The tenant's rules kept changing while the event came in.
    #[error("The tenant's rules are being changed; send the event again.")]
    Restless,
    /// The tenant is suspended.
    #[error("This tenant is suspended; ask the operator of this service.")]
    Suspended,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for PublishError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(error) => error.kind(),
            Self::AccessMoved | Self::Restless => Kind::Unavailable,
            Self::Suspended => Kind::Forbidden,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::AccessMoved => "ACCESS_CHANGED",
            Self::Restless => "RULES_CHANGING",
            Self::Suspended => "TENANT_SUSPENDED",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Event(error) => error.fields(),
            Self::AccessMoved | Self::Restless | Self::Suspended | Self::Db(_) => &[],
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Event(error) => error.retry_after(),
            Self::AccessMoved | Self::Restless => Some(Span::seconds(1)),
            Self::Suspended => None,
            Self::Db(error) => error.retry_after(),
        }
    }
}
