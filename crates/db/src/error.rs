//! What can go wrong between us and the database?

use kernel::{Fault, Kind, Span};

/// A fault of the database or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another writer holds the lock, and went on holding it for as long as we were willing to wait.
    #[error("the database is locked by another writer")]
    Locked,
    /// The disk, or the quota of the database, is full.
    #[error("the database is full")]
    Full,
    /// The schema is not the one that this program was made for.
    #[error("the schema does not fit: {0}")]
    Schema(String),
    /// A row held something that its decoder did not expect.
    #[error("column {column} does not hold {wanted}")]
    Decode {
        /// The column's name.
        column: String,
        /// What was expected there.
        wanted: &'static str,
    },
    /// Anything else that the engine said.
    #[error("the database failed: {0}")]
    Engine(String),
}

impl DbError {
    /// Makes an error of an engine's text, recognising the two that callers can act on.
    #[must_use]
    pub fn from_engine(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        if lower.contains("is locked")
            || lower.contains("database is busy")
            || lower.contains("table is locked")
        {
            Self::Locked
        } else if lower.contains("disk is full") || lower.contains("database or disk is full") {
            Self::Full
        } else {
            Self::Engine(text.to_owned())
        }
    }
}

impl Fault for DbError {
    fn kind(&self) -> Kind {
        match self {
            Self::Locked | Self::Full => Kind::Unavailable,
            Self::Schema(_) | Self::Decode { .. } | Self::Engine(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Locked => "DATABASE_BUSY",
            Self::Full => "STORAGE_FULL",
            Self::Schema(_) | Self::Decode { .. } | Self::Engine(_) => "INTERNAL",
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Locked => Some(Span::seconds(1)),
            Self::Full => Some(Span::seconds(30)),
            Self::Schema(_) | Self::Decode { .. } | Self::Engine(_) => None,
        }
    }
}
