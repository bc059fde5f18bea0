//! What can go wrong when somebody reads the audit?

use db::DbError;
use kernel::{Fault, FieldFault, Kind, Span};

/// A fault of reading the audit.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A list was to go on from a place that is none.
    #[error("The list cannot go on from there: correct the faulty field.")]
    Cursor(Vec<FieldFault>),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for AuditError {
    fn kind(&self) -> Kind {
        match self {
            Self::Cursor(_) => Kind::Invalid,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor(_) => "VALIDATION_ERROR",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Cursor(fields) => fields,
            Self::Db(_) => &[],
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Cursor(_) => None,
            Self::Db(error) => error.retry_after(),
        }
    }
}
