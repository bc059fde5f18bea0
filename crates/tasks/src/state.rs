//! Which states has a task?
//!
//! `draft → assigned → in_progress → completed`, and `cancelled` from any that has not ended; what has ended can be reopened.
//! The CHECKs of the migration repeat the states.

use std::fmt;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Nobody has it yet.
    Draft,
    /// Somebody has it and has not begun.
    Assigned,
    /// Somebody works on it.
    InProgress,
    /// It is done.
    Completed,
    /// It is not to be done any more.
    Cancelled,
}

impl TaskState {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Draft, Self::Assigned, Self::InProgress, Self::Completed, Self::Cancelled];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether there is still something to do.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Draft | Self::Assigned | Self::InProgress => true,
            Self::Completed | Self::Cancelled => false,
        }
    }
}

/// The text names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of draft, assigned, in_progress, completed, cancelled")]
pub struct UnknownState;

impl std::str::FromStr for TaskState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
