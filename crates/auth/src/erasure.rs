//! How far is the erasure of a person, and what keeps it from beginning?

use kernel::{Fault, Instant, Kind, Person, UserId};
use serde_json::{Map, Value};
use std::str::FromStr;

/// Whether a person is still being erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureState {
    /// Something may still be there.
    Running,
    /// All is gone.
    Done,
}

impl ErasureState {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

impl FromStr for ErasureState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Running, Self::Done].into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// The erasure of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The id that stays as a pseudonym.
    pub user: UserId,
    /// Whether it goes on.
    pub state: ErasureState,
    /// Who it is; nobody any more once it is done.
    pub person: Option<Person>,
    /// What it is at.
    pub stage: String,
    /// Where in it.
    pub cursor: String,
    /// How many of what were erased so far.
    pub counts: Map<String, Value>,
    /// The job that does it.
    pub job: String,
    /// Who wanted it.
    pub requested_by: String,
    /// When.
    pub requested_at: Instant,
    /// When all was gone.
    pub ended_at: Option<Instant>,
}

impl Erasure {
    /// Adds to a count.
    pub fn count(&mut self, what: &str, more: usize) {
        let before = self.counts.get(what).and_then(Value::as_u64).unwrap_or(0);
        let now = before.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
        self.counts.insert(what.to_owned(), now.into());
    }
}

/// What keeps an erasure from beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ErasureError {
    /// The address that confirms it is another one.
    #[error("The address in `confirm` is not this user's. Nothing was erased; look whom you mean.")]
    Confirm,
    /// Nobody erases themselves.
    #[error("Nobody can erase themselves: ask somebody else who manages the tenant's users.")]
    Oneself,
}

impl Fault for ErasureError {
    fn kind(&self) -> Kind {
        match self {
            Self::Confirm => Kind::Unprocessable,
            Self::Oneself => Kind::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Confirm => "ERASURE_NOT_CONFIRMED",
            Self::Oneself => "ERASURE_OF_ONESELF",
        }
    }
}
