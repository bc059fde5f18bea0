//! What can keep a record from being changed, or what it raises from being stored?

use crate::PublishError;
use ::records::RecordError;
use db::DbError;
use events::EventError;
use kernel::{Fault, FieldFault, Kind, Permission, Span};
use rules::RuleError;

/// A fault on the way of a change.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// The record itself, or its type.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What it raises.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Its triggers, and the rules that are bound to them.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The name of a record means none, or several.
    #[error("{0}")]
    Named(String),
}

impl From<DbError> for RecordFault {
    fn from(error: DbError) -> Self {
        Self::Record(error.into())
    }
}

impl From<EventError> for RecordFault {
    fn from(error: EventError) -> Self {
        Self::Publish(error.into())
    }
}

impl RecordFault {
    /// The fault in words for the record of a job: with each field that is named.
    ///
    /// # Errors
    /// The database's, which may pass. What is written only after the record was is one of these, too: then the whole
    /// transaction must be given up.
    pub(crate) fn in_words(self) -> Result<String, DbError> {
        match self {
            Self::Record(RecordError::Db(error))
            | Self::Publish(PublishError::Db(error) | PublishError::Event(EventError::Db(error))) => {
                Err(error)
            }
            Self::Publish(
                fault @ (PublishError::AccessMoved | PublishError::Restless | PublishError::Suspended),
            ) => Err(DbError::Engine(fault.to_string())),
            fault => {
                let fields: Vec<String> = fault.fields().iter().map(ToString::to_string).collect();
                Ok(if fields.is_empty() { fault.to_string() } else { fields.join("; ") })
            }
        }
    }
}

impl Fault for RecordFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Record(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Rule(error) => error.kind(),
            Self::Named(_) => Kind::NotFound,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Record(error) => error.code(),
            Self::Publish(error) => error.code(),
            Self::Rule(error) => error.code(),
            Self::Named(_) => "NOT_FOUND",
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Record(error) => error.fields(),
            Self::Publish(error) => error.fields(),
            Self::Rule(error) => error.fields(),
            Self::Named(_) => &[],
        }
    }

    fn lacks(&self) -> Option<Permission> {
        match self {
            Self::Record(error) => error.lacks(),
            Self::Rule(error) => error.lacks(),
            Self::Publish(_) | Self::Named(_) => None,
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Record(error) => error.retry_after(),
            Self::Publish(error) => error.retry_after(),
            Self::Rule(error) => error.retry_after(),
            Self::Named(_) => None,
        }
    }
}
