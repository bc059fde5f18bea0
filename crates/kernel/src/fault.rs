//! What went wrong, and what may the caller do about it? A [`Kind`] answers the second; codes and words the first.
//!
//! Each crate has one error enum that implements [`Fault`]. Nobody here knows HTTP: the edge turns kinds into statuses.

use std::fmt;

/// What the caller may do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Change the request.
    Invalid,
    /// Show who you are.
    Unauthenticated,
    /// Ask somebody with more rights.
    Forbidden,
    /// There is no such thing, or it is not yours.
    NotFound,
    /// Look at the present state first.
    Conflict,
    /// Fetch the resource again: it changed since.
    Stale,
    /// Send less.
    TooLarge,
    /// Send another format.
    Unsupported,
    /// The request is understood, but cannot be carried out as it stands.
    Unprocessable,
    /// Wait, then try again.
    TooMany,
    /// Try again shortly: the system is busy.
    Unavailable,
    /// Nothing: it is our fault.
    Internal,
}

/// One faulty field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The path of the field: `email`, `conditions[0].type`.
    pub field: String,
    /// What is wrong with it, as the end of a sentence that begins with the field.
    pub message: String,
}

impl FieldFault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.field, self.message)
    }
}

/// Collects all faulty fields of a request, so that they are told at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldFault>);

impl Fields {
    /// No faults so far.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Notes a fault.
    pub fn fault(&mut self, field: impl Into<String>, message: impl fmt::Display) {
        self.0.push(FieldFault::new(field, message));
    }

    /// The value, or a noted fault and `None`.
    pub fn take<T, E: fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(field, error)).ok()
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` if nothing was noted.
    ///
    /// # Errors
    /// All noted faults.
    pub fn done(self) -> Result<(), Vec<FieldFault>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    /// The value if nothing was noted.
    ///
    /// # Errors
    /// All noted faults; also when the value is missing although no fault was noted (which is one).
    pub fn give<T>(mut self, value: Option<T>) -> Result<T, Vec<FieldFault>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                if self.0.is_empty() {
                    self.fault("body", "is incomplete");
                }
                Err(self.0)
            }
        }
    }
}

/// An error that can be told to a caller.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// What the caller may do about it.
    fn kind(&self) -> Kind;

    /// A stable, documented code: `NOT_FOUND`.
    fn code(&self) -> &'static str;

    /// The faulty fields, if the request was faulty.
    fn fields(&self) -> &[FieldFault] {
        &[]
    }

    /// A secret that the caller gets with the fault, under this name: what it needs to mend it.
    fn handed(&self) -> Option<(&'static str, &crate::Secret<String>)> {
        None
    }

    /// The permission that was missing, where it was one.
    fn lacks(&self) -> Option<crate::Permission> {
        None
    }

    /// How long to wait, where waiting helps.
    fn retry_after(&self) -> Option<crate::Span> {
        None
    }
}
