//! How does the host tell a person that something went wrong?
//!
//! A [`Failure`] has three parts: what happened, what it means, and what to do next. It is the error of everything
//! that runs before the first request is served; what happens to a single request goes to the log.

use std::fmt;

/// The result of everything that prepares or runs the host.
pub type Outcome<T> = Result<T, Failure>;

/// A reason why the host cannot go on, told in three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    what: String,
    meaning: String,
    next: String,
}

impl Failure {
    /// A failure from its three parts; a part that is empty is left out when it is shown.
    pub fn new(what: impl Into<String>, meaning: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), meaning: meaning.into(), next: next.into() }
    }

    /// What happened, in one sentence.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for part in [&self.meaning, &self.next] {
            if !part.is_empty() {
                write!(f, "\n  {part}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
