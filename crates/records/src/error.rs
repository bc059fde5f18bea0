//! What can go wrong when somebody works with records?

use crate::{
    record::MOST_RECORDS,
    record_type::{MOST_TYPES, RecordType},
};
use db::DbError;
use kernel::{Fault, FieldFault, Kind, OutOfReach, Permission, RecordId, Span};

/// The most records that are looked through when a type's schema changes.
pub(crate) const MOST_CHECKED: i64 = 100_000;

/// A fault of the records area.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no such record of this type in this tenant.
    #[error("There is no such record here. It may have been deleted; the list shows those that exist.")]
    Unknown,
    /// There is no such type in this tenant.
    #[error("There is no type of that name here; GET /api/v1/records/types lists those that there are.")]
    TypeUnknown,
    /// Fields are faulty.
    #[error("The request has fields that cannot be accepted; `details` names each.")]
    Invalid(Vec<FieldFault>),
    /// The record was changed since the caller read it.
    #[error(
        "The record was changed since you read it; it is at version {0} now. Read it again, then repeat your change."
    )]
    Stale(u32),
    /// Another record of the type has the external id.
    #[error(
        "Another record of this type has that external_id: {0}. Change that one, or take another external_id."
    )]
    ExternalIdTaken(RecordId, Vec<FieldFault>),
    /// The tenant has as many records as it may have.
    #[error(
        "The tenant has {MOST_RECORDS} records, the most that it may have. Delete those that are no longer needed."
    )]
    Full,
    /// The lead became a contact before.
    #[error("The lead was converted before; its contact_id and opportunity_id say into what.")]
    Converted,
    /// More records point at this one than can be changed in one go.
    #[error(
        "More than {0} opportunities are made with this contact. Give them another contact_id first, then delete it."
    )]
    Linked(i64),
    /// A type of that name is there.
    #[error("There is a type of that name already; change that one, or take another name.")]
    TypeTaken,
    /// The tenant has as many types of its own as it may have.
    #[error(
        "The tenant has {MOST_TYPES} types of its own, the most that it may have. Delete those that are no longer needed."
    )]
    TypesFull,
    /// A built-in type cannot be deleted.
    #[error("A built-in type cannot be deleted. Its fields and statuses can be changed.")]
    TypeBuiltIn,
    /// Records of the type exist.
    #[error("There are {0} records of this type. Delete them first, then the type.")]
    TypeInUse(i64),
    /// The type was changed since the caller read it.
    #[error(
        "The type was changed since you read it; it is at version {0} now. Read it again, then repeat your change."
    )]
    TypeStale(u32),
    /// Stored records would be invalid.
    #[error(
        "{0} stored records would not fit the type then; the first are {1}. Change them first, or allow what they hold."
    )]
    TypeBreaks(usize, String),
    /// So many records of the type exist that a change which may break some is not looked into.
    #[error(
        "There are {0} records of this type, more than the {MOST_CHECKED} that are looked through for a change that may break some. \
         Fields can be added; a stricter schema needs a new type."
    )]
    TypeTooLarge(i64),
    /// The file of an import cannot be used as a whole.
    #[error("The file cannot be imported; `details` says why. No row of it was looked at.")]
    File(Vec<FieldFault>),
    /// The caller may see it, but not do this there.
    #[error("Your permission {0} does not reach this record or its module. Ask somebody who manages access.")]
    OutOfReach(Permission),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl RecordError {
    /// That stored records of a type would not fit it any more.
    pub(crate) fn breaks(count: usize, first: &[RecordId]) -> Self {
        let first: Vec<&str> = first.iter().map(RecordId::as_str).collect();
        Self::TypeBreaks(count, first.join(", "))
    }

    /// The same, for a type whose stored schema cannot be used by this program.
    pub(crate) fn unusable(kind: &RecordType, faults: &[FieldFault]) -> Self {
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Self::Db(DbError::Engine(format!(
            "the schema of type {} cannot be used: {}",
            kind.name,
            words.join("; ")
        )))
    }
}

impl From<OutOfReach> for RecordError {
    fn from(fault: OutOfReach) -> Self {
        match fault {
            OutOfReach::Unseen => Self::Unknown,
            OutOfReach::Lacks(permission) => Self::OutOfReach(permission),
        }
    }
}

impl From<Vec<FieldFault>> for RecordError {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Invalid(faults)
    }
}

impl Fault for RecordError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown | Self::TypeUnknown => Kind::NotFound,
            Self::Invalid(_) | Self::File(_) => Kind::Invalid,
            Self::Stale(_) | Self::TypeStale(_) => Kind::Stale,
            Self::ExternalIdTaken(..)
            | Self::Converted
            | Self::Linked(_)
            | Self::TypeTaken
            | Self::TypeBuiltIn
            | Self::TypeInUse(_)
            | Self::TypeBreaks(..) => Kind::Conflict,
            Self::Full | Self::TypesFull | Self::TypeTooLarge(_) => Kind::Unprocessable,
            Self::OutOfReach(_) => Kind::Forbidden,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown | Self::TypeUnknown => "NOT_FOUND",
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Stale(_) | Self::TypeStale(_) => "PRECONDITION_FAILED",
            Self::ExternalIdTaken(..) => "EXTERNAL_ID_TAKEN",
            Self::Full => "RECORD_LIMIT",
            Self::Converted => "LEAD_CONVERTED",
            Self::Linked(_) => "RECORD_LINKED",
            Self::TypeTaken => "TYPE_TAKEN",
            Self::TypesFull => "TYPE_LIMIT",
            Self::TypeBuiltIn => "TYPE_BUILT_IN",
            Self::TypeInUse(_) => "TYPE_IN_USE",
            Self::TypeBreaks(..) => "TYPE_BREAKS_RECORDS",
            Self::TypeTooLarge(_) => "TYPE_TOO_LARGE",
            Self::File(_) => "IMPORT_UNREADABLE",
            Self::OutOfReach(_) => "OUT_OF_REACH",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Invalid(faults) | Self::File(faults) | Self::ExternalIdTaken(_, faults) => faults,
            Self::Unknown
            | Self::TypeUnknown
            | Self::Stale(_)
            | Self::Full
            | Self::Converted
            | Self::Linked(_)
            | Self::TypeTaken
            | Self::TypesFull
            | Self::TypeBuiltIn
            | Self::TypeInUse(_)
            | Self::TypeStale(_)
            | Self::TypeBreaks(..)
            | Self::TypeTooLarge(_)
            | Self::OutOfReach(_)
            | Self::Db(_) => &[],
        }
    }

    fn lacks(&self) -> Option<Permission> {
        if let Self::OutOfReach(permission) = self { Some(*permission) } else { None }
    }

    fn retry_after(&self) -> Option<Span> {
        if let Self::Db(error) = self { error.retry_after() } else { None }
    }
}
